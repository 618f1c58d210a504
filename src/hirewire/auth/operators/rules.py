"""How operators look for people."""

import re
from dataclasses import dataclass
from uuid import UUID

_ID = re.compile(r"[0-9a-f]{8}[0-9a-f-]*")


@dataclass(frozen=True, slots=True)
class IdRange:
    """All ids that begin like this."""

    first: UUID
    last: UUID


def ids_like(text: str) -> IdRange | None:
    """The ids that a text may be the beginning of; None if it is none. Eight digits are needed."""
    typed = text.strip().lower()
    digits = typed.replace("-", "")
    if not _ID.fullmatch(typed) or len(digits) > 32:
        return None
    return IdRange(UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f")))


def as_prefix(text: str) -> str:
    """The pattern of `like` for texts that begin like this one."""
    return re.sub(r"([\\%_])", r"\\\1", text) + "%"
