"""Search results as Atom 1.0 (RFC 4287) and as RSS 2.0."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from xml.etree import ElementTree as ET

ATOM = "http://www.w3.org/2005/Atom"
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow (section 2.2)."""
EMPTY = datetime(2026, 1, 1, tzinfo=UTC)
"""The update time of a feed without entries."""


def xml_text(text: str | None) -> str:
    """The text without characters that XML does not allow."""
    return _FORBIDDEN.sub("", text or "")


def atom(rows: Iterable[Mapping[str, Any]], *, site: str, here: str, title: str) -> bytes:
    """An Atom feed of these vacancies (rows with `company_name`), newest first."""
    entries = list(rows)
    ET.register_namespace("", ATOM)
    feed = ET.Element(f"{{{ATOM}}}feed")
    _add(feed, "id", here)
    _add(feed, "title", title)
    _add(feed, "updated", _latest(entries).isoformat())
    _add(feed, "link", rel="self", type="application/atom+xml", href=here)
    _add(feed, "link", rel="alternate", type="text/html", href=f"{site}/vacancies")
    for row in entries:
        entry = _add(feed, "entry")
        _add(entry, "id", f"urn:uuid:{row['id']}")
        _add(entry, "title", row["title"])
        _add(entry, "link", rel="alternate", type="text/html", href=link_to(site, row["id"]))
        _add(entry, "published", row["published_at"].astimezone(UTC).isoformat())
        _add(entry, "updated", row["updated_at"].astimezone(UTC).isoformat())
        author = _add(entry, "author")
        _add(author, "name", row["company_name"])
        if row["area"]:
            _add(entry, "category", term=row["area"], label=row["area"])
        _add(entry, "content", row["description"] or "", type="html")
    return _document(feed)


def rss(rows: Iterable[Mapping[str, Any]], *, site: str, here: str, title: str) -> bytes:
    """The same as RSS 2.0."""
    entries = list(rows)
    ET.register_namespace("atom", ATOM)
    root = ET.Element("rss", version="2.0")
    channel = ET.SubElement(root, "channel")
    _plain(channel, "title", title)
    _plain(channel, "link", f"{site}/vacancies")
    _plain(channel, "description", title)
    _plain(channel, "lastBuildDate", format_datetime(_latest(entries), usegmt=True))
    here_too = ET.SubElement(channel, f"{{{ATOM}}}link")
    here_too.attrib |= {"rel": "self", "type": "application/rss+xml", "href": xml_text(here)}
    for row in entries:
        item = ET.SubElement(channel, "item")
        _plain(item, "title", f"{row['title']} · {row['company_name']}")
        _plain(item, "link", link_to(site, row["id"]))
        _plain(item, "guid", f"urn:uuid:{row['id']}").attrib["isPermaLink"] = "false"
        moment = row["published_at"].astimezone(UTC)
        _plain(item, "pubDate", format_datetime(moment, usegmt=True))
        _plain(item, "description", row["description"] or "")
    return _document(root)


def link_to(site: str, id: object) -> str:
    """The address of a vacancy's page."""
    return f"{site}/vacancies/{id}"


def _latest(rows: list[Mapping[str, Any]]) -> datetime:
    return max((row["updated_at"].astimezone(UTC) for row in rows), default=EMPTY)


def _add(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    clean = {key: xml_text(value) for key, value in attributes.items()}
    element = ET.SubElement(parent, f"{{{ATOM}}}{name}", clean)
    element.text = xml_text(text) or None
    return element


def _plain(parent: ET.Element, name: str, text: str) -> ET.Element:
    element = ET.SubElement(parent, name)
    element.text = xml_text(text)
    return element


def _document(root: ET.Element) -> bytes:
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
