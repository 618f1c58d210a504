"""Routes for the caller's own profile."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from hirewire.kit.http import Caller, RequestTx
from hirewire.kit.models import Answer, Body, WebLink, text
from hirewire.kit.openapi import refuses
from hirewire.profiles.people import commands, queries
from hirewire.profiles.people.commands import NoProfileYet

router = APIRouter(prefix="/api/profiles", tags=["people"])

Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]


class Contact(Body):
    """A contact; shown to employers only after an application or an accepted invitation."""

    kind: Literal["email", "phone", "telegram", "whatsapp", "other"]
    value: Annotated[str, text(1, 254)]
    preferred: bool = False


class ProfileLink(Body):
    """A link in a profile."""

    url: WebLink
    label: Annotated[str, text(1, 100)] | None = None


class ProfileChanges(Body):
    """Changes to a profile: fields that are not sent stay unchanged, null clears a field."""

    full_name: Annotated[str, text(1, 200)] = ""
    headline: Annotated[str, text(1, 200)] | None = None
    area: Annotated[str, text(1, 200)] | None = None
    contacts: Annotated[list[Contact], Field(max_length=20)] = []
    links: Annotated[list[ProfileLink], Field(max_length=20)] = []
    locale: Locale | None = None


class Profile(Answer):
    """The profile, as its owner sees it."""

    user_id: UUID
    full_name: str
    headline: str | None
    area: str | None
    contacts: list[Contact]
    account_email: str | None
    """The address that companies with access to contacts see while `contacts` is empty."""
    links: list[ProfileLink]
    locale: str | None
    version: int


@router.get("/me", responses=refuses(NoProfileYet))
async def read(tx: RequestTx, caller: Caller) -> Profile:
    """Your profile; 404 until it has been created after registration."""
    profile = await queries.profile_of(tx, caller.user_id)
    if profile is None:
        raise NoProfileYet(retry_after=1)
    return Profile.model_validate(profile)


@router.patch("/me", responses=refuses(NoProfileYet))
async def change(body: ProfileChanges, tx: RequestTx, caller: Caller) -> Profile:
    """Update your profile."""
    values = body.model_dump(mode="json")
    changes = {name: values[name] for name in body.model_fields_set}
    return Profile.model_validate(await commands.change(tx, caller.user_id, changes))
