"""Routes for registration and for the caller's account."""

from math import ceil
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import Field, ValidationInfo, field_validator

from hirewire.auth import networks, passwords
from hirewire.auth.accounts import commands, queries
from hirewire.auth.consenting import agree, require_current
from hirewire.auth.credentials import hash_password, normalised_email
from hirewire.auth.where import where_of
from hirewire.contracts.auth import Role
from hirewire.kit.errors import AppError, Invalid, Kind, Unauthenticated
from hirewire.kit.http import Caller, Once, RequestTx, language_of, transactions_of
from hirewire.kit.mail.letters import Language
from hirewire.kit.models import Answer, Body
from hirewire.kit.notices import LONGEST_VERSION, notice
from hirewire.kit.openapi import refuses
from hirewire.kit.settings import Settings

router = APIRouter(prefix="/api/auth", tags=["accounts"])


class TooManyRegistrations(AppError):
    """Too many accounts were created from your network; try again later."""

    slug = "too-many-registrations"
    code = "too_many_registrations"
    kind = Kind.TOO_MANY


class Credentials(Body):
    """Credentials of a new account."""

    email: Annotated[
        str,
        Field(max_length=254, examples=["anna@example.org"], json_schema_extra={"format": "email"}),
    ]
    password: passwords.Password

    @field_validator("email")
    @classmethod
    def _email(cls, value: str) -> str:
        return normalised_email(value)

    @field_validator("password")
    @classmethod
    def _password(cls, value: str, info: ValidationInfo) -> str:
        return passwords.normalised_password(value, info.data.get("email", ""))


class Registration(Credentials):
    """A new account."""

    consent: Annotated[str | None, Field(max_length=LONGEST_VERSION)] = None
    """The version of the privacy notice that the user agrees to; without it, pages ask later."""


class Account(Answer):
    """A user, as they see themselves."""

    id: UUID
    email: str
    role: Role
    email_verified: bool = False


class Registering(NamedTuple):
    """The validated data of a new account."""

    email: str
    password_hash: str
    language: Language | None
    consent: str | None


async def _registering(body: Registration, request: Request) -> Registering:
    if body.consent is not None:
        settings: Settings = request.app.state.settings
        require_current(body.consent, notice(settings.privacy_notice).version)
    await _admit(request)
    hashed = await hash_password(body.password)
    return Registering(body.email, hashed, language_of(request), body.consent)


async def _admit(request: Request) -> None:
    """Raise `TooManyRegistrations` if the network has reached the limit.

    Loopback addresses are not limited, for imports and trials on the same machine.
    """
    settings: Settings = request.app.state.settings
    address = request.client.host if request.client else ""
    if networks.is_this_machine(address):
        return
    most = settings.registrations_per_hour
    async with transactions_of(request)() as tx:
        pause = await commands.admit(tx, networks.network(address), most)
    if pause:
        raise TooManyRegistrations(retry_after=ceil(pause.total_seconds()))


@router.post(
    "/register",
    status_code=201,
    responses=refuses(commands.EmailTaken, Invalid, TooManyRegistrations),
)
async def register(
    # Must come first: dependencies are resolved in this order, and no transaction may be open while
    # the password is hashed.
    new: Annotated[Registering, Depends(_registering)],
    tx: RequestTx,
    once: Once,
    request: Request,
) -> Account:
    """Register an account. The profile is created automatically a moment later.

    A mail with a code and a link asks the user to verify the address.
    """
    public_url: str = request.app.state.settings.public_url

    async def make() -> Account:
        id = await commands.register(
            tx,
            email=new.email,
            password_hash=new.password_hash,
            public_url=public_url,
            language=new.language,
        )
        if new.consent is not None:
            await agree(tx, id, new.consent, where_of(request))
        return Account(id=id, email=new.email, role="applicant")

    return await once(Account, make, identity=new.email.encode())


@router.get("/me", responses=refuses(Unauthenticated))
async def me(tx: RequestTx, caller: Caller) -> Account:
    """The account of the access token, with its current role."""
    account = await queries.account(tx, caller.user_id)
    if account is None:
        raise Unauthenticated("This account does not exist any more.")
    return Account.model_validate(account)
