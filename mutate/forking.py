"""Run as a script: a process that loads the tests' libraries and forks for each run of pytest.

A run then starts at once. Nothing of the project itself is loaded before the fork. Each line of the
input is a run: ``{"arguments": …, "environment": …, "output": path}``. The response is two lines:
the child's process id and its exit code.
"""

import gc
import importlib
import json
import os
import sys
from contextlib import suppress

LOADED = (
    "pytest",
    "asyncio",
    "alembic.command",
    "asyncpg",
    "fastapi",
    "httpx",
    "joserfc.jwk",
    "joserfc.jwt",
    "pika.adapters.asyncio_connection",
    "prometheus_client",
    "pydantic_settings",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.ext.asyncio",
    "structlog",
    "uvloop",
)
"""Everything else, including pytest's plugins, is loaded by each run."""


def main() -> int:
    """Fork for each line; in a child, run pytest and return its exit code."""
    for name in LOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        run = json.loads(line)
        pid = os.fork()
        if pid == 0:
            return _run(run["arguments"], run["environment"], run["output"])
        print(pid, flush=True)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(code, flush=True)
    return 0


def _run(arguments: list[str], environment: dict[str, str], output: str) -> int:
    os.setsid()
    os.environ.update(environment)
    nothing = os.open(os.devnull, os.O_RDONLY)
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for source, target in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(written)
    sys.argv = ["pytest", *arguments]
    import pytest

    return int(pytest.main(arguments))


if __name__ == "__main__":
    sys.exit(main())
