"""The files of `auth` in an export: the account, and everything that hangs on it."""

from collections.abc import AsyncGenerator, AsyncIterator
from uuid import UUID

from hirewire.auth.exports import commands
from hirewire.auth.tables import (
    address_change,
    api_key,
    company_member,
    consent,
    data_export,
    identity,
    known_place,
    passkey,
    personal_token,
    second_factor,
    security_event,
    session,
    user,
)
from hirewire.kit.exports.files import (
    LEFT_OUT_EVERYWHERE,
    ExportFile,
    Exports,
    Record,
    Section,
    Subject,
    document,
)
from hirewire.kit.mail import queue
from hirewire.messaging.transaction import Transactions, Tx

ACCOUNT = Section(
    "account",
    user,
    lambda id: user.c.id == id,
    without={
        "email_key": "the address in another spelling",
        "password_hash": "a secret",
        "blocked_by": "an operator, who is another person",
    },
)
SECTIONS = (
    Section("consents", consent, lambda id: consent.c.user_id == id),
    Section("sessions", session, lambda id: session.c.user_id == id),
    Section("addressChange", address_change, lambda id: address_change.c.user_id == id),
    Section(
        "passkeys",
        passkey,
        lambda id: passkey.c.user_id == id,
        without={
            "credential_id": "says nothing to a person; the name does",
            "public_key": "says nothing to a person; the name does",
        },
    ),
    Section(
        "twoStep",
        second_factor,
        lambda id: second_factor.c.user_id == id,
        without={"secret": "a secret"},
    ),
    Section("identities", identity, lambda id: identity.c.user_id == id),
    Section(
        "accessTokens",
        personal_token,
        lambda id: personal_token.c.user_id == id,
        without={"hash": "a digest of a secret"},
    ),
    Section("companies", company_member, lambda id: company_member.c.user_id == id),
    Section("apiKeysMade", api_key, lambda id: api_key.c.created_by == id),
    Section(
        "knownNetworks",
        known_place,
        lambda id: known_place.c.user_id == id,
        without={"place": "a digest, from which the network cannot be read"},
    ),
    Section("securityLog", security_event, lambda id: security_event.c.user_id == id),
    Section(
        "exports",
        data_export,
        lambda id: data_export.c.user_id == id,
        without={"public_url": "the board's address"},
    ),
)
ELSEWHERE = {"kit.mail": "mails"}
"""Tables that are exported in another way, with the member of the file."""
LEFT_OUT = LEFT_OUT_EVERYWHERE | {
    "recovery_code": "digests of secrets",
    "login_ticket": "digests of secrets that die within minutes",
    "sign_up_ticket": "an identity without an account, encrypted, for ten minutes",
    "passkey_challenge": "digests of questions to a browser that die within minutes",
    "erasure": "a person whose account is deleted cannot export; the receipt is theirs",
    "api_key_secret": "digests of secrets of a company",
    "api_key_window": "how many requests an API key of a company has made within a minute",
    "refresh_token": "digests of secrets; the sessions they belong to are exported",
    "one_time_secret": "digests of secrets that die within a day; the mails are exported",
    "data_export_part": "which service has made its part of an export",
}
"""Tables with rows of a person that are not exported, and why."""


async def files(transactions: Transactions, subject: Subject) -> AsyncGenerator[ExportFile]:
    """`account.json`."""
    async with transactions() as tx:
        yield ExportFile("account.json", _account(tx, subject))


async def _account(tx: Tx, subject: Subject) -> AsyncGenerator[bytes]:
    accounts = [row async for row in ACCOUNT.rows(tx, subject.user_id)]
    sections = {one.name: one.rows(tx, subject.user_id) for one in SECTIONS}
    mails = _mails(tx, subject)
    async for piece in document(
        **{ACCOUNT.name: accounts[0] if accounts else None}, **sections, mails=mails
    ):
        yield piece


async def _mails(tx: Tx, subject: Subject) -> AsyncIterator[Record]:
    """Which mails were sent: their content is deleted once they are."""
    for mail in await queue.sent_to(tx, subject.user_id):
        yield {
            "kind": mail.kind,
            "state": mail.state,
            "createdAt": mail.created_at,
            "endedAt": mail.ended_at,
        }


async def _made(tx: Tx, export_id: UUID, _: UUID) -> None:
    await commands.part_made(tx, export_id, commands.OWN)


EXPORTS = Exports(files, _made)
