"""Answers about vacancies that are only drafted."""

from dataclasses import asdict

from pydantic.alias_generators import to_camel

from hirewire.vacancies.adverts.draft import Draft
from hirewire.vacancies.posting import models

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
