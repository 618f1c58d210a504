"""`hirewire mails`: mails that were not sent, for operators."""

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, TypeVar
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hirewire import assembly
from hirewire.cli.databases import database_of, in_each
from hirewire.cli.terminal import fail, print_table, reachable_settings, run_async
from hirewire.kit.mail import queue
from hirewire.kit.secrets import use_keys
from hirewire.messaging.background import describe
from hirewire.messaging.database import is_away
from hirewire.messaging.transaction import Tx, owner_of

T = TypeVar("T")
READ_AT_ONCE = 64 * 1024
TRY_LATER = 75
"""EX_TEMPFAIL of sysexits.h: the mail server keeps the message and tries again."""
mails_app = typer.Typer(
    no_args_is_help=True,
    help="List and resend mails that were not sent; note those that came back.",
)
console = Console(highlight=False)

ServiceOption = Annotated[
    str | None, typer.Option("--service", help="One service only (default: all that send mail)")
]


@mails_app.command("list")
def list_(
    service: ServiceOption = None,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Those that wait, instead of the dead ones")
    ] = False,
    limit: int = 100,
) -> None:
    """The dead mails, newest first: to whom (masked), how often tried, and why not sent.

    What they say is never shown.
    """
    table = Table("service", "id", "kind", "to", "attempts", "made", "link dies", "error")
    state: Literal["queued", "dead"] = "queued" if waiting else "dead"
    for name, mails in _each(service, lambda tx: queue.listed(tx, state, limit)).items():
        for mail in mails:
            table.add_row(
                name,
                str(mail.id),
                mail.kind,
                escape(mail.to or "?"),
                str(mail.attempts),
                mail.created_at.isoformat(timespec="seconds"),
                mail.expires_at.isoformat(timespec="seconds") if mail.expires_at else "",
                escape(mail.error or ""),
            )
    print_table(table, f"no {'waiting' if waiting else 'dead'} mails")


@mails_app.command()
def resend(
    ids: Annotated[list[UUID] | None, typer.Argument(help="Ids of dead mails (or --all)")] = None,
    service: ServiceOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All dead mails")] = False,
) -> None:
    """Send dead mails again, with all their attempts.

    A mail whose link has died is not sent: its reader asks for a new one.
    """
    if bool(ids) == everything:
        fail("give the ids of mails, or --all", 2)
    found = _each(service, lambda tx: queue.resend(tx, ids or None)).values()
    queued, expired = sum(one.queued for one in found), sum(one.expired for one in found)
    console.print(f"{queued} will be sent again")
    if expired:
        console.print(f"{expired} not: their links have died, and their readers need new ones")
    if ids and queued + expired < len(set(ids)):
        fail(f"{len(set(ids)) - queued - expired} are not dead mails")


@mails_app.command("hold-back")
def hold_back(service: ServiceOption = None) -> None:
    """After a backup was restored, before the services start: send nothing that it had queued.

    Most of it has been sent since the backup. The mails are dead then: see `list` and `resend`. Of
    `notifications`, deliveries to webhooks are held back as well, which are dead too, and pushes;
    and what is sent about events that an audit publishes again.
    """

    async def work(tx: Tx) -> str:
        if owner_of(tx) == "notifications":
            from hirewire.notifications.holding_back import hold_back

            held = await hold_back(tx)
        else:
            held = {"mails": await queue.hold_back(tx)}
        return ", ".join(f"{number} {what}" for what, number in held.items())

    for name, held in _each(service, work).items():
        console.print(f"{name}: {held} held back")


@mails_app.command()
def bounced() -> None:
    """Read one message from stdin: a report that a mail came back, or a complaint.

    For a pipe of the mail server. Whatever the message is, the exit code is 0, so that no report of
    a report is sent; it is 75 (try again later) while the database cannot be reached.
    """
    from hirewire.notifications.bounces.background import handle
    from hirewire.notifications.bounces.reports import MOST

    settings = reachable_settings()
    use_keys(settings.secret_key)
    content = sys.stdin.buffer.read(MOST)
    while sys.stdin.buffer.read(READ_AT_ONCE):  # whoever writes must not find the pipe closed
        pass

    async def work() -> bool:
        async with database_of(settings, "notifications", application="mails") as transactions:
            return await handle(transactions, content)

    try:
        is_handled = run_async(work())
    except Exception as error:
        if not is_away(error):
            raise
        fail(f"the database cannot be reached: {describe(error)}", TRY_LATER)
    console.print("noted" if is_handled else "not a report about a mail of this board")


def _each(service: str | None, work: Callable[[Tx], Awaitable[T]]) -> dict[str, T]:
    """Run `work` in a transaction of the database of each service that sends mail."""
    senders = [name for name in assembly.SERVICES if assembly.service(name).sends_mail]
    if service is not None and service not in senders:
        fail(f"{service} sends no mail: one of {', '.join(senders)}", 2)
    settings = reachable_settings()
    use_keys(settings.secret_key)
    chosen = senders if service is None else [service]
    return in_each(settings, chosen, work, application="mails")
