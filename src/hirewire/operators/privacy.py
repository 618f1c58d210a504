"""Looks for what a person has left, in all databases, queues, folders and search indexes."""

import asyncio
import json
import urllib.request
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit
from uuid import UUID

import asyncpg

from hirewire import assembly
from hirewire.kit.search_clusters import SearchCluster
from hirewire.kit.settings import Settings
from hirewire.messaging.background import describe
from hirewire.messaging.broker import broker_at, event_of
from hirewire.messaging.database import connect
from hirewire.messaging.erasure import redact_payload
from hirewire.operators.search_indexes import deleted_documents, occurrences

if TYPE_CHECKING:
    pass

_TABLES = """
select n.nspname as schema, c.relname as table, a.attname as column,
    format_type(a.atttypid, null) as type, quote_ident(n.nspname) as schema_name,
    quote_ident(c.relname) as table_name, quote_ident(a.attname) as column_name
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'm') and n.nspname !~ '^(pg_|information_schema$)'
order by 1, 2, a.attnum
"""
_IDS_ONLY = frozenset(
    {
        "public.erasure.user_id",
        "public.user_account.blocked_by",
        "kit.refused_user.user_id",
        "kit.operator_act.operator_id",
        "kit.operator_act.subject_id",
        "messaging.erased.subject",
        "messaging.counter.key",
        "messaging.progress.key",
        "messaging.outbox.key",
        "messaging.log.key",
        "messaging.open_message.key",
        "messaging.open_message.headers",
        "messaging.job.asked",
        "broker.message.headers",
    }
)
"""Columns in which the person's id may stay: marks, keys and numbers of events."""
_BODIES = frozenset(
    {
        "messaging.log.body",
        "messaging.open_message.body",
        "messaging.scheduled.body",
        "broker.message.body",
    }
)
"""Bodies of events: the id may stay in those that have nothing else of the person."""
_FAREWELL = "/erasures/"
"""In the last mail to a person, which the person has."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found."""

    where: str
    """A database with schema, table and column, a queue, a folder or an index."""
    what: str
    """The person's id, or the word, as given."""
    count: int
    is_mark: bool = False
    """Whether it is an id that stays, so that events balance and nothing comes back."""


@dataclass(slots=True)
class Findings:
    """What was found, and what could not be searched."""

    places: list[Place] = field(default_factory=list)
    waiting: list[Place] = field(default_factory=list)
    """Words in deleted documents of search indexes, whose files are written again in minutes."""
    unreachable: list[str] = field(default_factory=list)
    searched: list[str] = field(default_factory=list)

    @property
    def left(self) -> list[Place]:
        """All that is more than an id that stays."""
        return [place for place in self.places if not place.is_mark]


class NoSuchPerson(Exception):
    """Neither the id of a user nor a receipt."""


async def person_of(settings: Settings, text: str) -> UUID:
    """The id of a user: as given, or of a receipt. Raises `NoSuchPerson`."""
    from hirewire.auth.logins import digest

    try:
        return UUID(text)
    except ValueError:
        pass
    connection = await connect(settings.service_database("auth"), application="hirewire privacy")
    try:
        found = await connection.fetchval(
            "select user_id from erasure where receipt_hash = $1", digest(text)
        )
    finally:
        await connection.close()
    if found is None:
        raise NoSuchPerson("neither the id of a user nor of a receipt")
    return UUID(str(found))


async def search(settings: Settings, user_id: UUID, words: Sequence[str]) -> Findings:
    """Search everywhere for the id and for these words, in upper or lower case."""
    for name in assembly.SERVICES:
        assembly.service(name)  # the event classes say what is left of a redacted body
    found = Findings()
    terms = [str(user_id), *words]
    for name in assembly.SERVICES:
        await _database(found, settings.service_database(name), name, terms)
    broker = settings.broker_address()
    if broker_at(broker) == "postgres":
        await _database(found, broker, "broker", terms, only="broker")
    elif broker_at(broker) == "kafka":
        found.unreachable.append("Kafka's topics: they keep events for days, and are not searched")
    else:
        await asyncio.to_thread(_rabbitmq, found, settings, terms)
    mails = urlsplit(settings.smtp_url or "")
    if mails.scheme == "file":
        await asyncio.to_thread(_mails, found, Path(unquote(mails.path)), terms)
    if settings.large_bodies is not None:
        await asyncio.to_thread(_files, found, "large bodies", settings.large_bodies, terms)
    if settings.search_cluster is None:
        await asyncio.to_thread(_indexes, found, settings.search_dir, words)
    else:
        await _cluster(found, settings.search_cluster, words)
    return found


async def _cluster(found: Findings, cluster: SearchCluster, words: Sequence[str]) -> None:
    """Documents that searches find; deleted ones are merged away minutes after an erasure."""
    name = f"search cluster: {cluster.prefix}"
    try:
        async for index, word, count in occurrences(cluster, words):
            found.places.append(Place(f"search index {index}", word, count))
    except Exception as error:
        found.unreachable.append(f"{name}: {describe(error)}")
    else:
        found.searched.append(name)


async def _database(
    found: Findings, url: str, name: str, terms: Sequence[str], only: str | None = None
) -> None:
    connection = await connect(url, application="hirewire privacy")
    try:
        tables: dict[tuple[str, str], list[asyncpg.Record]] = {}
        for row in await connection.fetch(_TABLES):
            if only is None or row["schema"] == only:
                tables.setdefault((row["schema"], row["table"]), []).append(row)
        for (schema, table), columns in tables.items():
            if await _may_hold(connection, columns, terms):
                for term in terms:
                    where = f"{name}: {schema}.{table}"
                    await _table(found, connection, where, columns, term, terms)
        found.searched.append(f"database {name}: {len(tables)} tables")
    finally:
        await connection.close()


async def _may_hold(
    connection: asyncpg.Connection, columns: Sequence[asyncpg.Record], terms: Sequence[str]
) -> bool:
    """Whether any row has any of the terms: one look at each table, which mostly has none."""
    place = f"{columns[0]['schema_name']}.{columns[0]['table_name']}"
    # As PostgreSQL writes a row: backslashes and quotes in it are repeated.
    forms = {form.replace("\\", "\\\\").replace('"', '""') for t in terms for form in _forms(t)}
    texts = "exists (select from unnest($1::text[]) as w where strpos(lower(r::text), w) > 0)"
    bytes_ = [
        f"exists (select from unnest($2::text[]) as w where {_holds_bytes(c['column_name'], 'w')})"
        for c in columns
        if c["type"] == "bytea"
    ]
    found: bool = await connection.fetchval(
        f"select exists (select from {place} r where {' or '.join([texts, *bytes_])} "  # noqa: S608
        "or cardinality($2::text[]) < 0)",
        sorted(forms),
        sorted({form for term in terms for form in _forms(term)}),
    )
    return found


async def _table(
    found: Findings,
    connection: asyncpg.Connection,
    where: str,
    columns: Sequence[asyncpg.Record],
    term: str,
    terms: Sequence[str],
) -> None:
    place = f"{columns[0]['schema_name']}.{columns[0]['table_name']}"
    conditions = [_holds(column) for column in columns]
    counts = ", ".join(f"count(*) filter (where {one})" for one in conditions)
    row = await connection.fetchrow(f"select {counts} from {place}", *_forms(term))  # noqa: S608
    for column, condition, count in zip(columns, conditions, row or (), strict=True):
        if not count:
            continue
        spot = f"{_parent(column)}.{column['column']}"
        is_id = term == terms[0]
        marks = count if is_id and spot in _IDS_ONLY else 0
        if is_id and spot in _BODIES:
            rows = await connection.fetch(
                f"select * from {place} where {condition}",  # noqa: S608
                *_forms(term),
            )
            marks = sum(_only_ids(one["type"], one["body"], term) for one in rows)
        named = f"{where}.{column['column']}"
        if marks:
            found.places.append(Place(named, term, marks, is_mark=True))
        if count > marks:
            found.places.append(Place(named, term, count - marks))


def _parent(column: asyncpg.Record) -> str:
    """Schema and table; partitions of the log count as the log."""
    table = column["table"]
    if column["schema"] == "messaging" and table.startswith("log_"):
        table = "log"
    return f"{column['schema']}.{table}"


def _only_ids(name: str, body: str | bytes, subject: str) -> bool:
    """Whether the body of this event has nothing of the person but ids."""
    name = event_of(name)
    left = redact_payload(name, body, subject)
    if left is None:
        return True
    same = json.loads(body)
    without = json.loads(left)
    without.pop("redacted", None)
    return bool(same == without)


def _forms(term: str) -> tuple[str, str]:
    """A term as it is, and as JSON escapes it; both in lower case."""
    return term.lower(), json.dumps(term)[1:-1].lower()


def _holds(column: asyncpg.Record) -> str:
    name = column["column_name"]
    if column["type"] == "bytea":
        return f"({_holds_bytes(name, '$1')} or {_holds_bytes(name, '$2')})"
    return f"(strpos(lower({name}::text), $1) > 0 or strpos(lower({name}::text), $2) > 0)"


def _holds_bytes(name: str, term: str) -> str:
    return (
        f"strpos(lower(encode({name}, 'escape')), {term}) > 0 "
        f"or position(convert_to({term}, 'UTF8') in {name}) > 0"
    )


def _in(text: str, terms: Sequence[str]) -> Iterable[str]:
    lower = text.lower()
    return [term for term in terms if any(form in lower for form in _forms(term))]


def _mails(found: Findings, folder: Path, terms: Sequence[str]) -> None:
    for path in sorted(folder.glob("*.json")):
        text = path.read_text(encoding="utf-8")
        for term in _in(text, terms):
            found.places.append(Place(f"kept mail {path.name}", term, 1, _FAREWELL in text))
    found.searched.append(f"kept mails: {folder}")


def _files(found: Findings, name: str, folder: Path, terms: Sequence[str]) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            body = path.read_bytes()
            for term in _in(body.decode("utf-8", "replace"), terms):
                ids_only = term == terms[0] and b'"redacted":true' in body
                found.places.append(Place(f"{name}: {path}", term, 1, ids_only))
    found.searched.append(f"{name}: {folder}")


def _indexes(found: Findings, folder: Path | None, words: Sequence[str]) -> None:
    if folder is None or not folder.is_dir():
        found.unreachable.append("search indexes are in memory: they follow the tables")
        return
    from tantivy import Index

    from hirewire.vacancies.search.index.parser import analyzer, plain_analyzer
    from hirewire.vacancies.search.index.schema import RESUMES, VACANCIES

    for fields in (RESUMES, VACANCIES):
        for path in sorted(folder.glob(f"{fields.name}-*/index")):
            index = Index(fields.build(), path=str(path))
            index.register_tokenizer("words", analyzer())
            index.register_tokenizer("plain", plain_analyzer())
            for word in words:
                phrase = json.dumps(word, ensure_ascii=False)
                query, _ = index.parse_query_lenient(phrase, list(fields.texts))
                hits = index.searcher().search(query, 1).hits
                if hits:
                    found.places.append(Place(f"search index {path}", word, len(hits)))
                elif waiting := deleted_documents(index, fields, word):
                    found.waiting.append(Place(f"search index {path}", word, waiting))
            found.searched.append(f"search index: {path}")


def _rabbitmq(found: Findings, settings: Settings, terms: Sequence[str]) -> None:
    """Read all queues through the management API, which puts the messages back."""
    if settings.rabbitmq_management_url is None:
        found.unreachable.append("RabbitMQ's queues: HIREWIRE_RABBITMQ_MANAGEMENT_URL is not set")
        return
    vhost = unquote(urlsplit(settings.broker_address()).path[1:]) or "/"
    place = quote(vhost, safe="")
    try:
        queues = _managed(settings.rabbitmq_management_url, f"queues/{place}", None)
        for queue in queues:
            if not queue.get("messages_ready"):
                continue
            asked = {
                "count": queue["messages_ready"],
                "ackmode": "ack_requeue_true",
                "encoding": "base64",
            }
            path = f"queues/{place}/{quote(queue['name'], safe='')}/get"
            for message in _managed(settings.rabbitmq_management_url, path, asked):
                _message(found, queue["name"], message, terms)
        found.searched.append(f"RabbitMQ: {len(queues)} queues")
    except (OSError, ValueError) as error:
        found.unreachable.append(f"RabbitMQ's queues: {type(error).__name__}")


def _message(found: Findings, queue: str, message: Mapping[str, Any], terms: Sequence[str]) -> None:
    body = b64decode(message["payload"])
    for term in _in(body.decode("utf-8", "replace"), terms):
        ids_only = term == terms[0] and _only_ids(message["routing_key"], body, term)
        found.places.append(Place(f"RabbitMQ: {queue}", term, 1, ids_only))


def _managed(management_url: str, path: str, asked: Mapping[str, Any] | None) -> Any:
    parts = urlsplit(management_url)
    host = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    request = urllib.request.Request(  # noqa: S310  (http(s), checked by the settings)
        f"{parts.scheme}://{host}{parts.path.rstrip('/')}/api/{path}",
        data=None if asked is None else json.dumps(asked).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Basic {b64encode(login.encode()).decode()}",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.loads(answer.read())


@dataclass(frozen=True, slots=True)
class Erased:
    """An erasure, as any service remembers it."""

    user_id: UUID
    erasure_id: UUID
    erased_at: datetime


async def erased_people(settings: Settings) -> list[Erased]:
    """Everybody who was erased, by the marks of all services, the oldest first."""
    found: dict[str, Erased] = {}
    for name in assembly.SERVICES:
        connection = await connect(settings.service_database(name), application="hirewire privacy")
        try:
            rows = await connection.fetch(
                "select subject, erasure_id, erased_at from messaging.erased"
            )
        finally:
            await connection.close()
        for row in rows:
            one = Erased(UUID(row["subject"]), UUID(str(row["erasure_id"])), row["erased_at"])
            found.setdefault(row["subject"], one)
    return sorted(found.values(), key=lambda one: one.erased_at)
