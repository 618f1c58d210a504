"""Reading a CV: twenty layouts, the source of each field, and periods in words."""

import re
import time
from uuid import uuid4

import pytest

from hirewire.profiles.cv.process import lines_of
from hirewire.profiles.cv.reader import read
from tests.profiles.cv.layouts import HELD, SEEN, Layout, docx, hh, line, linkedin, one_column
from tests.profiles.cv.measuring import KINDS, draft_of, measure
from tests.profiles.cv.people import ANNA, GRACE

DEMANDED = dict.fromkeys(KINDS, 0.9) | {"skills": 0.8}


@pytest.mark.parametrize("layouts", [SEEN, HELD], ids=["made with", "held back"])
async def test_nine_in_ten_fields_of_each_kind_are_right(layouts: tuple[Layout, ...]) -> None:
    shares = await measure(layouts)
    assert all(shares[kind] >= DEMANDED[kind] for kind in KINDS), shares


async def test_each_value_names_the_line_it_came_from() -> None:
    draft = await draft_of(SEEN[0])
    assert draft["sources"]["/basics/name"] == {"page": 1, "text": "Anna Whitfield"}
    assert draft["sources"]["/work/1/name"]["text"] == "Northwind Parcel Group"
    assert "06/2015 – 02/2019" in draft["sources"]["/work/1/startDate"]["text"]
    assert draft["sources"]["/skills/2/name"]["text"].startswith("Python, PostgreSQL")


async def test_a_layout_shows_the_program_that_made_the_file() -> None:
    for make, name in ((linkedin, "linkedin"), (hh, "hh"), (one_column, "generic")):
        lines = await lines_of(uuid4(), make(ANNA, "name"))
        draft = read(lines, is_city=lambda text: text == "London", is_skill=lambda text: False)
        assert draft["layout"] == name


@pytest.mark.parametrize(
    ("said", "start", "end"),
    [
        ("03/2019 – present", "2019-03", None),
        ("Март 2019 — настоящее время", "2019-03", None),
        ("Jan 2020 - Dec 2021", "2020-01", "2021-12"),
        ("2018–2020", "2018", "2020"),
        ("с марта 2019 по н. в.", "2019-03", None),
        ("Sept. 2017 to May 2018", "2017-09", "2018-05"),
        ("2019-03 – 2020-11", "2019-03", "2020-11"),
    ],
)
async def test_periods_as_people_write_them(said: str, start: str, end: str | None) -> None:
    file = docx(line("Experience"), line("Baker, Rye Ltd"), line(said), line("Baked the bread."))
    lines = await lines_of(uuid4(), file)
    draft = read(lines, is_city=lambda text: False, is_skill=lambda text: False)
    work = draft["document"]["work"]
    assert isinstance(work, list)
    [job] = work
    assert isinstance(job, dict)
    assert (job["startDate"], job.get("endDate")) == (start, end)


async def test_neither_a_duration_nor_a_condition_of_work_begins_a_position() -> None:
    draft = await draft_of(Layout("hh en", GRACE, "name", hh))
    work = draft["document"]["work"]
    assert isinstance(work, list)
    titles = [one["position"] for one in work if isinstance(one, dict)]
    assert titles == [job.title for job in GRACE.jobs]


async def test_without_a_list_the_dictionary_finds_skills_in_the_texts() -> None:
    file = docx(
        line("Experience"), line("Developer, Rye Ltd"), line("2018–2020"),
        line("Wrote services in Python and moved them to PostgreSQL, with Bob."),
    )  # fmt: skip
    lines = await lines_of(uuid4(), file)
    known = {"Python", "PostgreSQL"}
    draft = read(lines, is_city=lambda text: False, is_skill=known.__contains__)
    assert draft["document"]["skills"] == [{"name": "Python"}, {"name": "PostgreSQL"}]


async def test_any_lines_can_be_read_and_no_pattern_runs_away() -> None:
    bad = [
        "May 2018 " * 100 + "x",
        "1 месяц1" * 110 + "x",
        "1 год " * 150 + "x",
        "(" * 900,
        "1 " * 490,
        "a." * 500,
        "Experience",
        "2018 – " * 120,
        "–" * 999,
        "a@" * 499,
    ]
    file = docx(
        *(line(one) for one in [*bad, "Education", *bad, "Skills", *bad, "Languages", *bad])
    )
    lines = await lines_of(uuid4(), file)
    began = time.monotonic()
    for right in (0.0, 90.0):
        placed = [line | {"x": 200.0 * (n % 2), "right": right} for n, line in enumerate(lines)]
        draft = read(placed, is_city=lambda text: False, is_skill=lambda text: False)
    assert time.monotonic() - began < 5
    assert not re.search("name", str(draft["document"].get("basics")))
