"""Result rows as SQLAlchemy and asyncpg return them."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from operator import itemgetter
from typing import Any


class RowBase(tuple[Any, ...]):
    """A row, accessible by index, by column name in brackets, and by attribute."""

    __slots__ = ()
    _places: dict[str, int] = {}

    def __getitem__(self, place: Any) -> Any:
        if type(place) is str:
            place = self._places[place]
        return tuple.__getitem__(self, place)

    def keys(self) -> list[str]:
        """The column names."""
        return list(self._places)

    def get(self, name: str, default: Any = None) -> Any:
        """A column, or the default if there is none of that name."""
        return self[name] if name in self._places else default

    def items(self) -> list[tuple[str, Any]]:
        """Names and values."""
        return list(zip(self._places, self, strict=True))


@cache
def row_type(columns: str) -> Callable[[Sequence[Any]], RowBase]:
    """The class of rows with these columns (a string of names separated by spaces)."""
    names = columns.split()
    body: dict[str, Any] = {"__slots__": (), "_places": {n: i for i, n in enumerate(names)}}
    for place, name in enumerate(names):
        body.setdefault(name, property(itemgetter(place)))
    return type("Row", (RowBase,), body)


class Result:
    """The result of a statement in SQLAlchemy."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[RowBase], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def all(self) -> list[RowBase]:
        """All rows."""
        return self._rows

    def fetchall(self) -> list[RowBase]:
        """The same."""
        return self._rows

    def __iter__(self) -> Iterator[RowBase]:
        return iter(self._rows)

    def first(self) -> RowBase | None:
        """The first row, if there is one."""
        return self._rows[0] if self._rows else None

    one_or_none = first
    fetchone = first

    def one(self) -> RowBase:
        """The only row."""
        (row,) = self._rows
        return row

    def scalar(self) -> Any:
        """The first column of the first row."""
        return self._rows[0][0] if self._rows else None

    scalar_one_or_none = scalar

    def scalar_one(self) -> Any:
        """The only row's first column."""
        return self.one()[0]

    def scalars(self) -> list[Any]:
        """The first column of all rows."""
        return [row[0] for row in self._rows]

    def mappings(self) -> list[dict[str, Any]]:
        """Rows as dictionaries."""
        return [dict(row.items()) for row in self._rows]
