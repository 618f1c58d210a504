"""`hirewire skills`: reviewing the dictionary of skills."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hirewire import esco
from hirewire.cli.databases import in_each
from hirewire.cli.terminal import BAD_SETTINGS, fail, print_table, reachable_settings
from hirewire.cli.terminal import console as stderr
from hirewire.esco import Skill, dictionary
from hirewire.esco.meaning import Meaning, encoder, file_name, make
from hirewire.kit.settings import Settings, SettingsError
from hirewire.kit.spreadsheets import write_rows
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.skills.background import use_dictionary
from hirewire.vacancies.skills.queries import Unknown, unknown_skills
from hirewire.vacancies.skills.review import Group, grouped

MOST = 100_000
COLUMNS = ("label", "ru", "other", "skill")
skills_app = typer.Typer(no_args_is_help=True, help="The dictionary of skills.")
console = Console(highlight=False)


@skills_app.command()
def review(
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="Most groups to list")] = 50,
    to: Annotated[
        Path | None,
        typer.Option(help="Also write them to a file to edit for HIREWIRE_DICTIONARY"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """List skills that people use and the dictionary lacks, most frequent first.

    Phrases that mean the same are one group, with the known skill that it may mean.
    """
    found = _groups(_settings(), limit)
    if as_json:
        typer.echo(json.dumps([_shown(one) for one in found], ensure_ascii=False, indent=2))
    else:
        _print(found)
    if to is not None:
        try:
            with to.open("x", encoding="utf-8", newline="") as file:
                write_rows(file, [COLUMNS])
                for group in found:
                    skill = _cell(group.proposal.skill) if group.proposal else ""
                    write_rows(file, _lines(group, skill))
        except OSError as error:
            fail(f"{to}: {error.strerror}", 2)


@skills_app.command()
def take(
    name: Annotated[
        str | None, typer.Argument(help="Any spelling of the group, as `review` lists it")
    ] = None,
    skill: Annotated[
        str | None, typer.Option(help="Another skill than the proposed one: its id or a name")
    ] = None,
    sure: Annotated[
        bool, typer.Option("--sure", help="All groups whose proposal `review` marks as sure")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="Most groups for --sure")] = 50,
    to: Annotated[
        Path | None, typer.Option(help="The file to extend (default: HIREWIRE_DICTIONARY)")
    ] = None,
) -> None:
    """Add all spellings of a group to the skill that `review` proposes for it."""
    if (name is None) is not sure or (sure and skill):
        fail("name a group, or give --sure alone", 2)
    settings = _settings()
    file = to or settings.dictionary
    if file is None:
        fail("HIREWIRE_DICTIONARY is not set: name a file with --to", 2)
    found = _groups(settings, limit, name)
    if name is None:
        pairs = [
            (one, one.proposal.skill) for one in found if one.proposal and one.proposal.is_sure
        ]
    else:
        pairs = [_pair(name, found, skill)]
    if pairs:
        _extend(file, pairs)
    for group, chosen in pairs:
        spellings = ", ".join(one.name for one in group.members)
        console.print(escape(f"{spellings}: {chosen.label}"))
    console.print(escape(f"{len(pairs)} added to {file}. Restart `vacancies` to use them."))


def _pair(name: str, found: list[Group], skill: str | None) -> tuple[Group, Skill]:
    """The group of this name, and its skill."""
    if not found:
        fail(f"no unknown skill is called {name!r}: see `hirewire skills review`", 2)
    [group] = found
    if skill is not None:
        known = dictionary().skills
        chosen = known.get(skill) or known.get(dictionary().find(skill) or "")
        if chosen is None:
            fail(f"the dictionary has no skill {skill!r}", 2)
        return group, chosen
    if group.proposal is None:
        fail(f"no skill is proposed for {name!r}: name one with --skill", 2)
    return group, group.proposal.skill


def _settings() -> Settings:
    settings = reachable_settings()
    try:
        use_dictionary(settings)
    except SettingsError as error:
        fail(str(error), BAD_SETTINGS)
    return settings


def _groups(settings: Settings, limit: int, only: str | None = None) -> list[Group]:
    """The groups of unknown skills; with `only`, the group of that spelling alone."""

    async def read(tx: Tx) -> list[Unknown]:
        return await unknown_skills(tx, MOST)

    unknown = in_each(settings, ["vacancies"], read, application="skills")["vacancies"]
    if not unknown:
        return []
    with _meaning(settings) as meaning:
        return grouped(unknown, limit, meaning, only)


@contextmanager
def _meaning(settings: Settings) -> Iterator[Meaning | None]:
    """The encoder and the dictionary's vectors; None without the encoder's package."""
    skills = tuple(dictionary().skills.values())
    with tempfile.TemporaryDirectory() as temporary:
        folder = settings.search_dir / "meaning" if settings.search_dir else Path(temporary)
        file = folder / file_name()
        try:
            encode = encoder()
            if not file.exists():
                make(file, skills, encode)
            meaning = Meaning(file, skills, encode)
        except (ImportError, OSError, ValueError) as error:
            stderr.print(f"grouped by letters alone, without an encoder: {escape(str(error))}")
            meaning = None
        yield meaning


def _print(groups: list[Group]) -> None:
    table = Table(title="Skills missing from the dictionary")
    for head in ("skill", "vacancies", "resumes", "proposal", "similarity", "sure"):
        is_number = head in ("vacancies", "resumes", "similarity")
        table.add_column(head, justify="right" if is_number else "left")
    for group in groups:
        proposal = group.proposal
        likeness = proposal.similarity if proposal else None
        cells = (
            "\n  ".join(one.name for one in group.members),
            f"{group.asked:,}",
            f"{group.offered:,}",
            proposal.skill.label if proposal else "",
            "" if likeness is None else f"{likeness:.2f}",
            "yes" if proposal and proposal.is_sure else "",
        )
        table.add_row(*map(escape, cells))
    print_table(table)


def _shown(group: Group) -> dict[str, object]:
    proposal = group.proposal
    return {
        "name": group.name,
        "vacancies": group.asked,
        "resumes": group.offered,
        "spellings": [
            {"name": one.name, "vacancies": one.asked, "resumes": one.offered}
            for one in group.members
        ],
        "proposal": proposal
        and {
            "id": proposal.skill.id,
            "name": proposal.skill.label,
            "similarity": proposal.similarity and round(proposal.similarity, 3),
            "confidence": proposal.confidence and round(proposal.confidence, 3),
            "sure": proposal.is_sure,
        },
    }


def _lines(group: Group, skill: str) -> Iterator[tuple[str, str, str, str]]:
    """The group's lines of the operators' file: one, and one for each spelling with a `|`."""
    names = [one.name for one in group.members]
    plain = [name for name in names if "|" not in name]
    if plain:
        yield plain[0], "", "|".join(plain[1:]), skill
    for name in names:
        if "|" in name:
            yield name, "", "", skill


def _cell(skill: Skill) -> str:
    """The skill as the operators' file names it: by its label, unless that is ambiguous."""
    return skill.label if dictionary().find(skill.label) == skill.id else skill.id


def _extend(file: Path, pairs: list[tuple[Group, Skill]]) -> None:
    """Append the groups to a file that stays readable, or is left as it was."""
    part = file.with_name(f"{file.name}.part")
    try:
        before = file.read_bytes().decode("utf-8-sig") if file.exists() else ",".join(COLUMNS)
        head = before.partition("\n")[0].strip()
        if head != ",".join(COLUMNS):
            fail(f"{file}: the header must be {','.join(COLUMNS)}", 2)
        with part.open("w", encoding="utf-8", newline="") as written:
            written.write(before if before.endswith("\n") else f"{before}\r\n")
            for group, skill in pairs:
                write_rows(written, _lines(group, _cell(skill)))
        esco.extend(part)
        part.replace(file)
    except (OSError, UnicodeError, esco.BadAdditions) as error:
        part.unlink(missing_ok=True)
        fail(f"{file}: {error}", 2)
