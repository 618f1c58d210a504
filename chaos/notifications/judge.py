"""Judges notices, mails and deliveries once everything is at rest.

What must be there is computed from the tables of `vacancies`, not from its events.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import asyncpg
from standardwebhooks import Webhook

from chaos.accounts.judge import audit, connected
from chaos.notifications.people import EVENTS, Board
from chaos.notifications.platform import NoticePlatform
from hirewire.notifications.kinds import DEFAULTS
from hirewire.vacancies.applications.rules import Progress, applicant_state

REST_SECONDS = 600.0
AT_ONCE = tuple(kind for kind, default in DEFAULTS.items() if default.mail == "at_once")
LONGEST_ATTEMPT = 30.0
_HURRY = {
    "kit.mail": "update kit.mail set next_attempt_at = now() where state = 'queued'",
    "mail_plan": "update mail_plan set due_at = now() "
    "where due_at between now() and now() + interval '5 minutes'",
    "person": "update person set mailed_at = null where mailed_at is not null",
    "webhook_lane": "update webhook_lane set next_attempt_at = now() "
    "where next_attempt_at > now() + interval '2 minutes'",
    "webhook": "update webhook set not_before = null where not_before > now()",
    "messaging.open_message": "update messaging.open_message set next_attempt_at = now() "
    "where next_attempt_at > now() + interval '1 minute'",
}
_WAITING = (
    "select count(*) from webhook_delivery where state = 'waiting'",
    "select count(*) from kit.mail where state = 'queued'",
    "select count(*) from messaging.open_message where state <> 'dead'",
    "select count(*) from messaging.outbox",
    f"select count(*) from notice where mail_since is not null and kind in {AT_ONCE}",
)
Key = tuple[str, str, str, str]
"""Reader, kind, detail, application: of a notice."""


@dataclass
class Verdict:
    """What became of everything that was promised."""

    applications: int = 0
    notices: int = 0
    missing_notices: int = 0
    surplus_notices: int = 0
    wrong_messages: int = 0
    """Notices of messages whose count is not the number of messages."""
    wrong_matches: int = 0
    notice_events: int = 0
    """`notice.created` beyond one for each notice, or too few."""
    mails: int = 0
    mails_left: int = 0
    mails_lost: int = 0
    """Rows that are marked as sent and that the server has not taken."""
    repeated_mails: int = 0
    notices_without_mail: int = 0
    """Of kinds that are mailed at once."""
    mails_unfounded: int = 0
    """About notices, and no row says so."""
    deliveries: int = 0
    deliveries_missing: int = 0
    deliveries_unfounded: int = 0
    deliveries_left: int = 0
    bad_signatures: int = 0
    repeated_deliveries: int = 0
    unexplained_repeats: int = 0
    """Of which nothing that was killed or frozen lost the outcome."""
    out_of_order: int = 0
    dead_letters: int = 0
    audit: str = ""
    examples: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        broken = (
            *(self.missing_notices, self.surplus_notices, self.wrong_messages, self.wrong_matches),
            *(
                self.notices_without_mail,
                self.mails_unfounded,
                self.notice_events,
                self.mails_left,
                self.mails_lost,
                self.deliveries_missing,
            ),
            *(self.deliveries_unfounded, self.deliveries_left, self.bad_signatures),
            *(self.unexplained_repeats, self.out_of_order, self.dead_letters),
        )
        return not any(broken) and self.audit == "clean"

    def note(self, what: str, found: object) -> None:
        """Keep a few examples."""
        if len(self.examples) < 20:
            self.examples.append(f"{what}: {found}")


async def at_rest(platform: NoticePlatform) -> None:
    """Wait until nothing waits any more, and hurry what waits for long. Raises `TimeoutError`."""
    connections = [await connected(platform, name) for name in ("notifications", "vacancies")]
    notifications, vacancies = connections
    quiet = 0
    try:
        async with asyncio.timeout(REST_SECONDS):
            while quiet < 5:
                for statement in _HURRY.values():
                    await notifications.execute(statement)
                left = [await notifications.fetchval(statement) for statement in _WAITING]
                left.append(await vacancies.fetchval("select count(*) from messaging.outbox"))
                quiet = 0 if any(left) else quiet + 1
                await asyncio.sleep(1)
    finally:
        for connection in connections:
            await connection.close()


async def judge(platform: NoticePlatform, board: Board) -> Verdict:
    """Compare everything."""
    verdict = Verdict()
    vacancies = await connected(platform, "vacancies")
    notifications = await connected(platform, "notifications")
    try:
        await _judge_notices(vacancies, notifications, board, verdict)
        await _judge_matches(vacancies, notifications, verdict)
        await _judge_mails(platform, notifications, verdict)
        await _judge_deliveries(platform, vacancies, notifications, board, verdict)
        verdict.dead_letters = await notifications.fetchval(
            "select count(*) from messaging.open_message"
        )
    finally:
        await vacancies.close()
        await notifications.close()
    verdict.audit = await audit(platform)
    return verdict


async def _judge_notices(
    vacancies: "asyncpg.Connection[asyncpg.Record]",
    notifications: "asyncpg.Connection[asyncpg.Record]",
    board: Board,
    verdict: Verdict,
) -> None:
    bosses = {one.id: one.boss.person.id for one in board.companies}
    expected: Counter[Key] = Counter()
    messages: Counter[tuple[str, str]] = Counter()
    sent = await vacancies.fetch(
        "select application_id, side, count(*) as n from application_message group by 1, 2"
    )
    written = {(row["application_id"], row["side"]): row["n"] for row in sent}
    moves: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in await vacancies.fetch("select * from application_move order by position"):
        moves[row["application_id"]].append(row)
    for row in await vacancies.fetch("select * from application"):
        verdict.applications += 1
        id, applicant, boss = str(row["id"]), str(row["user_id"]), bosses[str(row["company_id"])]
        expected[boss, "application_received", "", id] += 1
        for kind, detail in _moved(moves[row["id"]]):
            reader = boss if kind == "application_answered" else applicant
            expected[reader, kind, detail, id] += 1
        for side, reader in (("employer", applicant), ("applicant", boss)):
            if count := written.get((row["id"], side), 0):
                messages[reader, id] = count
    found: Counter[Key] = Counter()
    counted: Counter[tuple[str, str]] = Counter()
    rows = await notifications.fetch(
        "select * from notice where about_id is null or kind = 'message'"
    )
    for row in rows:
        reader, about = str(row["user_id"]), str(row["application_id"])
        if row["kind"] == "message":
            counted[reader, about] += row["count"]
        else:
            found[reader, row["kind"], row["detail"] or "", about] += 1
    missing, surplus = expected - found, found - expected
    verdict.missing_notices, verdict.surplus_notices = missing.total(), surplus.total()
    for one in missing:
        verdict.note("missing notice", one)
    for one in surplus:
        verdict.note("surplus notice", one)
    wrong = {one for one in messages | counted if messages[one] != counted[one]}
    verdict.wrong_messages = len(wrong)
    for pair in wrong:
        verdict.note("messages", (pair, messages[pair], counted[pair]))
    verdict.notices = await notifications.fetchval("select count(*) from notice")
    events = await notifications.fetchval(
        "select count(*) from messaging.log where type = 'notice.created'"
    )
    verdict.notice_events = abs(events - verdict.notices)


def _moved(moves: Sequence[asyncpg.Record]) -> list[tuple[str, str]]:
    """Kind and detail of what the moves of an application are worth."""
    found = []
    states = [
        applicant_state(Progress(one["to_stage"], "response", viewed=False, accepted=True))
        for one in moves
    ]
    for before, (move, after) in pairwise(zip(moves, states, strict=True)):
        if move["to_stage"] == "discard_by_applicant":
            found.append(("application_answered", "withdrawn"))
        elif after != before[1]:
            found.append(("application_moved", after))
    return found


async def _judge_matches(
    vacancies: "asyncpg.Connection[asyncpg.Record]",
    notifications: "asyncpg.Connection[asyncpg.Record]",
    verdict: Verdict,
) -> None:
    valid = await vacancies.fetch(
        "select vacancy_id, resume_id from recommendation where withdrawn is null"
    )
    expected = Counter(row["vacancy_id"] for row in valid)
    expected.update(row["resume_id"] for row in valid)
    rows = await notifications.fetch(
        "select about_id, count from notice "
        "where kind like 'recommended_%' and withdrawn_at is null"
    )
    found = Counter[UUID]()
    for row in rows:
        found[row["about_id"]] += row["count"]
    for one in expected.keys() | found.keys():
        if expected[one] != found[one]:
            verdict.wrong_matches += 1
            verdict.note("matches", (one, expected[one], found[one]))


async def _judge_mails(
    platform: NoticePlatform,
    notifications: "asyncpg.Connection[asyncpg.Record]",
    verdict: Verdict,
) -> None:
    taken = Counter(mail.row for mail in platform.mails())
    rows = await notifications.fetch("select id::text, state from kit.mail")
    mine = {row["id"] for row in rows}
    verdict.mails = sum(count for id, count in taken.items() if id in mine)
    verdict.repeated_mails = sum(count - 1 for id, count in taken.items() if id in mine)
    verdict.mails_left = sum(row["state"] in ("queued", "dead") for row in rows)
    verdict.notices_without_mail = await notifications.fetchval(
        f"select count(*) from notice where kind in {AT_ONCE} "
        "and (mails = 0 or mailed_count < count)"
    )
    other = await connected(platform, "auth")
    try:
        known = await other.fetch("select id::text from kit.mail")
    finally:
        await other.close()
    verdict.mails_unfounded = len(taken.keys() - mine - {row["id"] for row in known})
    verdict.mails_lost = sum(row["state"] == "sent" and not taken[row["id"]] for row in rows)


async def _judge_deliveries(
    platform: NoticePlatform,
    vacancies: "asyncpg.Connection[asyncpg.Record]",
    notifications: "asyncpg.Connection[asyncpg.Record]",
    board: Board,
    verdict: Verdict,
) -> None:
    places = {f"/hook/{n}": company for n, company in enumerate(board.companies)}
    hooks = {company.id: place for place, company in places.items()}
    logged = await vacancies.fetch(
        "select id, key, sequence, body from messaging.log where type = any($1)", list(EVENTS)
    )
    positions: dict[tuple[str, str], tuple[str, int]] = {}
    for row in logged:
        place = hooks[json.loads(row["body"])["companyId"]]
        positions[place, f"msg_{row['id']}"] = (row["key"], row["sequence"])
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    reached: dict[tuple[str, str], int] = {}
    for request in platform.requests():
        sent = (request.path, request.id)
        times[sent].append(request.at)
        signer = Webhook(places[request.path].secret)
        at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
        if signer.sign(request.id, at, request.body) not in request.headers["webhook-signature"]:
            verdict.bad_signatures += 1
        if sent not in positions:
            verdict.deliveries_unfounded += 1
            verdict.note("unfounded delivery", sent)
            continue
        key, position = positions[sent]
        if position < reached.get((request.path, key), 0):
            verdict.out_of_order += 1
            verdict.note("out of order", (sent, position))
        reached[request.path, key] = max(position, reached.get((request.path, key), 0))
    verdict.deliveries = sum(map(len, times.values()))
    missing = positions.keys() - times.keys()
    verdict.deliveries_missing = len(missing)
    for one in missing:
        verdict.note("missing delivery", one)
    verdict.deliveries_left = await notifications.fetchval(
        "select count(*) from webhook_delivery where state <> 'delivered'"
    )
    attempts = await notifications.fetch(
        "select d.event_id, w.url, d.attempts from webhook_delivery d "
        "join webhook w on w.id = d.webhook_id"
    )
    tried = {
        (f"/{row['url'].split('/', 3)[3]}", f"msg_{row['event_id']}"): row["attempts"]
        for row in attempts
    }
    for sent, moments in times.items():
        verdict.repeated_deliveries += len(moments) - 1
        if len(moments) <= tried.get(sent, 0):
            continue  # each was an attempt, and its answer was lost on the way
        for before, after in pairwise(moments):
            if not _was_hit(platform, before, after):
                verdict.unexplained_repeats += 1
                verdict.note("unexplained repeat", (sent, after - before))


def _was_hit(platform: NoticePlatform, before: float, after: float) -> bool:
    """Whether the sender may have lost the outcome of a request between these moments."""
    lost = ("notifications", "postgres")
    return any(
        before - LONGEST_ATTEMPT <= at <= after and victim in lost for at, victim in platform.hits
    )
