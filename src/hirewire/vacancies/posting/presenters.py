"""Answers about vacancies that are only drafted, and about imports."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from hirewire.kit.errors import AppError
from hirewire.kit.problems import part_of_answer
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
    sent: Sequence[Any], done: Sequence[Stored | AppError | ValidationError]
) -> models.VacanciesImported:
    """The answer to an import of these rows, with what was done with each."""
    rows = [_imported(row, one) for row, one in zip(sent, done, strict=True)]
    counted = Counter(row.outcome for row in rows)
    return models.VacanciesImported(
        created=counted["created"],
        updated=counted["updated"],
        unchanged=counted["unchanged"],
        failed=counted["failed"],
        rows=rows,
    )


def _imported(sent: Any, done: Stored | AppError | ValidationError) -> models.ImportedRow:
    key = models.external_id_of(sent)
    if isinstance(done, Stored):
        return models.ImportedRow(external_id=key, **done._asdict())
    return models.ImportedRow(external_id=key, outcome="failed", problem=part_of_answer(done))
