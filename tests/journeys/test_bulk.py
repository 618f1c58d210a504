"""`hirewire import` with the real services."""

import csv
import io
from pathlib import Path

import pytest
from rich.console import Console

from hirewire.tools.api_client import Account
from hirewire.tools.imports.columns import Kind
from hirewire.tools.imports.command import import_file
from tests.journeys.conftest import Platform

OWNER = ("boss@example.org", "a very good secret")
FILE = """\
title,description,requirements,niceToHave,salaryMin,salaryMax,currency,validThrough,workFormat
Python developer,Services,Python:3; SQL,Kubernetes,100 000,200 000,RUB,,remote
Designer,Drawing,Figma,,200000,100000,RUB,,on_site
Analyst,Counting,SQL:9,,,,roubles,2001-01-01,moon
,Nameless,,,,,,,
Driver,Driving,,,plenty,,,,
Cook,Cooking,,,,,,,,more
Python developer,Services,Python:3; SQL,Kubernetes,100 000,200 000,RUB,,remote
Welder,,Welding,,,,,,on_site
Smith,"<p>Iron</p><script>alert(1)</script>",,,,,,,
"""


async def run(
    platform: Platform,
    path: Path,
    kind: Kind = "vacancies",
    owner: tuple[str, str] | None = OWNER,
) -> tuple[int, str]:
    page = io.StringIO()
    url = platform.settings.service_url("web")
    console = Console(file=page, width=200)
    code = await import_file(url, kind, path, console, owner=owner, publish=True)
    return code, page.getvalue()


def report(path: Path) -> list[dict[str, str]]:
    with path.with_name(f"{path.name}.report.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)
async def test_a_file_with_every_mistake(platform: Platform, tmp_path: Path) -> None:
    await platform.start("auth", "profiles", "vacancies", "web")
    path = tmp_path / "vacancies.csv"
    path.write_text(FILE)
    code, said = await run(platform, path)
    assert (code, "cannot log in" in said) == (1, True), said
    async with platform.client() as client:
        boss = Account(client, *OWNER)
        await boss.enter()
        await boss.call("POST", "/api/vacancies/employer-profile", {"companyName": "Acme"})
        code, said = await run(platform, path)
        assert (code, "3 created (1 of them" in said) == (1, True), said
        assert "1 already existed, 5 refused" in said, said
        listed = await boss.pages("/api/vacancies/vacancies?mine=true")
        states = sorted((one["title"], one["status"]) for one in listed)
        assert [states[0], states[2]] == [("Python developer", "published"), ("Welder", "draft")]
        assert states[1][0] == "Smith"
        smith = next(one for one in listed if one["title"] == "Smith")
        whole = await boss.call("GET", f"/api/vacancies/vacancies/{smith['id']}")
        assert "script" not in whole["description"]

        lines = report(path)
        why = {(line["line"], line["field"]) for line in lines if line["why"]}
        assert {
            ("3", "salaryMin"),
            ("4", "requirements"),
            ("4", "currency"),
            ("4", "validThrough"),
            ("4", "workFormat"),
            ("5", "title"),
            ("6", "salaryMin"),
            ("7", ""),
            ("9", "description"),
        } <= why
        code, said = await run(platform, path)
        assert "0 created" in said, said
        assert "4 already existed, 5 refused" in said, said
        assert len(await boss.pages("/api/vacancies/vacancies?mine=true")) == 3

        path.write_text(FILE.replace("200000,100000", "100000,200000"))
        _, said = await run(platform, path)
        assert (
            "1 created (0 of them could not be published), 4 already existed, 4 refused" in said
        ), said


RESUMES = """\
{"email": "ann@example.org", "fullName": "Анна Ли", "title": "Аналитик", "skills": [{"name": "C"}]}
{"email": "ANN@example.org", "basics": {"label": "Data engineer"}, "skills": ["Python"], "work": 1}
{"email": "nobody", "title": "x"}
{"email": "boss@example.org", "title": "Somebody else's"}
{"email": "bob@example.org", "title": "Chef", "salary": {"amount": -1}}
{"email": "cem@example.org", "title": "Без навыков"}
{"title"
"""


@pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)
async def test_resumes_of_many_people(platform: Platform, tmp_path: Path) -> None:
    await platform.start("auth", "profiles", "vacancies", "web")
    path = tmp_path / "people.jsonl"
    path.write_text(RESUMES)
    async with platform.client() as client:
        await Account(client, *OWNER).enter()
        code, said = await run(platform, path, "resumes", owner=None)
        assert (code, "3 created (1 of them could not be published)" in said) == (1, True), said
        assert "4 refused" in said, said
        lines = report(path)
        reasons = {line["line"]: (line["field"], line["why"]) for line in lines if line["why"]}
        assert reasons["2"] == ("#/work", "is not a list")
        assert reasons["3"][0] == "email"
        assert "already has an account" in reasons["4"][1]
        assert {line["field"] for line in lines if line["line"] == "5"} == {
            "#/salary/amount",
            "#/salary/currency",
        }
        assert reasons["6"][0] == "#/skills"
        [password] = {line["password"] for line in lines if "ann@" in line["email"].lower()}
        ann = Account(client, "ann@example.org", password)
        await ann.log_in()
        found = await ann.pages("/api/profiles/resumes")
        assert {(one["title"], one["status"]) for one in found} == {
            ("Аналитик", "published"),
            ("Data engineer", "published"),
        }
        assert (await ann.call("GET", "/api/profiles/me"))["fullName"] == "Анна Ли"

        with path.open("a") as file:
            file.write('\n{"email": "ann@example.org", "title": "SQL", "skills": [{"name": "C"}]}')
        _, said = await run(platform, path, "resumes", owner=None)
        assert "1 created" in said, said
        assert len(await ann.pages("/api/profiles/resumes")) == 3
