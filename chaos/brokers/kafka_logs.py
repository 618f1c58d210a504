"""Cuts the end off a partition's log, as if a node had lost what it had not flushed.

A log is a row of batches (record format 2): base offset (8 bytes), length of the rest (4), leader's
epoch (4), …, and at byte 23 the last record's offset, counted from the base offset (4).
"""

import struct
from pathlib import Path

PREFIX = 12
LAST_OFFSET_DELTA = 23


def ends_of(path: Path) -> list[tuple[int, int]]:
    """The end of each batch of a segment: the next offset, and the position in bytes."""
    data = path.read_bytes()
    found: list[tuple[int, int]] = []
    at = 0
    while at + LAST_OFFSET_DELTA + 4 <= len(data):
        base, length = struct.unpack_from(">qi", data, at)
        if length <= 0 or at + PREFIX + length > len(data):
            break
        (delta,) = struct.unpack_from(">i", data, at + LAST_OFFSET_DELTA)
        at += PREFIX + length
        found.append((base + delta + 1, at))
    return found


def cut(partition: Path, end: int) -> int:
    """Cut off all whole batches behind an offset; returns the offset at which the log ends now.

    Its node must be stopped. Indexes and the producers' states are built again as it starts.
    """
    segments = sorted(partition.glob("*.log"))
    *kept, last = [one for one in segments if int(one.stem) < max(end, 1)]
    for segment in segments[len(kept) + 1 :]:
        segment.unlink()
    position, offset = 0, int(last.stem)
    for next, at in ends_of(last):
        if next > end:
            break
        offset, position = next, at
    with last.open("r+b") as file:
        file.truncate(position)
    for pattern in ("*.index", "*.timeindex", "*.snapshot"):
        for path in partition.glob(pattern):
            path.unlink()
    (partition.parent / ".kafka_cleanshutdown").unlink(missing_ok=True)
    return offset
