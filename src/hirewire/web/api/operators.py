"""The clients of what operators of the board may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

from hirewire.web.api.answers import Answer, Missing, StrongerFirst, refusal_of
from hirewire.web.api.client import Client, Query
from hirewire.web.api.models.base import Items
from hirewire.web.api.models.operators import Act, Person, PersonAddress, PersonLine
from hirewire.web.api.services import Reply

PersonAct = Literal[
    "block", "unblock", "end-sessions", "reset-link", "verify", "make-admin", "remove-admin"
]


@dataclass(frozen=True, slots=True)
class OperatorsClient(Client):
    """A service, called on behalf of an operator. Everybody else gets `Missing`.

    Every call raises `StrongerFirst` if the operator has to sign in with more than a password.
    """

    async def acts(
        self, most: int, after: str | None = None, user: UUID | None = None
    ) -> Answer[Items[Act]]:
        """What operators have done in this service, the last act first; to one person."""
        query = {"limit": str(most), "after": after, "user": str(user) if user else None}
        return await self._get(Items[Act], "/audit", query)

    def _refused(self, reply: Reply) -> None:
        """Raises `Missing` for those who are no operators: the pages do not exist for them."""
        if reply.status != 403:
            return
        code = refusal_of(reply.content).get("code")
        raise StrongerFirst if code == "operator_second_factor" else Missing


class Operators(OperatorsClient):
    """The operators' part of `auth`."""

    name: ClassVar[str] = "auth"
    root: ClassVar[str] = "/api/auth/admin"

    async def people(self, query: Query) -> Answer[Items[PersonLine]]:
        """The people registered last."""
        return await self._get(Items[PersonLine], "/people", query)

    async def person(self, id: UUID) -> Answer[Person]:
        """One person."""
        return await self._get(Person, f"/people/{id}")

    async def do(self, id: UUID, act: PersonAct, why: str) -> Answer[None]:
        """Do something to a person, for a reason."""
        return await self._do("POST", f"/people/{id}/{act}", {"why": why})

    async def addresses(self, ids: Iterable[str]) -> dict[str, str]:
        """The addresses of these people by id."""
        asked = sorted(set(ids))
        if not asked:
            return {}
        found = await self._send(Items[PersonAddress], "POST", "/addresses", {"ids": list(asked)})
        return {one.id: one.email for one in found.data.items} if found.is_good else {}
