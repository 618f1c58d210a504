"""The two sides of an application, and on which of them somebody is."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Party = Literal["employer", "applicant"]
Side = Literal["employer", "applicant", "system"]


@dataclass(frozen=True, slots=True)
class Asker:
    """A user, and the company they act for; or an API key, which is no user."""

    user_id: UUID
    company_id: UUID | None
    key_name: str | None = None
    """Of an API key."""

    def party(self, applicant_id: UUID, company_id: UUID) -> Party | None:
        """The user's side of an application; None if they have none.

        A member of the company who has applied to it is the applicant here: nobody judges their own
        application.
        """
        if self.user_id == applicant_id:
            return "applicant"
        return "employer" if self.company_id == company_id else None
