"""Query plans of PostgreSQL, saved for readers."""

from pathlib import Path

import asyncpg


class Explained:
    """The plans of several statements, as one page."""

    def __init__(self, connection: asyncpg.Connection, name: str, title: str) -> None:
        self._connection = connection
        self._name = name
        self._parts = [f"# {title}\n"]

    async def add(self, what: str, statement: str, *given: object) -> None:
        """Run a statement in a transaction that is rolled back, and keep its plan and times."""
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            rows = await self._connection.fetch(
                f"explain (analyze, buffers, costs off) {statement}", *given
            )
        finally:
            await transaction.rollback()
        lines = "\n".join(row[0] for row in rows)
        self._parts.append(f"## {what}\n\n```\n{statement.strip()}\n\n{lines}\n```\n")

    def write(self, folder: Path) -> None:
        """Write the page into this folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"explain-{self._name}").write_text("\n".join(self._parts))
