"""Rows of an import: each is checked, stored and answered on its own."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal, Self, TypeVar
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from hirewire.kit.errors import AppError, FieldError, Invalid
from hirewire.kit.models import Answer, Body, text
from hirewire.kit.problems import Problem, part_of_answer

Wrong = ValidationError | AppError
"""What stands against a row."""
S = TypeVar("S")
D = TypeVar("D")


class SentRow(Body):
    """A row, with its key in the system that it comes from."""

    external_id: Annotated[str, text(1, 200)]


R = TypeVar("R", bound=SentRow)


def checked(model: type[R], rows: Sequence[object]) -> list[R | Wrong]:
    """Each row, or what is wrong with it. Of rows with the same key, the first one counts."""
    found: list[R | Wrong] = []
    keys: set[str] = set()
    for row in rows:
        try:
            read = model.model_validate(row)
        except ValidationError as error:
            found.append(error)
            continue
        if read.external_id in keys:
            found.append(Invalid(errors=[FieldError.of("#/externalId", _twice(read.external_id))]))
            continue
        keys.add(read.external_id)
        found.append(read)
    return found


def _twice(name: str) -> PydanticCustomError:
    return PydanticCustomError("listed_twice", "{name} is listed twice", {"name": name})


def right(rows: Iterable[S | Wrong]) -> list[S]:
    """The rows with which nothing is wrong so far."""
    return [row for row in rows if not isinstance(row, Wrong)]


def together(rows: Iterable[object], done: Iterable[D | AppError]) -> Iterator[D | Wrong]:
    """For each of all rows what was done with it, if `done` is that of the `right` ones."""
    each = iter(done)
    return (row if isinstance(row, Wrong) else next(each) for row in rows)


class DoneRow(Answer):
    """What was done with one row. Nothing of a row that failed was stored."""

    external_id: str | None
    """Null if the row has none that is valid."""
    outcome: Literal["created", "updated", "unchanged", "failed"]
    id: UUID | None = None
    status: str | None = None
    problem: Problem | None = None
    """Why it failed; its pointers begin at the row."""

    @classmethod
    def failed(cls, sent: object, wrong: Wrong) -> Self:
        """The answer to a row that is not stored."""
        return cls(external_id=key_of(sent), outcome="failed", problem=part_of_answer(wrong))


class Counted(Answer):
    """The numbers of rows by their outcome."""

    created: int
    updated: int
    unchanged: int
    failed: int


def count(rows: Iterable[DoneRow]) -> Counted:
    """Count the outcomes."""
    counted = Counter(row.outcome for row in rows)
    return Counted(
        created=counted["created"],
        updated=counted["updated"],
        unchanged=counted["unchanged"],
        failed=counted["failed"],
    )


def key_of(sent: object) -> str | None:
    """The key of a row that may be wrong otherwise; None if it has none that is valid."""
    if not isinstance(sent, dict):
        return None
    try:
        return SentRow.model_validate({"externalId": sent.get("externalId")}).external_id
    except ValidationError:
        return None
