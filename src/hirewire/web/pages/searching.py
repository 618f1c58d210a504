"""The search query and its filters in the address of a page."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypedDict
from urllib.parse import urlencode

from fastapi import Request

from hirewire.web.api.answers import Answer
from hirewire.web.api.client import Query
from hirewire.web.api.models.vacancies import Bucket, Results, ResumeResults, VacancyResults
from hirewire.web.pages import reading

NARROWED = ("area", "skill", "workFormat", "employmentType", "experience", "company")
AMOUNTS = ("salaryFrom", "salaryTo")
SEARCHED = ("q", "sort", "after", "currency", "days", *NARROWED)
SHOWN_FACETS = ("area", "workFormat", "experience", "employmentType", "skill", "company")
WIDENED = "widen", "true"
"""Few results are followed by those of related titles and skills."""
NAMED_VALUES = 8
"""The maximum number of a facet's values that are used to name a search."""
CURRENCIES = {"ru": ("RUB", "KZT", "BYN", "EUR", "USD"), "en": ("EUR", "USD", "GBP", "RUB")}
MOST_VALUES = 20
"""The maximum number of values per field that the service accepts."""


class Shown(TypedDict):
    """The values of a search that its page shows."""

    asked: dict[str, str]
    given: list[tuple[str, str]]
    feed: str
    """The search as a query string, for its feed."""
    assumed: str
    place: str


class Asked:
    """A search query from the address of its page."""

    def __init__(self, request: Request, names: tuple[str, ...], lang: str) -> None:
        """`names` are the search's parameters; `lang` is the reader's language."""
        self._lang = lang
        pairs = request.query_params.multi_items()
        self._given = [(name, value.strip()) for name, value in pairs if name in names]
        self._given = list(dict.fromkeys(pair for pair in self._given if pair[1]))
        self._leave_out_surplus()
        amounts = [value for name, value in self._given if name in AMOUNTS]
        typed_in = next((value for name, value in self._given if name == "currency"), "")
        code = reading.currency(typed_in, *amounts)
        self._given = [
            (name, str(reading.amount(value)) if name in AMOUNTS else value)
            for name, value in self._given
        ]
        self.leave_out("currency")
        if self._compares_pay and code:  # a currency has no effect without an amount
            self._given.append(("currency", code))
        self.assumed = ""
        """The assumed currency, if none was given."""
        self.place = ""
        """The typed place, if it is not one of the counted ones."""

    def _leave_out_surplus(self) -> None:
        """Keep only as many values of each field as the service accepts."""
        counts = Counter[str]()
        kept = []
        for name, value in self._given:
            counts[name] += 1
            if counts[name] <= MOST_VALUES:
                kept.append((name, value))
        self._given = kept

    @property
    def _compares_pay(self) -> bool:
        return any(
            name in AMOUNTS or (name, value) == ("sort", "pay") for name, value in self._given
        )

    async def assume_currency(self, search: Callable[[Query], Awaitable[Answer[Results]]]) -> None:
        """For amounts without a currency, assume the one that most of the results are paid in.

        `search` is called without the amounts, for the facets of all results.
        """
        if not self._compares_pay or any(name == "currency" for name, _ in self._given):
            return
        asked = [pair for pair in self._given if pair[0] not in (*AMOUNTS, "sort", "after")]
        usual = (await search([*asked, ("limit", "1"), ("facets", "true")])).found
        listed = counted(usual, "currency") if usual is not None else ()
        most = max(listed, key=lambda bucket: bucket.count, default=None)
        self.assumed = most.value.upper() if most else CURRENCIES[self._lang][0]
        self._given.append(("currency", self.assumed))

    def leave_out(self, *names: str) -> None:
        """Remove these parameters."""
        self._given = [pair for pair in self._given if pair[0] not in names]

    def recognise(self, found: Results) -> None:
        """Replace typed places and skills by the known values with these labels."""
        for bucket in counted(found, "area"):
            names = {bucket.label.casefold(), (bucket.labelRu or "").casefold()}
            pair = "area", bucket.value
            self._given = [
                pair if name == "area" and value.casefold() in names else (name, value)
                for name, value in self._given
            ]
        for bucket in counted(found, "skill"):
            pair, name = ("skill", bucket.value), bucket.label.casefold()
            self._given = [
                pair if one[0] == "skill" and one[1].casefold() == name else one
                for one in self._given
            ]
        self._given = list(dict.fromkeys(self._given))
        known = {bucket.value for bucket in counted(found, "area")}
        self.place = next(
            (v for n, v in self._given if n == "area" and v not in known and ":" not in v), ""
        )

    @property
    def again(self) -> list[tuple[str, str]]:
        """The parameters of the first page of the search."""
        return [pair for pair in self._given if pair[0] != "after"]

    @property
    def query(self) -> list[tuple[str, str]]:
        """The parameters for the service, with the facets."""
        return [*self._given, ("limit", "20"), ("facets", "true")]

    @property
    def values(self) -> Shown:
        """The values that the page shows."""
        again = self.again
        return {
            "asked": dict(self._given),
            "given": again,
            "feed": urlencode(again),
            "assumed": self.assumed,
            "place": self.place,
        }

    def following(self, found: Results) -> str | None:
        """The address of the next page; empty after the last one."""
        return urlencode([*self.again, ("after", found.next)]) if found.next else None

    def exactly(self, words: str) -> str:
        """The address of the same search for these words alone: a phrase is not widened."""
        others = [pair for pair in self.again if pair[0] != "q"]
        return urlencode([("q", f'"{words}"'), *others])

    def label(self, bucket: Bucket) -> str:
        """The label in the reader's language."""
        return (self._lang == "ru" and bucket.labelRu) or bucket.label

    def name(self, found: Results) -> str:
        """A one-line title of the search: its words and filters."""
        again = self.again
        words = [value for name, value in again if name == "q"]
        chosen = [
            self.label(bucket)
            for facet in SHOWN_FACETS
            for bucket in counted(found, facet)[:NAMED_VALUES]
            if (facet, bucket.value) in again
        ]
        return ", ".join([*words, *filter(None, (self.place,)), *chosen])


def counted(found: Results, facet: str) -> tuple[Bucket, ...]:
    """The values of a facet with their counts."""
    return (found.facets or {}).get(facet) or ()


def widened_by(asked: Asked, found: VacancyResults | ResumeResults) -> dict[str, str]:
    """The names that results were found by beyond the typed words, each with its own search."""
    names = [one.widened.name for one in found.items if one.widened is not None]
    return {name: asked.exactly(name) for name in names}
