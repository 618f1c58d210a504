"""A resume as PDF, set by typst from the template beside this file.

What people typed reaches the template as data (JSON in `sys.inputs`), never as its source: nothing
that is typed is markup or code there.
"""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from typing import Any

import typst
from fastapi import Response
from starlette.types import Receive, Scope, Send

from hirewire.profiles.sections import more

FONTS = ("manimgx_fonts", "noto_cjk_sans_jp_regular")
"""Packages of Noto fonts, for what typst's own have not: other scripts, emoji, and CJK."""
_SETTER = ThreadPoolExecutor(1, "pdf")
"""One at a time: setting a page takes a core for a moment. In a thread of its own, so that those
who wait for it keep nothing from anybody else.
"""


def content_of(resume: Mapping[str, Any]) -> dict[str, Any]:
    """What of a resume (its row, with experience, education and its owner's profile) is set."""
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
        "experience": [{n: one[n] for n in jobs} for one in resume["experience"]],
        "education": [{n: one[n] for n in studies} for one in resume["education"]],
    }


def made(content: Mapping[str, Any], locale: str | None) -> bytes:
    """The PDF, tagged for screen readers; its labels are Russian for `ru…`, else English."""
    language = "ru" if (locale or "").startswith("ru") else "en"
    data = json.dumps(content, ensure_ascii=False, default=str)
    done = _compiler().compile(
        _template(), format="pdf", sys_inputs={"data": data, "lang": language}
    )
    assert isinstance(done, bytes)
    return done


class PdfAnswer(Response):
    """The answer that carries it. It is made when the answer is sent: by then the request's
    transaction has ended and its connection is back in the pool.
    """

    def __init__(self, content: Mapping[str, Any], locale: str | None) -> None:
        self._given = content, locale
        super().__init__(
            media_type="application/pdf",
            headers={
                "Content-Disposition": 'attachment; filename="resume.pdf"',
                "Cache-Control": "no-store",
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make and send it."""
        loop = asyncio.get_running_loop()
        self.body = await loop.run_in_executor(_SETTER, made, *self._given)
        self.headers["Content-Length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


@cache
def _template() -> bytes:
    return files("hirewire.profiles").joinpath("resume.typ").read_bytes()


@cache
def _compiler() -> typst.Compiler:
    """With typst's own fonts and those of packages, so that a page is the same on every machine."""
    paths = [str(files(package)) for package in FONTS]
    return typst.Compiler(ignore_system_fonts=True, font_paths=paths)
