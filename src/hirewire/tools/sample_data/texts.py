"""Text sections that all vacancies share, in HTML."""

from html import escape
from random import Random

from hirewire.tools.sample_data.companies import Company
from hirewire.tools.sample_data.phrases import pick


def bulleted(head: str, items: list[str]) -> str:
    """A heading and a list."""
    entries = "".join(f"<li>{escape(item, quote=False)}</li>" for item in items)
    return f"<p><strong>{escape(head)}:</strong></p><ul>{entries}</ul>"


def introduced(rng: Random, company: Company, *, city: bool) -> str:
    """The introduction: who is hiring, and why."""
    russian = company.russian
    about = pick(rng, "about", russian=russian).format(
        founded=company.founded, staff=company.staff if russian else f"{company.staff:,}"
    )
    if russian:
        name = company.name if "«" in company.name else f"Компания «{company.name}»"
        does = f"{name} {company.industry.russian}."
    else:
        does = f"{company.name} {company.industry.english}."
    sentences = [does, about, pick(rng, "search", russian=russian, city=city)]
    return f"<p>{escape(' '.join(sentences), quote=False)}</p>"
