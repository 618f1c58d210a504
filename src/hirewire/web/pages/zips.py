"""The ZIP of an export: put together while it is sent, from the parts of the services."""

import re
import zipfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime

from hirewire.kit.clock import local
from hirewire.web.api.models.auth import OpenExport, Part, PartFile
from hirewire.web.api.services import Services
from hirewire.web.i18n.labels import N_
from hirewire.web.i18n.words import Words

CONTENTS = (
    (r"account\.json", N_("your account: address, sign-ins, mails we have sent you")),
    (r"profile\.json", N_("your profile and resumes with all fields, and who has read them")),
    (r"resumes/.*\.json", N_("each resume as a JSON Resume, which other sites can read")),
    (r"resumes/.*\.pdf", N_("each resume as a PDF")),
    (
        r"jobs\.json",
        N_("applications with their history, saved jobs and searches, your company and its jobs"),
    ),
    (r"letters\.txt", N_("your cover letters, to read")),
    (r"messages\.txt", N_("your messages with companies, to read")),
    (r"notices\.json", N_("the notifications you have received")),
    (r"company-logo\.webp", N_("the logo of your company")),
)
"""Patterns of paths, and what such a file has."""
README = "README.txt"
PACKED = (".pdf", ".webp")
"""Files that do not become smaller."""


class _Sink:
    """Collects what the ZIP writer writes, until it is sent."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def write(self, content: bytes) -> int:
        """Keep the next bytes."""
        self._buffer += content
        return len(content)

    def flush(self) -> None:
        """Nothing to do."""

    def take(self) -> bytes:
        """What was written since the last call."""
        taken = bytes(self._buffer)
        self._buffer.clear()
        return taken


def contents(words: Words) -> list[str]:
    """What an export contains, a line for each kind of file."""
    return [words.text(text) for _, text in CONTENTS]


async def zipped(
    services: Services, export: OpenExport, parts: Mapping[str, Part], words: Words
) -> AsyncGenerator[bytes]:
    """The ZIP, piece by piece. Raises `Unavailable` midway: the file then has no end."""
    sink, at = _Sink(), datetime.fromisoformat(export.readyAt)
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as made:  # type: ignore[call-overload]
        files = [(name, file) for name, part in parts.items() for file in part.files]
        made.writestr(_entry(README, at), readme(export, [file for _, file in files], words))
        yield sink.take()
        for name, file in files:
            with made.open(_entry(file.path, at), "w", force_zip64=file.size >= 2**31) as entry:
                async with aclosing(services.part_file(name, export, file)) as pieces:
                    async for piece in pieces:
                        entry.write(piece)
                        if sent := sink.take():
                            yield sent
    yield sink.take()


def readme(export: OpenExport, files: Sequence[PartFile], words: Words) -> str:
    """The text that lists the files, in the reader's language."""
    made = words.text("A copy of your data on Hirewire, made on %s.")
    lines = [
        made.replace("%s", words.moment(export.readyAt)),
        "",
        words.text("Contents:"),
        "",
    ]
    for pattern, text in CONTENTS:
        paths = [file.path for file in files if re.fullmatch(pattern, file.path)]
        if paths:
            shown = paths[0] if len(paths) == 1 else f"{paths[0]} … {paths[-1]}"
            lines += [shown, f"    {words.text(text)}"]
    lines += [
        "",
        words.text("JSON files are UTF-8 text that programs can read; times are in UTC."),
        words.text("It holds personal data: keep it where nobody else can read it."),
    ]
    return "\n".join(lines) + "\n"


def _entry(path: str, at: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, local(at).timetuple()[:6])
    entry.compress_type = zipfile.ZIP_STORED if path.endswith(PACKED) else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry
