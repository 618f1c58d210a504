"""Routes for passkeys: those of the caller, and signing in with one."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.auth import granting, networks
from hirewire.auth.callers import CurrentSession
from hirewire.auth.confirming import Confirmation, confirm_password
from hirewire.auth.granting import Tokens
from hirewire.auth.logins import TooManyFailures
from hirewire.auth.notices import requester_of
from hirewire.auth.passkeys import commands, queries, rules
from hirewire.auth.passkeys.models import (
    Named,
    Options,
    Passkey,
    PasskeyList,
    ToAdd,
    ToSignIn,
)
from hirewire.auth.where import network_of, where_of
from hirewire.kit.errors import AppError, Invalid, Kind, NotFound, Unauthenticated
from hirewire.kit.http import RequestTx, transactions_of
from hirewire.kit.openapi import refuses
from hirewire.kit.refusals import AccountBlocked

router = APIRouter(prefix="/api/auth", tags=["passkeys"])


class NoPasskeysHere(AppError):
    """Browsers have passkeys only for boards at https and a name, or at localhost."""

    slug = "no-passkeys-here"
    code = "no_passkeys_here"
    kind = Kind.CONFLICT


class PasskeyTooLate(AppError):
    """This answer is too late, or was sent before; try again."""

    slug = "passkey-too-late"
    code = "passkey_too_late"
    kind = Kind.GONE


class PasskeyNotAccepted(AppError):
    """This passkey could not be checked: it is of another site, or the device did not check you."""

    slug = "passkey-not-accepted"
    code = "passkey_not_accepted"
    kind = Kind.INVALID


class PasskeyKnown(AppError):
    """This passkey was added before."""

    slug = "passkey-known"
    code = "passkey_known"
    kind = Kind.CONFLICT


class TooManyPasskeys(AppError):
    """An account has at most 20 passkeys."""

    slug = "too-many-passkeys"
    code = "too_many_passkeys"
    kind = Kind.CONFLICT


class PasskeyRefused(Unauthenticated):
    """This passkey could not be checked: it is of another site, or the device did not check you."""

    slug = "passkey-refused"
    code = "passkey_refused"


class PasskeyUnknown(Unauthenticated):
    """This passkey belongs to no account; it may have been removed."""

    slug = "passkey-unknown"
    code = "passkey_unknown"


class PasskeyCopied(Unauthenticated):
    """The counter of this passkey has gone backwards: it may have been copied."""

    slug = "passkey-copied"
    code = "passkey_copied"


_NOT_ADDED: dict[commands.AddRefusal, type[AppError]] = {
    "late": PasskeyTooLate,
    "refused": PasskeyNotAccepted,
    "known": PasskeyKnown,
    "full": TooManyPasskeys,
}
_NOT_SIGNED_IN: dict[commands.LoginRefusal, type[AppError]] = {
    "late": PasskeyTooLate,
    "unknown": PasskeyUnknown,
    "refused": PasskeyRefused,
    "copied": PasskeyCopied,
}


@router.get("/passkeys", responses=refuses(Unauthenticated))
async def listed(
    tx: RequestTx, caller: CurrentSession, request: Request, response: Response
) -> PasskeyList:
    """The caller's passkeys."""
    response.headers["Cache-Control"] = "no-store"
    rows = await queries.passkeys(tx, caller.user_id)
    is_available = rules.site_of(request.app.state.settings.public_url) is not None
    items = [Passkey.model_validate(row) for row in rows]
    return PasskeyList(items=items, available=is_available)


@router.post(
    "/passkeys/options",
    responses=refuses(Unauthenticated, Invalid, NoPasskeysHere, TooManyPasskeys, TooManyFailures),
)
async def options(
    body: Confirmation, request: Request, caller: CurrentSession, response: Response
) -> Options:
    """The options of `navigator.credentials.create`, for this session and 5 minutes.

    Needs the password; wrong ones count as failed logins.
    """
    response.headers["Cache-Control"] = "no-store"
    site = _site(request)
    email = await confirm_password(request, caller, body.password)
    async with transactions_of(request)() as tx:
        known = [row.credential_id for row in await queries.passkeys(tx, caller.user_id)]
        if len(known) >= rules.MOST_PASSKEYS:
            raise TooManyPasskeys
        challenge = await commands.challenge(tx, network_of(request), caller.session_id)
    return Options(
        public_key=rules.options_to_add(site, caller.user_id.bytes, email, challenge, known)
    )


@router.post(
    "/passkeys",
    status_code=201,
    responses=refuses(
        *(Unauthenticated, NoPasskeysHere, PasskeyTooLate, PasskeyNotAccepted),
        *(PasskeyKnown, TooManyPasskeys),
    ),
)
async def add(body: ToAdd, request: Request, caller: CurrentSession) -> Passkey:
    """Add a passkey that a browser has made with the options; a mail notifies the user.

    The authenticator must have verified the person (PIN, fingerprint, face).
    """
    site = _site(request)
    async with transactions_of(request)() as tx:
        made = await commands.add(
            *(tx, caller.user_id, caller.session_id, site),
            body.credential.model_dump_json(by_alias=True),
            body.name or where_of(request).device or "Passkey",
            requester_of(request),
        )
    if isinstance(made, str):
        raise _NOT_ADDED[made]
    return Passkey.model_validate(made)


@router.patch("/passkeys/{id}", responses=refuses(Unauthenticated, NotFound))
async def rename(id: UUID, body: Named, tx: RequestTx, caller: CurrentSession) -> Passkey:
    """Rename a passkey of the caller."""
    renamed = await commands.rename(tx, id, caller.user_id, body.name)
    if renamed is None:
        raise NotFound
    return Passkey.model_validate(renamed)


@router.post(
    "/passkeys/{id}/remove",
    status_code=204,
    responses=refuses(Unauthenticated, Invalid, NotFound, TooManyFailures),
)
async def remove(id: UUID, body: Confirmation, request: Request, caller: CurrentSession) -> None:
    """Remove a passkey of the caller, who confirms it with the password; a mail notifies them."""
    await confirm_password(request, caller, body.password)
    async with transactions_of(request)() as tx:
        if not await commands.remove(tx, id, caller.user_id, requester_of(request)):
            raise NotFound


@router.post("/login/passkey/options", responses=refuses(NoPasskeysHere, TooManyFailures))
async def sign_in_options(tx: RequestTx, request: Request, response: Response) -> Options:
    """The options of `navigator.credentials.get`, for 5 minutes and one answer."""
    response.headers["Cache-Control"] = "no-store"
    site, network = _site(request), network_of(request)
    address = request.client.host if request.client else ""
    sent = 0 if networks.is_this_machine(address) else await commands.unanswered(tx, network)
    if sent >= rules.MOST_CHALLENGES:
        raise TooManyFailures(retry_after=int(rules.CHALLENGE_LIFE.total_seconds()))
    challenge = await commands.challenge(tx, network)
    return Options(public_key=rules.options_to_sign_in(site, challenge))


@router.post(
    "/login/passkey",
    responses=refuses(
        *(NoPasskeysHere, PasskeyTooLate, PasskeyUnknown, PasskeyRefused, PasskeyCopied),
        AccountBlocked,
        TooManyFailures,
    ),
)
async def sign_in(body: ToSignIn, request: Request, response: Response) -> Tokens:
    """Sign in with a passkey. It counts as two factors: no code is asked for."""
    site = _site(request)
    async with transactions_of(request)() as tx:
        done = await commands.use(
            *(tx, site, body.credential.model_dump_json(by_alias=True)),
            *(network_of(request), requester_of(request)),
        )
        if isinstance(done, granting.Owner):
            return await granting.sign_in(tx, request, response, done, is_strong=True)
    raise _NOT_SIGNED_IN[done]


def _site(request: Request) -> rules.Site:
    site = rules.site_of(request.app.state.settings.public_url)
    if site is None:
        raise NoPasskeysHere
    return site
