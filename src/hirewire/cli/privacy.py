"""`hirewire privacy`: proves that an erased person has left nothing, and erases again."""

from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape

from hirewire import assembly
from hirewire.cli.databases import database_of
from hirewire.cli.terminal import fail, reachable_settings, run_async
from hirewire.kit.secrets import use_keys
from hirewire.kit.settings import Settings
from hirewire.messaging.background import describe
from hirewire.messaging.database import is_away
from hirewire.operators import privacy

T = TypeVar("T")
privacy_app = typer.Typer(
    no_args_is_help=True, help="Prove that an erased person has left nothing; erase again."
)
console = Console(highlight=False)


@privacy_app.command()
def verify(
    user: Annotated[str, typer.Argument(help="The id of a user, or of a receipt")],
    words: Annotated[
        typer.FileText | None,
        typer.Option(
            encoding="utf-8-sig",  # a mark at the start would be part of the first text
            help="File with what else to search for, one text a line; - for stdin",
        ),
    ] = None,
) -> None:
    """Search all databases, queues, mails and indexes for a person. Exit code 1: more was found
    than ids that stay.
    """
    settings = reachable_settings()
    try:
        given = [line.strip() for line in words or () if line.strip()]
    except UnicodeDecodeError:
        fail("the file with the words is not UTF-8", 2)

    async def work() -> privacy.Findings:
        return await privacy.search(settings, await privacy.person_of(settings, user), given)

    try:
        found = _run(work())
    except privacy.NoSuchPerson as error:
        fail(str(error), 2)
    for place in found.places:
        kind = "an id that stays" if place.is_mark else "[red]found[/]"
        console.print(f"{kind}: {escape(place.where)}: {escape(place.what)} ({place.count:,})")
    for place in found.waiting:
        console.print(
            f"[yellow]until it is written again[/]: {escape(place.where)}: {escape(place.what)} "
            f"in {place.count:,} deleted documents"
        )
    for text in found.searched:
        console.print(f"searched {escape(text)}")
    for text in found.unreachable:
        console.print(f"[yellow]not searched[/] {escape(text)}")
    if found.left:
        console.print(f"[red]not erased[/]: {len(found.left)} places")
        raise typer.Exit(1)
    if found.waiting:
        console.print("[green]nothing is left[/] but deleted documents, for some minutes")
    else:
        console.print("[green]nothing is left[/]")


@privacy_app.command()
def reapply() -> None:
    """Erase everybody again who was erased: after any service's backup was restored.

    Uses the lists of all services, since the one that was restored has lost the latest.
    """
    settings = reachable_settings()
    use_keys(settings.secret_key)
    count = _run(_reapply(settings))
    console.print(f"{count:,} erasures published again")


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return run_async(work)
    except Exception as error:
        if not is_away(error):
            raise
        fail(f"a database cannot be reached: {describe(error)}", 2)


async def _reapply(settings: Settings) -> int:
    from hirewire.auth.erasures.commands import erase_again

    assembly.service("auth")  # the event classes say what is left of a redacted body
    known = await privacy.erased_people(settings)
    async with database_of(settings, "auth", application="privacy") as transactions:
        for one in known:
            async with transactions() as tx:
                await erase_again(tx, one.user_id, one.erasure_id, one.erased_at)
    return len(known)
