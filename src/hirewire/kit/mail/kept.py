"""Mails in a folder instead of an SMTP server: one JSON file each, the newest 500.

The embedded mode has no SMTP server; `web` shows the folder at /dev/mail, to this machine only.
"""

import json
import os
from pathlib import Path
from typing import TypedDict
from uuid import UUID

MOST = 500


class KeptMail(TypedDict):
    """A mail as it was to be sent."""

    id: str
    to: str
    subject: str
    text: str
    html: str
    at: str
    """RFC 3339, UTC."""


def keep(folder: Path, id: UUID, mail: KeptMail) -> None:
    """Store a mail, readable by its owner only. A mail that is stored twice is there once."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{id}.json"
    temporary = path.with_suffix(f".{os.getpid()}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(mail, file, ensure_ascii=False)
    temporary.replace(path)
    for old in _newest_first(folder)[MOST:]:
        old.unlink(missing_ok=True)


def kept(folder: Path) -> list[KeptMail]:
    """The stored mails, the newest first."""
    found: list[KeptMail] = []
    for path in _newest_first(folder):
        try:
            found.append(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:  # another process deleted it meanwhile
            continue
    return found


def _newest_first(folder: Path) -> list[Path]:
    """Ids are ordered by time (UUID version 7)."""
    return sorted(folder.glob("*.json"), key=lambda path: path.name, reverse=True)


def forget(folder: Path, address: str) -> int:
    """Delete the stored mails to an address; returns how many."""
    gone = [mail["id"] for mail in kept(folder) if mail["to"] == address]
    for id in gone:
        (folder / f"{id}.json").unlink(missing_ok=True)
    return len(gone)
