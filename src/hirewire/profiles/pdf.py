"""A resume as PDF, typeset by typst from the template beside this file.

User input reaches the template as data (JSON in `sys.inputs`) and never as source, so it is never
interpreted as markup or code.
"""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from fastapi import Response
from starlette.types import Receive, Scope, Send

from hirewire.profiles.content import Content
from hirewire.profiles.sections import more

if TYPE_CHECKING:
    import typst

FONTS = ("manimgx_fonts", "noto_cjk_sans_jp_regular")
"""Packages of Noto fonts for characters that typst's own fonts lack: other scripts, emoji, CJK."""
_SETTER = ThreadPoolExecutor(1, "pdf")
"""Compiles one PDF at a time, since each takes a whole core for a moment. The thread is dedicated,
so that waiting requests do not occupy the default pool.
"""


def content_of(resume: Content) -> Mapping[str, object]:
    """The template's data: a resume's row, experience, education and owner's profile."""
    names = (
        *("full_name", "headline", "contacts", "title", "summary", "area", "relocation"),
        *("employment_types", "work_formats", "salary", "skills", "languages", "certificates"),
        "projects",
    )
    jobs = ("company", "position", "start", "end", "description", "highlights", "skills")
    studies = ("organization", "level", "field", "start_year", "end_year")
    return {name: resume.get(name) for name in names} | {
        "links": [*(resume.get("profile_links") or ()), *(resume.get("links") or ())],
        "more": more(resume.get("imported") or {}),
        "experience": [_some(job, jobs) for job in resume["experience"]],
        "education": [_some(study, studies) for study in resume["education"]],
    }


def _some(row: Mapping[str, object], names: tuple[str, ...]) -> Mapping[str, object]:
    return {name: row[name] for name in names}


def changed_at(resume: Content) -> datetime:
    """When a resume, or the copy of one, was last changed."""
    moment = resume["updated_at"]
    return datetime.fromisoformat(moment) if isinstance(moment, str) else moment


def made(content: Mapping[str, object], locale: str | None, changed: datetime) -> bytes:
    """Compile the PDF, tagged for screen readers. Labels are Russian for `ru…`, else English.

    The document is dated by its resume's last change, so that one resume gives one PDF at any time.
    """
    language = "ru" if (locale or "").startswith("ru") else "en"
    data = json.dumps(content, ensure_ascii=False, default=str)
    done = _compiler().compile(
        _template(),
        format="pdf",
        sys_inputs={"data": data, "lang": language},
        timestamp=int(changed.timestamp()),
    )
    assert isinstance(done, bytes)
    return done


async def compiled(resume: Content, locale: str | None) -> bytes:
    """The PDF of a resume, compiled while other work goes on."""
    loop = asyncio.get_running_loop()
    given = content_of(resume), locale, changed_at(resume)
    return await loop.run_in_executor(_SETTER, made, *given)


class PdfAnswer(Response):
    """A response that compiles the PDF when it is sent.

    By then the request's transaction has ended and its connection is back in the pool.
    """

    def __init__(self, resume: Content, locale: str | None) -> None:
        self._given = resume, locale
        super().__init__(
            media_type="application/pdf",
            headers={
                "Content-Disposition": 'attachment; filename="resume.pdf"',
                "Cache-Control": "no-store",
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Compile and send the PDF."""
        self.body = await compiled(*self._given)
        self.headers["Content-Length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


@cache
def _template() -> bytes:
    return files("hirewire.profiles").joinpath("resume.typ").read_bytes()


@cache
def _compiler() -> "typst.Compiler":
    """A compiler with typst's fonts and `FONTS` only, so that every machine gives the same PDF."""
    import typst  # 2 MiB, for the first resume that is asked for as PDF

    paths = [str(files(package)) for package in FONTS]
    return typst.Compiler(ignore_system_fonts=True, font_paths=paths)
