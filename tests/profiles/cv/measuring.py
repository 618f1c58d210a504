"""Measures how many fields of a CV are read correctly: `python -m tests.profiles.cv.measuring`.

`--held` adds the layouts that were held back, `--show` prints the errors in those too.
"""

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Iterable
from uuid import uuid4

from hirewire.esco import dictionary
from hirewire.places.gazetteer import gazetteer
from hirewire.profiles.cv.process import lines_of
from hirewire.profiles.cv.reader import Draft, read
from tests.profiles.cv.layouts import HELD, SEEN, Layout

KINDS = ("name", "contacts", "title", "titles", "companies", "dates", "skills", "languages")


async def draft_of(layout: Layout) -> Draft:
    lines = await lines_of(uuid4(), layout.file())
    return read(
        lines,
        is_city=lambda text: gazetteer().find(text) is not None,
        is_skill=lambda text: dictionary().find(text) is not None,
    )


def right(layout: Layout, draft: Draft) -> tuple[Counter[str], Counter[str], list[str]]:
    """The correct fields of each kind, their total, and the errors."""
    person, document = layout.person, draft["document"]
    good: Counter[str] = Counter()
    all_: Counter[str] = Counter()
    wrong: list[str] = []

    def check(kind: str, expected: object, found: object) -> None:
        all_[kind] += 1
        good[kind] += expected == found
        if expected != found:
            wrong.append(f"{kind}: {expected!r} is read as {found!r}")

    basics: dict = document.get("basics", {})  # type: ignore[assignment, type-arg]
    check("name", person.name, basics.get("name"))
    check("title", person.title, basics.get("label"))
    check("contacts", person.email, basics.get("email"))
    check("contacts", _digits(person.phone), _digits(basics.get("phone", "")))
    check("contacts", person.city, basics.get("location", {}).get("city"))
    if has_link(layout):
        links = {re.sub(r"https?://(www\.)?", "", one["url"]) for one in basics.get("profiles", [])}
        check("contacts", {person.link}, links)
    work: list = document.get("work", [])  # type: ignore[assignment, type-arg]
    for n, job in enumerate(person.jobs):
        found = work[n] if n < len(work) else {}
        check("titles", job.title, found.get("position"))
        check("companies", job.company, found.get("name"))
        check("dates", job.start, found.get("startDate"))
        check("dates", job.end, found.get("endDate", "") if found else None)
    names: list = document.get("skills", [])  # type: ignore[assignment, type-arg]
    skills = {one["name"] for one in names}
    for skill in person.skills:
        check("skills", True, skill in skills or skill)
    for extra in skills - set(person.skills):
        check("skills", None, extra)
    spoken: list = document.get("languages", [])  # type: ignore[assignment, type-arg]
    levels = {one["language"]: one.get("fluency") for one in spoken}
    for name, level in person.languages:
        check("languages", (name, level), (name, levels.get(name)))
    return good, all_, wrong


def has_link(layout: Layout) -> bool:
    return layout.make.__name__ not in ("hh", "table_rows", "labels")


def _digits(phone: str) -> str:
    return re.sub(r"\D", "", phone)


async def measure(layouts: Iterable[Layout], *, is_shown: bool = False) -> dict[str, float]:
    """The share of correct fields, by kind."""
    good: Counter[str] = Counter()
    all_: Counter[str] = Counter()
    for layout in layouts:
        some, whole, wrong = right(layout, await draft_of(layout))
        good += some
        all_ += whole
        if is_shown:
            print(f"  {layout.name}: {some.total()} of {whole.total()}", *wrong, sep="\n    ")  # noqa: T201
    return {kind: good[kind] / all_[kind] for kind in KINDS}


async def main() -> None:
    shares = {"made with": await measure(SEEN, is_shown=True)}
    if "--held" in sys.argv:
        shares["held back"] = await measure(HELD, is_shown="--show" in sys.argv)
    print("| field |", " | ".join(KINDS), "|")  # noqa: T201
    for name, found in shares.items():
        print(f"| {name} |", *(f"{share:.0%} |" for share in found.values()))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
