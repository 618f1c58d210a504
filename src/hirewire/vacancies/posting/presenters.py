"""Answers about vacancies that are only drafted, and about imports."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from pydantic.alias_generators import to_camel

from hirewire.kit import rows
from hirewire.vacancies.adverts.draft import Draft
from hirewire.vacancies.posting import models
from hirewire.vacancies.posting.importing import Stored

LONGEST_SNIPPET = 160


def shown_draft(draft: Draft) -> models.ReadVacancy:
    """What was read of an advert, each field with its line."""
    vacancy = models.DraftVacancy.model_validate(
        {
            **{name: getattr(draft, name) for name in models.DraftVacancy.model_fields},
            "requirements": [{"skill": one.skill, "kind": one.kind} for one in draft.requirements],
            "languages": [
                {"language": one.language, "level": one.level} for one in draft.languages
            ],
            "salary": asdict(draft.salary) if draft.salary else None,
        }
    )
    lines = {f"/{to_camel(name)}": line for name, line in draft.lines.items()}
    lines |= {f"/requirements/{n}": one.line for n, one in enumerate(draft.requirements)}
    lines |= {f"/languages/{n}": one.line for n, one in enumerate(draft.languages)}
    return models.ReadVacancy(
        vacancy=vacancy,
        sources={
            at: models.AdvertLine(line=line.number, text=line.text[:LONGEST_SNIPPET])
            for at, line in lines.items()
        },
    )


def imported(
    sent: Sequence[object], done: Iterable[Stored | rows.Wrong]
) -> models.VacanciesImported:
    """The answer to an import of these rows, with what was done with each."""
    answers = [_imported(row, one) for row, one in zip(sent, done, strict=True)]
    return models.VacanciesImported(**dict(rows.count(answers)), rows=answers)


def _imported(sent: object, done: Stored | rows.Wrong) -> rows.DoneRow:
    if isinstance(done, Stored):
        return rows.DoneRow(external_id=rows.key_of(sent), **done._asdict())
    return rows.DoneRow.failed(sent, done)
