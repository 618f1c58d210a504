"""The table of OWASP's ASVS: complete, with proofs that are there, and up to date."""

import re
from pathlib import Path

import pytest

from website import asvs
from website.asvs import counts, page, place, requirements

SECTIONS = """
1.1:1-2 1.2:1-9 1.3:1-11 1.4:1-3 1.5:1-2 2.1:1-3 2.2:1-3 2.3:1-4 2.4:1-1 3.2:1-2 3.3:1-4
3.4:1-6 3.5:1-5 3.7:1-2 4.1:1-3 4.2:1-1 4.3:1-2 4.4:1-4 5.1:1-1 5.2:1-3 5.3:1-2 5.4:1-3
6.1:1-3 6.2:1-12 6.3:1-4 6.4:1-4 6.5:1-5 6.6:1-3 6.8:1-4 7.1:1-3 7.2:1-4 7.3:1-2 7.4:1-5
7.5:1-2 7.6:1-2 8.1:1-2 8.2:1-3 8.3:1-1 8.4:1-1 9.1:1-3 9.2:1-4 10.1:1-2 10.2:1-2 10.3:1-4
10.4:1-11 10.5:1-5 10.6:1-2 10.7:1-3 11.1:1-2 11.2:1-3 11.3:1-3 11.4:1-4 11.5:1-1 11.6:1-1
12.1:1-3 12.2:1-2 12.3:1-4 13.1:1-1 13.2:1-5 13.3:1-2 13.4:1-5 14.1:1-2 14.2:1-4 14.3:1-3
15.1:1-3 15.2:1-3 15.3:1-7 16.1:1-1 16.2:1-5 16.3:1-4 16.4:1-3 16.5:1-3 17.1:1-1 17.2:1-4
17.3:1-2
"""
"""The requirements of ASVS 5.0.0 with level 1 or 2, by section."""
LEVEL_1 = 70


def numbers() -> list[str]:
    found = []
    for section, listed in re.findall(r"(\d+\.\d+):(\S+)", SECTIONS):
        for part in listed.split(","):
            first, _, last = part.partition("-")
            found += [f"{section}.{n}" for n in range(int(first), int(last or first) + 1)]
    return found


def test_each_requirement_is_answered_once_and_in_order() -> None:
    rows = requirements()
    assert [row.number for row in rows] == numbers()
    assert sum(row.level == 1 for row in rows) == LEVEL_1
    assert {row.level for row in rows} == {1, 2}
    assert {row.chapter for row in rows} == set(asvs.CHAPTERS)


def test_an_answer_has_a_reason_and_what_is_met_a_place() -> None:
    rows = requirements()
    assert [row.number for row in rows if not row.asks or not row.why] == []
    assert [row.number for row in rows if re.search("not yet|being built", row.why)] == []
    missing = [name for row in rows for name in row.places if place(name) is None]
    assert missing == []
    unproved = {row.number for row in rows if row.state == "met" and not row.places}
    assert unproved == WITHOUT_A_PLACE


WITHOUT_A_PLACE = {"1.4.1"}
"""Met by the language."""


def test_the_page_is_up_to_date_and_counts_what_it_shows() -> None:
    """The counts are those of the rows that the page shows."""
    written = asvs.PAGE.read_text()
    assert page(written) == written
    shown = re.findall(r"^\| (\d+)\.\d+\.\d+ \| [12] \| [^|]+ \| (\S+) \|", written, re.MULTILINE)
    assert len(shown) == len(requirements())
    for chapter, name in asvs.CHAPTERS.items():
        states = [state for number, state in shown if int(number) == chapter]
        cells = [len(states), *(states.count(mark) for mark in asvs.STATES.values())]
        assert f"| {chapter} {name} | {' | '.join(map(str, cells))} |" in written


def test_a_row_without_a_state_or_with_two_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.toml"
    for states in ("", 'met = "so"\nnot = "so"', 'mett = "so"'):
        file.write_text(f'["1.1.1"]\nlevel = 1\nasks = "x"\n{states}\n')
        with pytest.raises(ValueError, match=re.escape("1.1.1")):
            requirements(file)
    file.write_text('["1.1.1"]\nlevel = 1\nasks = "x"\napply = "so"\n')
    assert "| **all** | 1 | 0 | 0 | 1 |" in list(counts(requirements(file)))
