"""What a pooler in transaction mode keeps of a session: at most its prepared statements."""

import secrets
from collections.abc import Callable
from typing import TypedDict

from hirewire.messaging.servers import open_connection


class Preparing(TypedDict, total=False):
    """Options of SQLAlchemy's driver for prepared statements. None: it keeps them, by name."""

    statement_cache_size: int
    prepared_statement_cache_size: int
    prepared_statement_name_func: Callable[[], str]


UNPREPARED: Preparing = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": str,
}
"""With these no statement is used a second time.

A statement without a name is parsed again whenever it is executed.
"""


async def options_of(url: str) -> Preparing:
    """How to connect through the pooler at `url`, if there is one.

    One that keeps track of prepared statements (PgBouncer since 1.21, with
    `max_prepared_statements`) gives them names of its own. If a statement has the client's name in
    the server's list, another session of the pooler will not know it.
    """
    name = f"hirewire_{secrets.token_hex(8)}"
    connection = await open_connection(url, statement_cache_size=0)
    pid = connection.get_server_pid()
    try:
        async with connection.transaction():
            mine = f"select from (select 1) as one where pg_backend_pid() = {pid}"
            if await connection.execute(mine) != "SELECT 0":
                return {}  # no pooler at all
            await connection.prepare("select 1", name=name)
            query = f"select from pg_prepared_statements where name = '{name}'"
            is_forwarded = await connection.execute(query) != "SELECT 0"
            if is_forwarded:
                await connection.execute(f"deallocate {name}")
        return UNPREPARED if is_forwarded else {}
    finally:
        connection.terminate()
