"""All open vacancies for search engines: sitemaps, and the XML that Indeed and others read."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape

from hirewire.places.keys import where

SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
JOB_TYPES = {
    "FULL_TIME": "fulltime",
    "PART_TIME": "parttime",
    "CONTRACTOR": "contract",
    "TEMPORARY": "temporary",
    "INTERN": "internship",
    "VOLUNTEER": "volunteer",
}
UNITS = {"HOUR": "hour", "DAY": "day", "WEEK": "week", "MONTH": "month", "YEAR": "year"}


def sitemap_index(site: str, pages: int) -> str:
    """The index that lists the sitemaps."""
    parts = "".join(
        f"<sitemap><loc>{escape(site)}/sitemaps/{n}.xml</loc></sitemap>\n" for n in range(pages)
    )
    return f'{HEAD}<sitemapindex xmlns="{SITEMAP}">\n{parts}</sitemapindex>\n'


def sitemap_begin() -> str:
    """The beginning of a sitemap."""
    return f'{HEAD}<urlset xmlns="{SITEMAP}">\n'


def sitemap_part(site: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """The addresses of these vacancies."""
    return "".join(
        f"<url><loc>{escape(site)}/vacancies/{row['id']}</loc>"
        f"<lastmod>{row['updated_at'].astimezone(UTC).isoformat()}</lastmod></url>\n"
        for row in rows
    )


def sitemap_start(site: str) -> str:
    """A sitemap with only the start page: a sitemap without any address would be invalid."""
    return f"<url><loc>{escape(site)}/</loc></url>\n"


def sitemap_end() -> str:
    """The end of a sitemap."""
    return "</urlset>\n"


def jobs_begin(site: str, moment: datetime) -> str:
    """The beginning of the job feed."""
    return (
        f"{HEAD}<source>\n<publisher>Hirewire</publisher>\n"
        f"<publisherurl>{escape(site)}</publisherurl>\n"
        f"<lastBuildDate>{_date(moment)}</lastBuildDate>\n"
    )


def jobs_part(site: str, country: str | None, rows: Iterable[Mapping[str, Any]]) -> str:
    """These vacancies (rows with `company_name`) as jobs, with texts in CDATA."""
    return "".join(_job(site, country, row) for row in rows)


def jobs_end() -> str:
    """The end of the job feed."""
    return "</source>\n"


def _job(site: str, country: str | None, row: Mapping[str, Any]) -> str:
    area, work_format = where(row["area"], row["work_format"])
    fields = {
        "title": row["title"],
        "date": _date(row["published_at"]),
        "lastactivitydate": _date(row["updated_at"]),
        "referencenumber": str(row["id"]),
        "url": f"{site}/vacancies/{row['id']}",
        "company": row["company_name"],
        "city": area or "",
        "country": country or "",
        "streetaddress": row["address"] or "",
        "description": row["description"] or "",
        "salary": _salary(row["salary"]),
        "jobtype": JOB_TYPES.get(row["employment_type"] or "", ""),
        "remotetype": "Fully remote" if work_format == "remote" else "",
        "expirationdate": str(row["valid_through"] or ""),
    }
    parts = "".join(f"<{name}>{_cdata(text)}</{name}>\n" for name, text in fields.items() if text)
    return f"<job>\n{parts}</job>\n"


def _date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _salary(salary: Mapping[str, Any] | None) -> str:
    if not salary:
        return ""
    ends = [str(salary[end]) for end in ("min", "max") if salary.get(end) is not None]
    return f"{' - '.join(ends)} {salary['currency']} per {UNITS.get(salary['unit'], 'month')}"


def _cdata(text: str) -> str:
    whole = _FORBIDDEN.sub("", text).replace("]]>", "]]]]><![CDATA[>")
    return f"<![CDATA[{whole}]]>"
