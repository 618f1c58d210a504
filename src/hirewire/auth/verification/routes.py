"""Routes that verify an address."""

from fastapi import APIRouter, Request

from hirewire.auth import networks, one_time
from hirewire.auth.one_time import InvalidLink
from hirewire.auth.proofs import InvalidCode, Proof
from hirewire.auth.verification import commands, queries
from hirewire.auth.verification_mails import send_verification
from hirewire.auth.where import where_of
from hirewire.kit.errors import Unauthenticated
from hirewire.kit.http import Caller, MaybeCaller, language_of, transactions_of
from hirewire.kit.openapi import refuses

router = APIRouter(prefix="/api/auth/email", tags=["accounts"])


@router.post(
    "/verify", status_code=204, responses=refuses(InvalidLink, InvalidCode, Unauthenticated)
)
async def verify(body: Proof, request: Request, caller: MaybeCaller) -> None:
    """Verify an address: with the token of the link, or with the code and the user's access token.

    A code works for 30 minutes, until five wrong ones; a link for 24 hours. Access tokens say
    `email_verified` after the next refresh.
    """
    async with transactions_of(request)() as tx:
        if body.token is not None:
            await commands.verify_by_link(tx, body.token, where_of(request))
            return
        if caller is None:
            raise Unauthenticated
        is_right = await commands.verify_by_code(tx, caller.user_id, body.digits, where_of(request))
    if not is_right:
        raise InvalidCode


@router.post("/verification", status_code=202, responses=refuses(Unauthenticated))
async def send_again(request: Request, caller: Caller) -> None:
    """Send the mail again; five an hour. Nothing is sent once the address is verified."""
    address = request.client.host if request.client else ""
    async with transactions_of(request)() as tx:
        found = await queries.address(tx, caller.user_id)
        if found is None:
            raise Unauthenticated("This account does not exist any more.")
        if found.email_verified_at is not None:
            return
        if not await one_time.admit_mail(
            tx,
            networks.network(address),
            found.email_key,
            "email_verification",
            is_here=networks.is_this_machine(address),
        ):
            return
        await send_verification(
            tx,
            caller.user_id,
            found.email,
            found.email_key,
            public_url=request.app.state.settings.public_url,
            language=found.language or language_of(request),
        )
