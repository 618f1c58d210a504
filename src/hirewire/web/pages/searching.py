"""The search query and the filters in a page's address."""

from typing import TypedDict
from urllib.parse import urlencode

from fastapi import Request

from hirewire.web.api.models.vacancies import Bucket, Results
from hirewire.web.pages import reading

NARROWED = ("area", "skill", "workFormat", "employmentType", "experience", "company")
PAID = ("salaryFrom", "salaryTo", "currency", "days")
AMOUNTS = ("salaryFrom", "salaryTo")
SEARCHED = ("q", "sort", "after", "currency", "days", *NARROWED)
SHOWN_FACETS = ("area", "workFormat", "experience", "employmentType", "skill", "company")
SHOWN_VALUES = 8


class Shown(TypedDict):
    """What the page of a search shows of it."""

    asked: dict[str, str]
    given: list[tuple[str, str]]
    feed: str
    """The same as a query string."""
    assumed: str
    place: str
    narrowed: list[tuple[str, str]]


class Asked:
    """A search query from the address of its page."""

    def __init__(self, request: Request, names: tuple[str, ...], lang: str) -> None:
        """`names`: the parameters that count; `lang`: the reader's language."""
        self._lang = lang
        pairs = request.query_params.multi_items()
        self._given = [(name, value.strip()) for name, value in pairs if name in names]
        self._given = [pair for pair in self._given if pair[1]]
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
        """The typed place, if it is not among the counted ones."""

    @property
    def _compares_pay(self) -> bool:
        return any(
            name in AMOUNTS or (name, value) == ("sort", "pay") for name, value in self._given
        )

    @property
    def lacks_currency(self) -> bool:
        """Whether there are amounts without a currency."""
        return self._compares_pay and all(name != "currency" for name, _ in self._given)

    @property
    def unpaid_query(self) -> list[tuple[str, str]]:
        """The query without amounts, for the facets of all results."""
        asked = [pair for pair in self._given if pair[0] not in (*AMOUNTS, "sort", "after")]
        return [*asked, ("limit", "1"), ("facets", "true")]

    def assume(self, found: Results | None, otherwise: str) -> None:
        """Assume the currency in which most of the results are paid."""
        counted = _counted(found, "currency") if found is not None else ()
        most = max(counted, key=lambda bucket: bucket.count, default=None)
        self.assumed = most.value.upper() if most else otherwise
        self._given.append(("currency", self.assumed))

    def leave_out(self, *names: str) -> None:
        """Remove these parameters."""
        self._given = [pair for pair in self._given if pair[0] not in names]

    def recognise(self, found: Results) -> None:
        """Match typed places with the known ones."""
        for bucket in _counted(found, "area"):
            names = {bucket.label.casefold(), (bucket.labelRu or "").casefold()}
            pair = "area", bucket.value
            self._given = [
                pair if name == "area" and value.casefold() in names else (name, value)
                for name, value in self._given
            ]
        self._given = list(dict.fromkeys(self._given))
        known = {bucket.value for bucket in _counted(found, "area")}
        self.place = next(
            (v for n, v in self._given if n == "area" and v not in known and ":" not in v), ""
        )

    @property
    def again(self) -> list[tuple[str, str]]:
        """The address of the first page of the search."""
        return [pair for pair in self._given if pair[0] != "after"]

    @property
    def query(self) -> list[tuple[str, str]]:
        """The parameters for the service, with facets."""
        return [*self._given, ("limit", "20"), ("facets", "true")]

    @property
    def values(self) -> Shown:
        """The search values that the page shows."""
        again = self.again
        return {
            "asked": dict(self._given),
            "given": again,
            "feed": urlencode(again),
            "assumed": self.assumed,
            "place": self.place,
            "narrowed": [pair for pair in again if pair[0] in (*NARROWED, *PAID)],
        }

    def following(self, found: Results) -> str | None:
        """The address of the next page; None after the last one."""
        return urlencode([*self.again, ("after", found.next)]) if found.next else None

    def facets(self, found: Results) -> list[tuple[str, list[tuple[str, int, str, bool]]]]:
        """The facets: name, and for each value its label, count, toggle address and whether it is
        chosen.
        """
        again, shown = self.again, []
        for name in SHOWN_FACETS:
            values = []
            for bucket in _counted(found, name)[:SHOWN_VALUES]:
                pair = (name, bucket.value)
                chosen = pair in again
                others = [one for one in again if one != pair]
                query = urlencode(others if chosen else [*others, pair])
                label = (self._lang == "ru" and bucket.labelRu) or bucket.label
                values.append((label, bucket.count, query, chosen))
            if values:
                shown.append((name, values))
        return shown

    def name(self, found: Results) -> str:
        """A one-line title of the search: its words and filters."""
        words = [value for name, value in self.again if name == "q"]
        chosen = [one[0] for _, values in self.facets(found) for one in values if one[3]]
        return ", ".join([*words, *filter(None, (self.place,)), *chosen])


def _counted(found: Results, facet: str) -> tuple[Bucket, ...]:
    """The values of a facet with their counts."""
    return (found.facets or {}).get(facet) or ()
