"""Vacancies of the sample data, and searches that people, or attackers, might save."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

from hirewire.esco import dictionary
from hirewire.kit.clock import now
from hirewire.messaging.ids import new_id
from hirewire.tools.sample_data.companies import companies
from hirewire.tools.sample_data.vacancies import vacancies_of
from hirewire.vacancies.search.models import VacancyFilters

NAMES = {
    "experience": "experience",
    "employment_type": "employmentType",
    "work_format": "workFormat",
    **{name: name for name in ("title", "description", "requirements", "area", "address")},
    "salary": "salary",
}
CITIES = ("Омск", "omsk", "Moscow", "г. Москва", "Нижний Новгород", "Санкт-Петербург", "remote")
ODD = (
    "",
    "  ",
    "-",
    "*",
    '"',
    '""',
    "AND OR NOT",
    "( ) [ ] : ^ ~",
    "a*",
    "title:python",
    "№ 1",
    "_",
)
OTHER_KEYS = str.maketrans("йцукенгшщзхфывапролджячсмить", "qwertyuiop[asdfghjkl;zxcvbnm")
ALIKE = str.maketrans("аеорсх", "aeopcx")


def vacancy_rows(seed: int, count: int) -> list[dict[str, Any]]:
    """Rows of open vacancies, as the index of the search reads them."""
    rows: list[dict[str, Any]] = []
    chance = Random(seed)
    for number, (company, share) in enumerate(companies(seed, count)):
        for one in vacancies_of(seed, company, share, date(2026, 11, 1)):
            row: dict[str, Any] = {name: one.body.get(given) for name, given in NAMES.items()}
            rows.append(
                row
                | {
                    "id": new_id(),
                    "company_id": UUID(int=number + 1),
                    "company_name": company.name,
                    "status": "published",
                    "held": False,
                    "published_at": now() - timedelta(hours=chance.randint(0, 24 * 40)),
                }
            )
    return rows


class Searches:
    """Searches made of what some vacancies contain."""

    def __init__(self, seed: int, rows: Sequence[Mapping[str, Any]]) -> None:
        self.chance = Random(seed)
        self._rows = rows
        self._words = [
            word for row in rows for word in f"{row['title']} {row['description']}".split()
        ]
        self._skills = [one["skill"] for row in rows for one in row["requirements"] or ()]
        known = sorted(dictionary().skills)
        self._known = [dictionary().skills[id].label for id in known]

    def text(self, *, odd: bool = True) -> str:
        """A text, natural or odd."""
        chance = self.chance
        if odd and chance.random() < 0.1:
            return chance.choice(ODD)
        parts = [self._part() for _ in range(chance.choice((1, 1, 2, 2, 3, 5, 20)))]
        return " ".join(parts)[: chance.choice((200, 200, 12))]

    def filters(self) -> VacancyFilters:
        """A text and filters, of one vacancy or at random."""
        chance = self.chance
        row = chance.choice(self._rows)
        given: dict[str, Any] = {"q": self.text() if chance.random() < 0.7 else ""}
        choices: dict[str, Callable[[], object]] = {
            "area": lambda: [row["area"] or "Омск", *chance.sample(CITIES, chance.randint(0, 2))],
            "skill": lambda: [one["skill"] for one in (row["requirements"] or ())[:2]],
            "work_format": lambda: [row["work_format"] or "remote"],
            "employment_type": lambda: [row["employment_type"] or "FULL_TIME", "PART_TIME"],
            "experience": lambda: [row["experience"] or "noExperience"],
            "company": lambda: [row["company_id"]],
            "days": lambda: chance.choice((1, 3, 7, 30)),
        }
        for name, values in choices.items():
            if chance.random() < 0.2:
                given[name] = values()
        if chance.random() < 0.2:
            given["currency"] = (row["salary"] or {}).get("currency") or "RUB"
            if chance.random() < 0.7:
                given["salary_from"] = chance.choice((0, 1, 50_000, 150_000, 10**9))
        return VacancyFilters.model_validate(given)

    def _part(self) -> str:
        chance = self.chance
        word = chance.choice(self._words)
        title = str(chance.choice(self._rows)["title"])
        kind = chance.randrange(16)
        if kind < 3:
            return word
        if kind == 3:
            return title
        if kind == 4:
            return str(chance.choice(self._skills))
        if kind == 5:
            return str(chance.choice(self._known))
        if kind == 6:
            return chance.choice(CITIES)
        if kind == 7:
            return f"-{word}"
        if kind == 8:
            at = chance.randrange(len(self._words))
            return f'"{" ".join(self._words[at : at + chance.randint(1, 4)])}"'
        if kind == 9:
            return word.casefold().translate(OTHER_KEYS)
        if kind == 10:
            return f"от {chance.choice((50, 100, 200))} тыс"
        if kind == 11:
            return word.translate(ALIKE)
        if kind == 12:
            return "".join(chance.choice("абвгдеёжзabcdefg0123#+") for _ in range(9))
        if kind == 13:
            return chance.choice(("Нижний Тагил", "Новый Уренгой", "Paris", "Калуга", "Нижний"))
        return _mistyped(chance, _mistyped(chance, word) if kind == 15 else word)


def _mistyped(chance: Random, word: str) -> str:
    at = chance.randrange(len(word) or 1)
    return chance.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + chance.choice("аоеиtnrs") + word[at:],
            word[:at] + chance.choice("аоеиtnrs") + word[at + 1 :],
            word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :],
        )
    )
