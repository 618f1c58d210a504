"""Files of vacancies and resumes: what is understood, and what is said of every mistake."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from hirewire.launcher.bulk.columns import Kind, body_of, column_of
from hirewire.launcher.bulk.journal import Journal, NotAReport
from hirewire.launcher.bulk.reading import Row, Unreadable, rows_of


def read(folder: Path, content: str | bytes, name: str = "f.csv", kind: Kind = "vacancies") -> Any:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return rows_of(path, kind)


def test_a_table_becomes_what_the_api_takes(tmp_path: Path) -> None:
    [row] = read(
        tmp_path,
        "Title;description;requirements;Nice To Have;salary_min;currency;gross;languages;area\n"
        '"Инженер; старший";"Раз & два\n\nТри";Python:4; Kubernetes;120 000;RUB;нет;'
        "English:B2;Омск\n".replace("Python:4; Kubernetes", '"Python:4; SQL";Kubernetes'),
    )
    assert row.wrong == []
    assert row.body == {
        "title": "Инженер; старший",
        "description": "<p>Раз &amp; два</p><p>Три</p>",
        "requirements": [
            {"skill": "Python", "level": 4, "kind": "must"},
            {"skill": "SQL", "kind": "must"},
            {"skill": "Kubernetes", "kind": "nice"},
        ],
        "salary": {"min": 120000, "currency": "RUB", "gross": False},
        "languages": [{"language": "English", "level": "B2"}],
        "area": "Омск",
    }


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    rows = read(tmp_path, '\ufefftitle,area\r\n"a\r\nb",x\r\n\r\nc\r\nd,y\r\n')
    assert [(row.line, row.title, row.wrong) for row in rows] == [
        (2, "a\r\nb", []),
        (5, "", [("", "has 1 cells, where the head has 2")]),
        (6, "d", []),
    ]


def test_each_wrong_cell_is_named(tmp_path: Path) -> None:
    [row] = read(tmp_path, "title,salaryMin,gross\nx,much,perhaps\n")
    assert row.wrong == [
        ("salaryMin", "must be a whole number"),
        ("gross", "must be yes or no"),
    ]


def test_a_quotation_without_an_end_spoils_what_follows_alone(tmp_path: Path) -> None:
    first, second = read(tmp_path, 'title,area\na,b\n"c,d\ne,f\n')
    assert (first.title, first.wrong) == ("a", [])
    assert second.line == 3
    assert "were not read" in second.wrong[0][1]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("f.csv", "", "is empty"),
        ("f.csv", " \n", "is empty"),
        ("f.csv", "title,area\n", "nothing but its head"),
        ("f.csv", "title,salry\nx,1\n", "no column 'salry'; did you mean salary"),
        ("f.csv", "title,Title\nx,1\n", "title is there twice"),
        ("f.csv", "area\nx\n", "no column title"),
        ("f.csv", "title\nя\n".encode("cp1251"), "not UTF-8 (line 2)"),
        ("f.json", "[{]", "is not JSON"),
        ("f.json", "[" * 100_000, "nested too deeply"),
        ("f.json", "[]", "nothing"),
    ],
)
def test_an_unusable_file_is_refused_whole(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    with pytest.raises(Unreadable) as caught:
        read(tmp_path, content, name)
    assert said in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="No such file"):
        rows_of(tmp_path / "nothing.csv", "resumes")


def test_json_in_lines_and_lists(tmp_path: Path) -> None:
    lines = read(tmp_path, '{"title": "a"}\n\n{"title"\n7\n', "f.jsonl")
    assert [(row.line, row.title, bool(row.wrong)) for row in lines] == [
        (1, "a", False),
        (3, "", True),
        (4, "", True),
    ]
    [person, wrong] = read(
        tmp_path,
        json.dumps([{"basics": {"label": "b"}, "email": "a@example.org"}, {"email": 1}]),
        "f.json",
        "resumes",
    )
    assert (person.title, person.email, "email" in person.body) == ("b", "a@example.org", False)
    assert wrong.wrong == [("email", "must be text")]
    [alone] = read(tmp_path, '{"title": "x"}', "f")
    assert alone.title == "x"


@pytest.mark.parametrize(
    ("pointer", "column"),
    [
        ("#/salary/currency", "currency"),
        ("#/salary", "salaryMin"),
        ("#/requirements/0/level", "requirements"),
        ("#/requirements/1/skill", "niceToHave"),
        ("#/languages/0/level", "languages"),
        ("#/validThrough", "validThrough"),
        ("#/elsewhere", "#/elsewhere"),
    ],
)
def test_what_the_platform_refuses_is_told_by_column(pointer: str, column: str) -> None:
    body, _ = body_of("vacancies", {"requirements": "Go", "niceToHave": "C:9", "title": "x"})
    assert column_of("vacancies", pointer, body) == column


def test_the_report_remembers_what_was_made(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    one, two = Row(2, {"title": "one"}, "A@example.org"), Row(3, {"title": "two"})
    with Journal(path) as journal:
        journal.write(one, "made", id="17", password="secret words")
        journal.write(two, "refused", reasons=[("area", "is, well, wrong"), ("x", "y")])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().count("refused") == 2
    with Journal(path) as journal:
        assert journal.marks == {one.mark: "17"}
        assert journal.passwords == {"a@example.org": "secret words"}
    assert "refused" not in path.read_text(), "refusals are those of the last time"
    assert one.mark != two.mark


def test_another_file_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("precious,data\n")
    with pytest.raises(NotAReport, match="no report"), Journal(path):
        pass
    assert path.read_text() == "precious,data\n"
