"""`hirewire privacy`: proves that an erased person has left nothing, and erases again."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from hirewire import assembly
from hirewire.cli.databases import database_of
from hirewire.cli.terminal import fail, reachable_settings, run_async
from hirewire.kit.secrets import use_keys
from hirewire.kit.settings import Settings
from hirewire.operators import privacy

privacy_app = typer.Typer(
    no_args_is_help=True, help="Prove that an erased person has left nothing; erase again."
)
console = Console(highlight=False)


@privacy_app.command()
def verify(
    user: Annotated[str, typer.Argument(help="The id of a user, or of a receipt")],
    words: Annotated[
        str | None,
        typer.Option(help="File with what else to search for, one text a line; - for stdin"),
    ] = None,
) -> None:
    """Search all databases, queues, mails and indexes for a person. Exit code 1: more was found
    than ids that stay.
    """
    settings = reachable_settings()
    text = sys.stdin.read() if words == "-" else Path(words).read_text() if words else ""
    given = [line.strip() for line in text.splitlines() if line.strip()]

    async def work() -> privacy.Findings:
        return await privacy.search(settings, await privacy.person_of(settings, user), given)

    try:
        found = run_async(work())
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
    count = run_async(_reapply(settings))
    console.print(f"{count:,} erasures published again")


async def _reapply(settings: Settings) -> int:
    from hirewire.auth.erasures.commands import erase_again

    assembly.service("auth")  # the event classes say what is left of a redacted body
    known = await privacy.erased_people(settings)
    async with database_of(settings, "auth", application="privacy") as transactions:
        for one in known:
            async with transactions() as tx:
                await erase_again(tx, one.user_id, one.erasure_id, one.erased_at)
    return len(known)
