"""The client of `vacancies` for reports, operators' decisions and owners' answers."""

from typing import ClassVar, Literal
from uuid import UUID

from hirewire.web.api.answers import Answer
from hirewire.web.api.client import Client, Typed
from hirewire.web.api.models.base import Items
from hirewire.web.api.models.companies import CompanyLine
from hirewire.web.api.models.moderation import Decided, OneReported, Reported
from hirewire.web.api.operators import OperatorsClient

Target = Literal["vacancy", "company"]
PATHS: dict[Target, str] = {"vacancy": "/vacancies", "company": "/companies"}


class Moderation(Client):
    """Reports and decisions of the service `vacancies`."""

    name: ClassVar[str] = "vacancies"
    root: ClassVar[str] = "/api/vacancies"

    async def send_report(self, target: Target, id: UUID, body: Typed) -> Answer[None]:
        """Report a job or a company."""
        return await self._do("POST", f"{PATHS[target]}/{id}/reports", body)

    async def decisions(self, vacancy: UUID | None = None) -> Answer[Items[Decided]]:
        """What was decided about a job of the visitor, or about their company."""
        query = {"vacancy": str(vacancy) if vacancy else None}
        return await self._get(Items[Decided], "/decisions", query)

    async def answer(self, id: UUID, text: str) -> Answer[None]:
        """Answer a decision."""
        return await self._do("POST", f"/decisions/{id}/answer", {"text": text})


class Reports(OperatorsClient):
    """The operators' part of `vacancies`."""

    name: ClassVar[str] = "vacancies"
    root: ClassVar[str] = "/api/vacancies/admin"

    async def reported(
        self, sort: str, limit: int, after: str | None = None
    ) -> Answer[Items[Reported]]:
        """What waits for a decision."""
        query = {"sort": sort, "limit": str(limit), "after": after}
        return await self._get(Items[Reported], "/reported", query)

    async def one(self, target: Target, id: UUID) -> Answer[OneReported]:
        """A job or a company with its reports and decisions."""
        return await self._get(OneReported, f"/reported/{target}/{id}")

    async def decide(self, target: Target, id: UUID, body: Typed) -> Answer[None]:
        """Decide about a job or a company."""
        return await self._do("POST", f"/reported/{target}/{id}/decisions", body)

    async def companies(
        self, named: str, limit: int, after: str | None = None
    ) -> Answer[Items[CompanyLine]]:
        """Companies with this text in their name, the newest first."""
        query = {"q": named or None, "limit": str(limit), "after": after}
        return await self._get(Items[CompanyLine], "/companies", query)

    async def company(self, id: UUID) -> Answer[CompanyLine]:
        """A company."""
        return await self._get(CompanyLine, f"/companies/{id}")

    async def set_verified(
        self, id: UUID, act: Literal["verify", "unverify"], why: str
    ) -> Answer[None]:
        """Verify a company by hand, or end that."""
        return await self._do("POST", f"/companies/{id}/{act}", {"why": why})
