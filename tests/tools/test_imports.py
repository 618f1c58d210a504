"""Files of vacancies and resumes: what is accepted, and the error for every mistake."""

import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from hirewire.kit.spreadsheets import plain, safe
from hirewire.launcher.process import free_port
from hirewire.tools.imports.columns import Kind, body_of, column_of, day, heads, number
from hirewire.tools.imports.command import import_file
from hirewire.tools.imports.files import Row, Unreadable, rows_of
from hirewire.tools.imports.importer import Importer
from hirewire.tools.imports.report import Journal, NotAReport


def read(folder: Path, content: str | bytes, name: str = "f.csv", kind: Kind = "vacancies") -> Any:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return rows_of(path, kind)[0]


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


def test_reported_lines_are_those_of_the_file(tmp_path: Path) -> None:
    rows = read(tmp_path, '\ufefftitle,area\r\n"a\r\nb",x\r\n\r\nc\r\nd,y\r\n')
    assert [(row.line, row.title, row.wrong) for row in rows] == [
        (2, "a\r\nb", []),
        (5, "c", []),
        (6, "d", []),
    ]


def test_each_wrong_cell_is_named(tmp_path: Path) -> None:
    [row] = read(tmp_path, "title,salaryMin,gross\nx,much,perhaps\n")
    assert row.wrong == [
        ("salaryMin", "must be a whole number"),
        ("gross", "must be yes or no"),
    ]


@pytest.mark.parametrize("stray", ['"c,d', 'c,"d', '"c"x,d', 'c,"d" '])
@pytest.mark.parametrize("last", ["g,h", 'g,"h"', 'g,"h, h"', '"g ""g""",h', '"g\ng",h'])
def test_a_stray_quotation_mark_affects_only_its_row(tmp_path: Path, stray: str, last: str) -> None:
    rows = read(tmp_path, f"title,area\na,b\n{stray}\ne,f\n{last}\n")
    assert [(row.line, row.title) for row in rows if not row.wrong] == [
        (2, "a"),
        (4, "e"),
        (5, last.split(",")[0].replace('""', "'").strip('"').replace("'", '"')),
    ]
    [wrong] = [row for row in rows if row.wrong]
    assert (wrong.line, "quotation mark" in wrong.wrong[0][1]) == (3, True)


RUSSIAN = (
    "Должность;Зарплата от;Зарплата до;Город;До вычета налогов;Действует до;Формат работы;;\r\n"
    'Водитель "Газели";120 000 руб.;"150000,00";Омск;ИСТИНА;31.12.2027;удалённо;;\r\n'
    "Повар;80 000;;Пермь\r\n"
    "Сварщик;;;;ЛОЖЬ;2027-12-31 00:00:00;;;лишнее\r\n"
    ";;;;;;;;\r\n"
)


@pytest.mark.parametrize("sign", ["", "sep=;\r\n", '"sep=;"\r\n\r\n'])
@pytest.mark.parametrize(
    ("encoding", "taken"),
    [
        *(("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16")),
        *(("utf-16-le", "utf-16-le"), ("cp1251", "cp1251"), ("koi8-r", "koi8-r")),
    ],
)
def test_a_table_as_spreadsheets_in_russia_save_it(
    tmp_path: Path, sign: str, encoding: str, taken: str
) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes((sign + RUSSIAN).encode(encoding))
    (driver, cook, welder), said = rows_of(path, "vacancies")
    assert said == taken
    assert driver.wrong == []
    assert driver.body == {
        "title": 'Водитель "Газели"',
        "salary": {"min": 120000, "max": 150000, "currency": "RUB", "gross": True},
        "area": "Омск",
        "validThrough": "2027-12-31",
        "workFormat": "remote",
    }
    assert (cook.wrong, cook.body["area"]) == ([], "Пермь")
    assert welder.line == 4 + sign.count("\n")
    assert "'лишнее' in a column without a name" in welder.wrong[0][1]


def test_a_given_encoding_is_used(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes("title\nПовар\n".encode("cp866"))
    [row], taken = rows_of(path, "vacancies", "cp866")
    assert (row.title, taken) == ("Повар", "cp866")
    with pytest.raises(Unreadable, match=r"is not utf-8 \(line 2\)"):
        rows_of(path, "vacancies", "utf-8")
    for name in ("klingon", "hex", "undefined"):
        with pytest.raises(Unreadable, match=f"unknown encoding {name}|is not {name}"):
            rows_of(path, "vacancies", name)


async def test_the_detected_encoding_is_printed(tmp_path: Path) -> None:
    path, page = tmp_path / "f.csv", io.StringIO()
    path.write_bytes("Должность\nПовар\n".encode("cp1251"))
    owner = ("a@example.org", "x")
    console = Console(file=page, width=200)
    nowhere = f"http://127.0.0.1:{free_port()}"
    assert await import_file(nowhere, "vacancies", path, console, owner=owner, publish=False) == 1
    assert "Read as cp1251; use --encoding if that is wrong" in page.getvalue()


def test_the_first_row_determines_the_separator(tmp_path: Path) -> None:
    [row] = read(tmp_path, 'title,"area"\n"a;b;c\td\te",x\n')
    assert (row.title, row.body["area"]) == ("a;b;c\td\te", "x")
    [row] = read(tmp_path, '"title"\t"area"\na,b,c\td;e;f\n')
    assert (row.title, row.body["area"]) == ("a,b,c", "d;e;f")


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        *(("100000,00", 100000), ("120 000 ₽", 120000), ("120\u00a0000,00 руб.", 120000)),
        *(("2,800", 2800), ("1.000,00", 1000), ("$2,800.00", 2800), ("1'000", 1000)),
        *(("€ 5.000", 5000), ("10,000,000", 10_000_000), ("0", 0), ("-5", -5), ("1,0", 1)),
        *(("1,5", None), ("1.000.5", None), ("2,80,000", None), ("12 or 13", None), ("٣", None)),
        *(("", None), (",", None), ("1e5", None), ("max100", None), ("1,000,00,0", None)),
    ],
)
def test_amounts_as_spreadsheets_show_them(cell: str, amount: int | None) -> None:
    if amount is None:
        with pytest.raises(ValueError, match="whole number"):
            number(cell)
    else:
        assert number(cell) == amount


def test_the_sign_beside_an_amount_is_its_currency(tmp_path: Path) -> None:
    [one, two] = read(tmp_path, "title;salaryMin;currency\na;$ 100;\nb;100 ₽;usd\n")
    assert one.body["salary"] == {"min": 100, "currency": "USD"}
    assert two.wrong == [("salaryMin", "is in RUB, but the other amount in USD")]


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        *(("2027-12-31", "2027-12-31"), ("31.12.2027", "2027-12-31"), ("5.1.2027", "2027-01-05")),
        *(("31/12/2027", "2027-12-31"), ("12/31/2027", "2027-12-31"), ("3/3/2027", "2027-03-03")),
        *(("2027-12-31T00:00:00Z", "2027-12-31"), ("3/4/2027", None), ("31.12.27", None)),
        *(("tomorrow", None), ("46752", None)),
    ],
)
def test_days_as_spreadsheets_show_them(cell: str, found: str | None) -> None:
    if found is None:
        with pytest.raises(ValueError, match="must be a day"):
            day(cell)
    else:
        assert day(cell) == found


def test_every_column_has_a_head_in_russian() -> None:
    for kind in ("vacancies", "resumes"):
        known = heads(kind)
        assert set(known.values()) == {name for head, name in known.items() if head > "а"}


FORMULAS = ["=1+1", "+7 900", "-5", "@a", "\t=1", "'=1", "''+", "＝1", "plain", "'quoted'", ""]


@given(st.text() | st.sampled_from(FORMULAS))
def test_no_written_cell_is_a_formula(cell: str) -> None:
    assert not safe(cell).startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))
    assert plain(safe(cell)) == cell


def test_a_report_holds_no_formulas_and_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    title = '=HYPERLINK("http://evil.example")'
    row = Row(2, {"title": title}, "+a@example.org")
    with Journal(path) as journal:
        journal.write(row, "made", id="1", password="-secret")
    with path.open(newline="") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    assert f"'{title}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    with Journal(path) as journal:
        assert journal.passwords == {"+a@example.org": "-secret"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("f.csv", "", "is empty"),
        ("f.csv", " \n", "is empty"),
        ("f.csv", "title,area\n", "contains no rows"),
        ("f.csv", "title,salry\nx,1\n", "no column 'salry'; did you mean salary"),
        ("f.csv", "title,Title\nx,1\n", "title occurs twice"),
        ("f.csv", "area\nx\n", "column title is missing"),
        ("f.csv", b"title\n\x81\x8d\xff\x00", "its encoding is not known"),
        ("f.json", "[{]", "is not JSON"),
        ("f.json", "[" * 100_000, "nested too deeply"),
        ("f.json", "[]", "contains no rows"),
    ],
)
def test_an_unusable_file_is_refused_whole(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    with pytest.raises(Unreadable) as caught:
        read(tmp_path, content, name)
    assert said in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
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
def test_what_the_platform_refuses_is_reported_by_column(pointer: str, column: str) -> None:
    body, _ = body_of("vacancies", {"requirements": "Go", "niceToHave": "C:9", "title": "x"})
    assert column_of("vacancies", pointer, body) == column


def test_the_report_remembers_created_items(tmp_path: Path) -> None:
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


def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("precious,data\n")
    with pytest.raises(NotAReport, match="not an import report"), Journal(path):
        pass
    assert path.read_text() == "precious,data\n"


def test_rows_are_grouped_by_mailbox(tmp_path: Path) -> None:
    """With folded addresses two people would share an account, and read each other's resumes."""
    addresses = (
        "Anna@example.org",
        "anna@example.org",
        "straße@example.org",
        "strasse@example.org",
    )
    rows = [Row(n, email=email) for n, email in enumerate(addresses, start=1)]
    with Journal(tmp_path / "report.csv") as journal:
        importer = Importer(httpx.AsyncClient, "resumes", rows, None, journal)
        together = [[row.line for row in work] for work in importer._work()]
    assert together == [[1, 2], [3], [4]]
