"""What a service exports: files whose content is made piece by piece."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeAlias
from uuid import UUID

from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from sqlalchemy import ColumnElement, Row, Table, select

from hirewire.kit.mail.letters import Language
from hirewire.messaging.transaction import Transactions, Tx

Record: TypeAlias = Mapping[str, Any]
"""A row as it stands in a JSON file, with camelCase names."""

LEFT_OUT_EVERYWHERE = {
    "kit.export_part": "the export itself",
    "kit.export_file": "the export itself",
    "kit.export_piece": "the export itself",
    "kit.refused_user": "whether tokens are refused; `auth` exports the account with its block",
    "kit.operator_act": "the operators' own log; the person gets the reason by mail",
    "kit.idempotency": "answers to requests, kept for a day so that they can be repeated",
}
"""Tables of the chassis with rows of a person that are not exported, and why."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The person whose data is exported."""

    user_id: UUID
    language: Language
    """Of the labels in texts for reading."""


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file of an export."""

    path: str
    """Its place in the ZIP. It stands unencrypted in the database: no personal data."""
    content: AsyncGenerator[bytes]


Make: TypeAlias = Callable[[Transactions, Subject], AsyncGenerator[ExportFile]]
"""The files of a service, each read completely before the next is asked for."""
Made: TypeAlias = Callable[[Tx, UUID, UUID], Awaitable[None]]
"""Called with the ids of the export and the person, in the transaction that completes the part."""


@dataclass(frozen=True, slots=True)
class Exports:
    """How a service makes its part of an export."""

    make: Make
    made: Made


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of one table in a JSON file: all columns, except those that are left out for a reason.

    So a new column is exported unless somebody says why not.
    """

    name: str
    table: Table
    of: Callable[[UUID], ColumnElement[bool]]
    """The condition for the rows of a person."""
    without: Mapping[str, str] = field(default_factory=dict)
    """Columns that are left out, with the reason."""

    async def rows(self, tx: Tx, user_id: UUID) -> AsyncIterator[Record]:
        """The person's rows, in the order of their keys."""
        columns = [column for column in self.table.columns if column.name not in self.without]
        statement = select(*columns).where(self.of(user_id))
        async for row in streamed(tx, statement.order_by(*self.table.primary_key.columns)):
            yield as_record(row)


async def streamed(tx: Tx, statement: Any) -> AsyncIterator[Row[Any]]:
    """The rows of a query, a few at a time: the whole result is never in memory."""
    result = await tx.stream(statement, execution_options={"yield_per": 200})
    async for row in result:
        yield row


def as_record(row: Row[Any]) -> Record:
    """A row by the names of its columns."""
    return {to_camel(name): value for name, value in row._mapping.items()}


async def document(**sections: object) -> AsyncGenerator[bytes]:
    """A JSON object with these members; one that is an asynchronous iterator becomes a list.

    Every entry of a list stands in a line of its own.
    """
    for nth, (name, value) in enumerate(sections.items()):
        yield f"{',' if nth else '{'}\n{json.dumps(to_camel(name))}: ".encode()
        if not isinstance(value, AsyncIterator):
            yield _json(value)
            continue
        count = 0
        async for entry in value:
            yield (b",\n " if count else b"[\n ") + _json(entry)
            count += 1
        yield b"\n]" if count else b"[]"
    yield b"\n}\n"


async def whole(content: bytes) -> AsyncGenerator[bytes]:
    """A file whose content is in memory."""
    yield content


def _json(value: object) -> bytes:
    if isinstance(value, BaseModel):
        return value.model_dump_json(by_alias=True).encode()
    return json.dumps(value, ensure_ascii=False, default=_plain).encode()


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} in an export")
