"""What a list is asked for by its address, and what narrows it further."""

from typing import Any
from urllib.parse import urlencode

from fastapi import Request

NARROWED = ("area", "skill", "workFormat", "employmentType", "experience", "company")
PAID = ("salaryFrom", "salaryTo", "currency", "days")
SEARCHED = ("q", "sort", "after", "currency", "days", *NARROWED)
SHOWN_FACETS = ("area", "workFormat", "experience", "employmentType", "skill", "company")
SHOWN_VALUES = 8


class Asked:
    """A search as it stands in the address of its page."""

    def __init__(self, request: Request, names: tuple[str, ...]) -> None:
        pairs = request.query_params.multi_items()
        self._given = [(name, value.strip()) for name, value in pairs if name in names]
        self._given = [pair for pair in self._given if pair[1]]
        has_pay = any(
            name in ("salaryFrom", "salaryTo") or (name, value) == ("sort", "pay")
            for name, value in self._given
        )
        if not has_pay:  # a currency alone compares nothing
            self.leave_out("currency")

    def leave_out(self, *names: str) -> None:
        """Ask without these."""
        self._given = [pair for pair in self._given if pair[0] not in names]

    @property
    def again(self) -> list[tuple[str, str]]:
        """The search from its first page."""
        return [pair for pair in self._given if pair[0] != "after"]

    @property
    def query(self) -> str:
        """The question to the service, with its facets."""
        return urlencode([*self._given, ("limit", "20"), ("facets", "true")])

    @property
    def values(self) -> dict[str, Any]:
        """What the page says of the search."""
        again = self.again
        return {
            "asked": dict(self._given),
            "given": again,
            "feed": urlencode(again),
            "narrowed": [pair for pair in again if pair[0] in (*NARROWED, *PAID)],
        }

    def following(self, found: dict[str, Any]) -> str | None:
        """The search from its next page; None at its end."""
        return urlencode([*self.again, ("after", found["next"])]) if found["next"] else None

    def facets(self, found: dict[str, Any]) -> list[tuple[str, list[tuple[str, int, str, bool]]]]:
        """Name, and of each value: label, how many, the search with or without it, if chosen."""
        again, shown = self.again, []
        for name in SHOWN_FACETS:
            values = []
            for bucket in ((found["facets"] or {}).get(name) or ())[:SHOWN_VALUES]:
                pair = (name, bucket["value"])
                chosen = pair in again
                others = [one for one in again if one != pair]
                query = urlencode(others if chosen else [*others, pair])
                values.append((bucket["label"], bucket["count"], query, chosen))
            if values:
                shown.append((name, values))
        return shown

    def name(self, found: dict[str, Any]) -> str:
        """What the search is about, in a line: its words and what narrows it."""
        words = [value for name, value in self.again if name == "q"]
        chosen = [one[0] for _, values in self.facets(found) for one in values if one[3]]
        return ", ".join([*words, *chosen])
