"""Dependencies of routes: the request's transaction, the caller, idempotency keys and paging."""

import base64
import binascii
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeAlias, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response
from pydantic import BaseModel, TypeAdapter

from hirewire.kit import answers
from hirewire.kit.errors import (
    AppError,
    FieldError,
    Invalid,
    Kind,
    Unauthenticated,
)
from hirewire.kit.languages import preferred
from hirewire.kit.mail.letters import Language
from hirewire.kit.models import Answer
from hirewire.kit.settings import Settings
from hirewire.kit.standby import Standby
from hirewire.kit.tokens import Principal, Verifier
from hirewire.messaging import erasure
from hirewire.messaging.transaction import Transactions, Tx

READING = ("GET", "HEAD", "OPTIONS")
M = TypeVar("M", bound=BaseModel)
R = TypeVar("R")


Open: TypeAlias = Callable[[], AbstractAsyncContextManager[Tx]]
"""Opens a transaction: ``async with transactions() as tx``."""


def unguarded(request: Request) -> Transactions:
    """The service's transactions, without a look at the caller: for what writes nothing of theirs,
    and for the erasure itself.
    """
    transactions: Transactions = request.app.state.messaging.transactions
    return transactions


@asynccontextmanager
async def looking(request: Request) -> AsyncIterator[Tx]:
    """The request's transaction if it has begun one, else one that ends with the block.

    For dependencies that only read. With a second connection each, the requests of a busy service
    could hold all connections and wait for each other.
    """
    tx: Tx | None = getattr(request.state, "tx", None)
    if tx is not None:
        yield tx
        return
    async with unguarded(request)() as tx:
        yield tx


def transactions_of(request: Request) -> Open:
    """Transactions for a route that needs more than `RequestTx`.

    Those of a writing request raise `Unauthenticated` if the caller has been erased.
    """

    @asynccontextmanager
    async def opened() -> AsyncIterator[Tx]:
        async with unguarded(request)() as tx:
            await _admit(request, tx)
            yield tx

    return opened


def language_of(request: Request) -> Language | None:
    """The language that the request prefers; None if it names none."""
    given = request.headers.get("accept-language")
    return preferred(given) if given else None


async def _transaction(request: Request) -> AsyncIterator[Tx]:
    async with unguarded(request)() as tx:
        request.state.tx = tx
        await _admit(request, tx)
        yield tx


Admission: TypeAlias = Callable[[Tx], Awaitable[None]]
"""Raises an error if the caller may not go on."""


def admit_by(request: Request, admission: Admission) -> None:
    """Have each transaction that this writing request begins from now on begin with this check."""
    request.state.admission = admission


async def _admit(request: Request, tx: Tx) -> None:
    await _refuse_erased(request, tx)
    admission: Admission | None = getattr(request.state, "admission", None)
    if admission is not None and request.method not in READING:
        await admission(tx)


async def _refuse_erased(request: Request, tx: Tx) -> None:
    """Raise `Unauthenticated` if the caller of a writing request has been erased.

    Called before anything is written: an erasure, which takes the same lock first, waits for the
    commit. Were it called later, each would hold what the other waits for. A request whose
    `RequestTx` has the lock does not wait for it again, behind an erasure that waits for it.
    """
    caller: Principal | None = getattr(request.state, "caller", None)
    if caller is None or request.method in READING or hasattr(request.state, "is_held"):
        return
    if getattr(request.state, "tx", None) is tx:
        request.state.is_held = True
    if await erasure.is_erased(tx, str(caller.user_id)):
        raise Unauthenticated("This account does not exist any more.")


RequestTx = Annotated[Tx, Depends(_transaction, scope="function")]
"""The request's transaction. It commits after the route returns and before the response is sent,
and rolls back on an exception."""


async def takes_caller(
    request: Request, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
) -> Principal | None:
    """Dependency of `MaybeCaller`."""
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    verifier: Verifier = request.app.state.verifier
    caller = await verifier.verify(
        token.strip(), scope=_scope(request), key_scope=_key_scope(request)
    )
    if caller.company_id is None:
        request.state.user = str(caller.user_id)  # for the log
    else:
        request.state.api_key = str(caller.user_id)
    request.state.caller = caller
    if (tx := getattr(request.state, "tx", None)) is not None:  # opened before the caller is known
        await _refuse_erased(request, tx)
    return caller


def _scope(request: Request) -> str | None:
    """The scope that a personal access token needs for this route; None if no scope is enough."""
    path: str = request.scope["route"].path
    if not any(path == open or path.startswith(f"{open}/") for open in request.app.state.scoped):
        return None
    act = "read" if request.method in READING else "write"
    return f"{request.app.state.service}:{act}"


def _key_scope(request: Request) -> str | None:
    """The scope that an API key needs for this route; None if no scope is enough."""
    scopes: Mapping[str, str] = request.app.state.key_scopes
    return scopes.get(f"{request.method} {request.scope['route'].path}")


MaybeCaller = Annotated[Principal | None, Depends(takes_caller)]
"""The caller, or None without an Authorization header. An invalid token is still a 401."""


async def _public(request: Request, caller: MaybeCaller) -> AsyncIterator[Tx]:
    standby: Standby | None = request.app.state.standby
    async with AsyncExitStack() as stack:
        tx: Tx | None = None
        if standby is not None and caller is None and request.method in READING:
            tx = await stack.enter_async_context(standby.reading())
        if tx is None:
            tx = await stack.enter_async_context(asynccontextmanager(_transaction)(request))
        yield tx


PublicTx = Annotated[Tx, Depends(_public, scope="function")]
"""A transaction of a route that only reads what everybody may see. Visitors who are not signed in
may read from a standby; a caller must find what it has just written."""


async def needs_caller(caller: MaybeCaller) -> Principal:
    """Dependency of `Caller`."""
    if caller is None:
        raise Unauthenticated
    return caller


Caller = Annotated[Principal, Depends(needs_caller)]
"""The caller, authenticated by a bearer token."""


class EmailNotVerified(AppError):
    """Confirm your email address first."""

    slug = "email-not-verified"
    code = "email_not_verified"
    kind = Kind.FORBIDDEN


def check_verified(request: Request, caller: Principal) -> None:
    """Raise `EmailNotVerified` for a caller without a verified address, if that is required."""
    settings: Settings = request.app.state.settings
    if settings.verified_email == "required" and not caller.email_verified:
        raise EmailNotVerified


async def needs_verified(request: Request, caller: Caller) -> Principal:
    """Dependency of `VerifiedCaller`."""
    check_verified(request, caller)
    return caller


VerifiedCaller = Annotated[Principal, Depends(needs_verified)]
"""The caller, who has a verified address if `HIREWIRE_VERIFIED_EMAIL` is `required`."""


class OperatorSecondFactor(AppError):
    """Operators of this board sign in with a passkey or a second factor."""

    slug = "operator-second-factor"
    code = "operator_second_factor"
    kind = Kind.FORBIDDEN


def may_be_operator(request: Request, caller: Principal | None) -> bool:
    """Whether operators' rights count in this session."""
    settings: Settings = request.app.state.settings
    is_strong = caller is not None and caller.is_strong
    return is_strong or settings.operators_second_factor != "required"


async def needs_strength(request: Request, caller: Caller) -> Principal:
    """Dependency of `OperatorCaller`."""
    if not may_be_operator(request, caller):
        raise OperatorSecondFactor
    return caller


OperatorCaller = Annotated[Principal, Depends(needs_strength)]
"""The caller of an operator's route, signed in with a passkey or a second factor if
`HIREWIRE_OPERATORS_SECOND_FACTOR` requires it. Whether they are an operator, the service's own
rows say.
"""


class KeyReused(AppError):
    """This Idempotency-Key was used for another request."""

    slug = "idempotency-key-reused"
    code = "idempotency_key_reused"
    kind = Kind.INVALID


class Idempotency:
    """Makes a creating request safe to repeat: ``await once(Out, make)``.

    The response is stored under the caller, the path and the `Idempotency-Key`, in the transaction
    that creates the object. A repeated request waits for the first and gets the same response.
    """

    def __init__(self, request: Request, tx: Tx, key: str | None, caller: Principal | None) -> None:
        self._request, self._tx, self._key = request, tx, key
        self._scope = f"{caller.user_id if caller else '-'} {request.url.path}"

    async def __call__(
        self,
        model: type[M],
        make: Callable[[], Awaitable[M]],
        *,
        identity: bytes | None = None,
    ) -> M:
        """The result of `make`, now or of the first request. Raises `KeyReused` for another body.

        `identity` replaces the body if that holds a secret, whose fast hash must not be stored.
        """
        if self._key is None:
            return await make()
        same = await self._request.body() if identity is None else identity
        fingerprint = hashlib.sha256(same).hexdigest()
        place = {"scope": self._scope, "key": self._key}
        if await answers.claim(self._tx, **place, fingerprint=fingerprint):
            made = await make()
            await answers.keep(self._tx, **place, answer=made.model_dump_json(by_alias=True))
            return made
        before, answer = await answers.kept(self._tx, **place)
        if before != fingerprint:
            raise KeyReused
        return model.model_validate_json(answer)

    async def release(self) -> None:
        """Forget the key: `make` has raised, and the transaction commits all the same."""
        if self._key is not None:
            await answers.release(self._tx, scope=self._scope, key=self._key)


IdempotencyKey = Annotated[
    str | None, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")
]


async def _once(
    request: Request,
    tx: RequestTx,
    caller: MaybeCaller,
    idempotency_key: IdempotencyKey = None,
) -> Idempotency:
    return Idempotency(request, tx, idempotency_key, caller)


Once = Annotated[Idempotency, Depends(_once, scope="function")]


class PageQuery:
    """The parameters `?limit=&after=`: the page size and the cursor."""

    def __init__(
        self,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        after: Annotated[str | None, Query(max_length=1000)] = None,
    ) -> None:
        self.limit = limit
        self.after: tuple[str, ...] | None = decoded_cursor(after) if after else None


PageParams = Annotated[PageQuery, Depends()]


class Page(Answer, Generic[R]):
    """A page of a list; `next` goes into `?after=` for the following one."""

    items: list[R]
    next: str | None = None


class BadCursor(Invalid):
    """`after` is not a valid cursor of this list."""

    slug = "bad-cursor"
    code = "bad_cursor"


def page_of(
    rows: Sequence[Any],
    query: PageQuery,
    request: Request,
    response: Response,
    model: type[M],
    *,
    cursor: Callable[[Any], Sequence[object]],
) -> Page[M]:
    """A page from up to `limit + 1` rows; the extra row only shows that there are more.

    `cursor` returns a row's position in the order. Sets the `Link` header (RFC 8288).
    """
    adapter = TypeAdapter(model)
    items = [adapter.validate_python(row, from_attributes=True) for row in rows[: query.limit]]
    if len(rows) <= query.limit:
        return Page(items=items, next=None)
    following = next_page(cursor(rows[query.limit - 1]), request, response)
    return Page(items=items, next=following)


def next_page(place: Sequence[object], request: Request, response: Response) -> str:
    """The cursor of the page after this position. Sets the `Link` header (RFC 8288)."""
    cursor = encoded_cursor(place)
    pairs = [(k, v) for k, v in request.query_params.multi_items() if k != "after"]
    link = f"{request.url.path}?{urlencode([*pairs, ('after', cursor)])}"
    response.headers["Link"] = f'<{link}>; rel="next"'
    return cursor


def place_in_time(after: tuple[str, ...] | None) -> tuple[datetime, UUID] | None:
    """The position in a list that is ordered by time and id. Raises `BadCursor`."""
    if after is None:
        return None
    try:
        text, id = after
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC), UUID(id)
    except (ValueError, OverflowError):
        raise bad_cursor() from None


def place_of_id(after: tuple[str, ...] | None) -> UUID | None:
    """The position in a list that is ordered by id alone. Raises `BadCursor`."""
    if after is None:
        return None
    try:
        [id] = after
        return UUID(id)
    except ValueError:
        raise bad_cursor() from None


def bad_cursor() -> BadCursor:
    """The error for an invalid `after`."""
    return BadCursor(
        errors=[FieldError("", "after: not a valid cursor of this list", "bad_cursor")]
    )


def encoded_cursor(place: Sequence[object]) -> str:
    """The cursor of a position, for `decoded_cursor`."""
    text = json.dumps([str(part) for part in place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decoded_cursor(text: str) -> tuple[str, ...]:
    """The position that a cursor encodes. Raises `BadCursor`."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        parts = None
    if (
        not isinstance(parts, list)
        or not parts
        or not all(isinstance(p, str) and "\x00" not in p for p in parts)
    ):
        raise bad_cursor()
    return tuple(parts)
