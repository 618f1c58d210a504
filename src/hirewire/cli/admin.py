"""`hirewire admin`: who the operators of the board are."""

import getpass
from collections.abc import Awaitable, Callable
from platform import node
from typing import Annotated, Literal, TypeVar

import typer
from pydantic_core import PydanticCustomError
from rich.console import Console
from rich.markup import escape

from hirewire.auth.credentials import email_key, normalised_email
from hirewire.auth.operator_mails import Board
from hirewire.auth.operators import commands, queries
from hirewire.auth.operators.commands import Act
from hirewire.cli.databases import database_of
from hirewire.cli.terminal import BAD_SETTINGS, fail, reachable_settings, run_async
from hirewire.kit.db import pending
from hirewire.kit.errors import AppError
from hirewire.kit.secrets import use_keys
from hirewire.messaging.background import describe
from hirewire.messaging.database import DatabaseUnavailable
from hirewire.messaging.transaction import Tx

T = TypeVar("T")
SERVICE = "auth"
admin_app = typer.Typer(no_args_is_help=True, help="The operators of the board.")
console = Console(highlight=False)
Email = Annotated[str, typer.Argument(help="The account's email address")]
Why = Annotated[str, typer.Option("--why", help="The reason, noted in the log of operators' acts")]


def _in_auth(work: Callable[[Tx, Board], Awaitable[T]], language: str | None = None) -> T:
    """Run `work` in a transaction of the database of `auth`."""
    settings = reachable_settings(SERVICE)
    if settings.secret_key is None:
        fail("HIREWIRE_SECRET_KEY is not set: mails are encrypted with it", BAD_SETTINGS)
    use_keys(settings.secret_key)
    chosen: Literal["en", "ru"] | None = "ru" if language == "ru" else "en" if language else None
    board = Board(settings.public_url, settings.contact_email, chosen)

    async def done() -> T:
        async with database_of(settings, SERVICE, application="admin") as transactions:
            if behind := await pending(transactions.engine, SERVICE):
                fail(f"migrations are not applied: {', '.join(behind)} (hirewire migrate)")
            async with transactions() as tx:
                return await work(tx, board)

    try:
        return run_async(done())
    except AppError as error:
        fail(error.message)
    except (DatabaseUnavailable, OSError) as error:
        fail(f"the database of auth cannot be reached: {describe(error)}")


def _address(text: str) -> str:
    try:
        return normalised_email(text)
    except PydanticCustomError as error:
        fail(f"{text[:100]}: {error}", 2)


def _why(why: str) -> str:
    """The reason, or who asks: the log has readers in each language."""
    return why.strip()[:1000] or f"{getpass.getuser()}@{node()}"


@admin_app.command()
def create(
    email: Email,
    why: Why = "",
    language: Annotated[
        Literal["en", "ru"], typer.Option(help="Language of the mail to a new account")
    ] = "en",
) -> None:
    """Make somebody an operator: the owner of this verified address, or of a new account.

    A new account gets a mail with a link to choose a password.
    """
    address = _address(email)

    async def work(tx: Tx, board: Board) -> str:
        known = await queries.by_address(tx, email_key(address))
        if known is None:
            await commands.create_admin(tx, address, _why(why), board)
            return "new account, operator; a mail with a link to choose a password is on its way"
        await commands.make_admin(tx, Act(None, known, _why(why)))
        return "operator from the next sign-in on, or within ten minutes"

    console.print(escape(f"{address}: {_in_auth(work, language)}"), soft_wrap=True)


@admin_app.command("list")
def list_() -> None:
    """List the operators."""

    async def work(tx: Tx, _: Board) -> list[str]:
        return [
            row.email
            + (" (blocked)" if row.blocked_at else "")
            + ("" if row.email_verified_at else " (has not chosen a password yet)")
            for row in await queries.operators(tx)
        ]

    console.print(escape("\n".join(_in_auth(work)) or "no operators: hirewire admin create EMAIL"))


@admin_app.command()
def remove(email: Email, why: Why = "") -> None:
    """Make an operator an ordinary user again, even the last one; all their sessions end."""
    address = _address(email)

    async def work(tx: Tx, _: Board) -> str:
        known = await queries.by_address(tx, email_key(address))
        if known is None:
            fail(f"{address}: there is no such account")
        await commands.remove_admin(tx, Act(None, known, _why(why)))
        left = len(await queries.operators(tx))
        return f"not an operator any more; {left} left" if left else "the last operator is gone"

    console.print(escape(f"{address}: {_in_auth(work)}"), soft_wrap=True)
