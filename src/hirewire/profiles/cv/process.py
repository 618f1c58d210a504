"""Runs `extract` in a separate process with a time limit, one at a time per person."""

import asyncio
import json
import sys
from pathlib import Path
from uuid import UUID

from hirewire.kit.errors import AppError, FieldError, Invalid, Kind
from hirewire.profiles.cv.extract import Line

LARGEST_FILE = 5 * 1024 * 1024
SECONDS = 15
AT_ONCE = 2
"""The number of files that are read at the same time, for all people together."""
FILE = "#/file"
ERRORS = {
    one.code: one
    for one in (
        FieldError(FILE, "is neither a PDF nor a DOCX", "not_pdf_or_docx"),
        FieldError(
            FILE,
            "is a scan: its text is in images, which cannot be read",
            "file_without_text",
        ),
        FieldError(FILE, "is protected with a password", "file_encrypted"),
        FieldError(FILE, "has more than 30 pages", "too_many_pages"),
        FieldError(FILE, "is too large when unpacked", "file_unpacks_too_large"),
        FieldError(FILE, "took too long or too much memory to read", "file_too_complex"),
        FieldError(FILE, "is damaged and cannot be read", "file_damaged"),
        FieldError(FILE, "is larger than 5 MiB", "file_too_large"),
    )
}
"""The reasons why a file cannot be read, by the codes of `extract`."""
SCRIPT = Path(__file__).with_name("extract.py")
_reading: set[UUID] = set()


class BadFile(Invalid):
    """This file could not be read."""

    code = "bad_file"


class BusyReading(AppError):
    """A file is being read already; try again in a moment."""

    slug = "busy-reading"
    code = "busy_reading"
    kind = Kind.TOO_MANY


async def lines_of(user_id: UUID, file: bytes) -> list[Line]:
    """The lines of a person's file, which is not stored. Raises `BadFile`, `BusyReading`."""
    if len(file) > LARGEST_FILE:
        raise refused("file_too_large")
    if user_id in _reading or len(_reading) >= AT_ONCE:
        raise BusyReading(retry_after=5)
    _reading.add(user_id)
    try:
        answer = await _run(file)
    finally:
        _reading.discard(user_id)
    if "lines" not in answer:
        raise refused(str(answer.get("problem")))
    lines: list[Line] = answer["lines"]
    return lines


def refused(code: str) -> BadFile:
    """The error for a file, from a code of `extract`."""
    return BadFile(errors=[ERRORS.get(code, ERRORS["file_damaged"])])


async def _run(file: bytes) -> dict[str, list[Line]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-X", "utf8", str(SCRIPT)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(SECONDS):
            out, _ = await process.communicate(file)
        answer: dict[str, list[Line]] = json.loads(out)
    except (TimeoutError, ValueError):  # killed, by us or by a limit
        raise refused("file_too_complex") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return answer
