"""Submits the forms of a page, as a browser would without any input by the user."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from hirewire.web.pages.resume_forms import BLOCKS

MISSING = "(a browser does not send the form without it)"
UNSENT = ("submit", "button", "file", "image", "reset")


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str]]]] = []
        self._fields: list[tuple[str, str]] | None = None
        self._text: list[str] | None = None
        self._area = ""
        self._select: list[tuple[str | None, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value")
        if tag == "form":
            self._fields = []
            self.found.append((given.get("action") or "", self._fields))
        if self._fields is None:
            return
        if tag == "input" and name:
            self._input(name, given)
        elif tag == "textarea":
            self._area, self._text = name, []
        elif tag == "select":
            self._area, self._select = name, []
        elif tag == "option":
            self._select.append((value, "selected" in given))

    def _input(self, name: str, given: dict[str, str | None]) -> None:
        kind, value = given.get("type") or "text", given.get("value") or ""
        assert self._fields is not None
        if kind in ("checkbox", "radio"):
            if "checked" in given:
                self._fields.append((name, given.get("value") or "on"))
        elif kind not in UNSENT:
            value = re.sub(r"[\r\n]", "", value)
            if "required" in given and not value:
                name = f"{name} {MISSING}"
            self._fields.append((name, value))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if self._fields is None:
            return
        if tag == "textarea" and self._text is not None:
            text = re.sub(r"\r\n?", "\n", "".join(self._text)).removeprefix("\n")
            self._fields.append((self._area, text.replace("\n", "\r\n")))
            self._text = None
        elif tag == "select":
            chosen = [value for value, is_selected in self._select if is_selected]
            self._fields.append((self._area, (chosen or [self._select[0][0]])[-1] or ""))
        elif tag == "form":
            self._fields = None


def forms_of(page: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The action of each form, and the fields it sends; without the pressed button.

    A field that would stop a browser from submitting has `MISSING` in its name.
    """
    parser = _Forms()
    parser.feed(page)
    parser.close()
    return parser.found


def whole_editor(resume: dict[str, Any]) -> str:
    """The path of a resume's page with all blocks and items open."""
    items = [one["id"] for kind in ("experience", "education") for one in resume[kind]]
    return f"/resumes/{resume['id']}?{urlencode([('edit', one) for one in (*BLOCKS, *items)])}"


def forms_to(page: str, path: str) -> list[list[tuple[str, str]]]:
    """The fields of the forms with this action, except forms that are only a button."""
    found = [(action.partition("#")[0], fields) for action, fields in forms_of(page)]
    return [fields for action, fields in found if action == path and len(fields) > 1]
