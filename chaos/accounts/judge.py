"""Judges a platform at rest: mails, receipts, accounts, and the audit."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from chaos.accounts.people import RESET, Person
from chaos.accounts.platform import Mail, Platform
from chaos.replica import ROOT
from hirewire.auth.logins import digest
from hirewire.messaging.database import connect

REST_SECONDS = 900.0


@dataclass
class Outcome:
    """What became of everything that was promised."""

    resets: int = 0
    resets_without_mail: int = 0
    erasures: int = 0
    receipts_open: int = 0
    mails: int = 0
    repeated_mails: int = 0
    """Mails that arrived again: the server's answer was lost."""
    unfounded_mails: int = 0
    """Mails without a row, or with a link that no committed row knows."""
    mails_left: dict[str, int] = field(default_factory=dict)
    """Rows that are neither sent nor expired, by state."""
    accounts_left: int = 0
    found_by_verify: int = 0
    verified: int = 0
    audit: str = ""

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        broken = (
            self.resets_without_mail
            + self.receipts_open
            + self.unfounded_mails
            + self.accounts_left
            + self.found_by_verify
            + sum(self.mails_left.values())
        )
        return broken == 0 and self.audit == "clean"


async def unfounded(platform: Platform, mails: Sequence[Mail]) -> list[Mail]:
    """The mails for which no committed row exists; the newest one's link must be known as well.

    Ask before the account is deleted, since its rows go with it. A link that a later one has
    replaced is unknown for good, so only the newest of a person counts.
    """
    connection = await connected(platform, "auth")
    try:
        rows = await connection.fetch(
            "select id::text from kit.mail where id::text = any($1)", [one.row for one in mails]
        )
        known = {row["id"] for row in rows}
        links = [token for one in mails[-1:] for token in RESET.findall(one.text)]
        hashes = await connection.fetch(
            "select token_hash from one_time_secret where token_hash = any($1)",
            [digest(token) for token in links],
        )
        unknown = [one for one in mails if one.row not in known]
        return [*unknown, *(mails[-1:] if len(hashes) < len(links) else ())]
    finally:
        await connection.close()


async def at_rest(platform: Platform) -> None:
    """Wait until no mail is due any more. Raises `TimeoutError`."""
    connection = await connected(platform, "auth")
    try:
        async with asyncio.timeout(REST_SECONDS):
            # hurries the pauses after the faults; the mails themselves are left as they are
            while True:
                await connection.execute(
                    "update kit.mail set next_attempt_at = now() "
                    "where state = 'queued' and next_attempt_at > now() + interval '3 minutes'"
                )
                left = await connection.fetchval(
                    "select (select count(*) from kit.mail where state = 'queued')"
                    " + (select count(*) from link_to_send)"
                )
                if not left:
                    return
                await asyncio.sleep(1)
    finally:
        await connection.close()


async def judge(platform: Platform, people: Sequence[Person], outcome: Outcome) -> None:
    """Fill in what only the databases know, once everything is at rest."""
    mails = platform.mails()
    outcome.mails = len(mails)
    outcome.repeated_mails = sum(n - 1 for n in Counter(mail.id for mail in mails).values())
    connection = await connected(platform, "auth")
    try:
        rows = await connection.fetch(
            "select state, count(*) as n from kit.mail where state in ('queued', 'dead') group by 1"
        )
        outcome.mails_left = {row["state"]: row["n"] for row in rows}
        gone = [person.id for person in people if person.receipt]
        outcome.accounts_left = await connection.fetchval(
            "select count(*) from user_account where id::text = any($1)", gone
        )
    finally:
        await connection.close()
    outcome.audit = await audit(platform)


async def verify(platform: Platform, person: Person) -> bool:
    """Whether `hirewire privacy verify` finds nothing of a person."""
    done = await _hirewire(platform, "privacy", "verify", person.id)
    return done.returncode == 0


async def audit(platform: Platform) -> str:
    """`clean`, or what `hirewire events audit` says."""
    done = await _hirewire(platform, "events", "audit")
    lines = (done.stdout + done.stderr).strip().splitlines()
    return "clean" if done.returncode == 0 else " ".join(lines[-3:])


async def _hirewire(platform: Platform, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}
    environment |= {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", **platform.environment}
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "hirewire", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


async def connected(platform: Platform, service: str) -> "asyncpg.Connection[asyncpg.Record]":
    """A connection to a service's database."""
    return await connect(platform.settings().service_database(service), application="chaos")
