"""Routes for registration and for the caller's account."""

from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, ValidationInfo, field_validator

from hirewire.auth import granting, networks, passwords, registering
from hirewire.auth.accounts import commands, queries
from hirewire.auth.callers import CurrentSession
from hirewire.auth.consenting import ConsentOutdated, agree, require_current
from hirewire.auth.credentials import email_key, hash_password, normalised_email
from hirewire.auth.notices import requester_of
from hirewire.auth.registering import TooManyRegistrations, check_limit
from hirewire.auth.taken import EmailTaken
from hirewire.auth.where import where_of
from hirewire.contracts.auth import Role
from hirewire.kit.errors import Unauthenticated
from hirewire.kit.http import (
    Caller,
    Idempotency,
    IdempotencyKey,
    MaybeCaller,
    RequestTx,
    language_of,
    transactions_of,
)
from hirewire.kit.mail.letters import Language
from hirewire.kit.models import Answer, Body
from hirewire.kit.notices import LONGEST_VERSION, notice
from hirewire.kit.openapi import refuses
from hirewire.kit.time_zones import TimeZone

router = APIRouter(prefix="/api/auth", tags=["accounts"])


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
    time_zone: TimeZone | None = None
    """A name in the IANA database; null: that of the board."""
    sign_in: bool = False
    """Whether to begin a session too, which saves the login."""


class Account(Answer):
    """A user, as they see themselves."""

    id: UUID
    email: str
    role: Role
    email_verified: bool = False
    has_password: bool = True
    """False for somebody who has only signed in at a provider."""


class Registered(Account):
    """A new account, with the tokens of its first session if they were asked for.

    A repeated request with its `Idempotency-Key` gets none, since tokens are not stored.
    """

    session: granting.Tokens | None = None


class Me(Account):
    """The caller, as they see themselves."""

    pending_email: str | None = None
    """The address that was asked for and is yet to be confirmed."""
    language: Language | None = None
    """Of mails; null: as the request that makes one necessary."""
    time_zone: str | None = None
    """A name in the IANA database; null: that of the board."""


class Changes(Body):
    """What is to be changed; what is left out stays."""

    language: Language | None = None
    time_zone: TimeZone | None = None
    """Null: that of the board."""


class Registering(NamedTuple):
    """The validated data of a new account."""

    email: str
    password_hash: str
    language: Language | None
    consent: str | None
    time_zone: str | None
    sign_in: bool


async def _registering(body: Registration, request: Request) -> Registering:
    if body.consent is not None:
        require_current(body.consent, notice(request.app.state.settings.privacy_notice).version)
    await check_limit(request)
    hashed = await hash_password(body.password)
    return Registering(
        body.email, hashed, language_of(request), body.consent, body.time_zone, body.sign_in
    )


@router.post(
    "/register",
    status_code=201,
    response_model_exclude_none=True,
    responses=refuses(EmailTaken, ConsentOutdated, TooManyRegistrations),
)
async def register(
    # Must come first: dependencies are resolved in this order.
    new: Annotated[Registering, Depends(_registering)],
    request: Request,
    response: Response,
    caller: MaybeCaller,
    idempotency_key: IdempotencyKey = None,
) -> Registered:
    """Register an account. The profile is created automatically a moment later.

    A mail with a code and a link asks the user to verify the address. If the address is registered
    already, a mail notifies its owner, once a day at most. A network that has learned so of five
    addresses in an hour gets 429 for every registration.
    """
    public_url: str = request.app.state.settings.public_url
    address = request.client.host if request.client else ""
    network = networks.network(address)

    # Not `RequestTx`: what is noted of a taken address stays, although the answer is an error.
    async with transactions_of(request)() as tx:
        once = Idempotency(request, tx, idempotency_key, caller)
        session: granting.Tokens | None = None

        async def make() -> Account:
            nonlocal session
            if not networks.is_this_machine(address):
                await registering.refuse_after_taken(tx, network)
            id = await commands.register(
                tx,
                email=new.email,
                password_hash=new.password_hash,
                public_url=public_url,
                language=new.language,
                time_zone=new.time_zone,
            )
            if new.consent is not None:
                await agree(tx, id, new.consent, where_of(request))
            if new.sign_in:
                owner = granting.Owner(id, email_key(new.email))
                session = await granting.sign_in(tx, request, response, owner)
            return Account(id=id, email=new.email, role="applicant")

        try:
            account = await once(Account, make, identity=new.email.encode())
            return Registered(**dict(account), session=session)
        except EmailTaken as error:
            await once.release()
            await commands.note_taken(tx, new.email, network, requester_of(request))
            taken = error
    raise taken


@router.get("/me", responses=refuses(Unauthenticated))
async def me(tx: RequestTx, caller: Caller) -> Me:
    """The account of the access token, with its current role."""
    account = await queries.account(tx, caller.user_id)
    if account is None:
        raise Unauthenticated("This account does not exist any more.")
    return Me.model_validate(account)


@router.patch("/me", status_code=204, responses=refuses(Unauthenticated))
async def change(body: Changes, request: Request, current: CurrentSession) -> None:
    """Change the language or the time zone, in which other services write to you.

    A language that is changed here is not replaced by that of the next sign-in.
    """
    changes: commands.LocaleChanges = {}
    if body.language is not None:
        changes["language"] = body.language
    if "time_zone" in body.model_fields_set:
        changes["time_zone"] = body.time_zone
    async with transactions_of(request)() as tx:
        await commands.change_locale(tx, current.user_id, changes)
