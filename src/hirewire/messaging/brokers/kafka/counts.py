"""How often messages were delivered without an ack, kept beside the group's offsets.

Kafka counts no deliveries. The metadata of a committed offset say it: up to which offset messages
were handed out, and how often.
"""

from dataclasses import dataclass, field

MOST = 20
"""Runs that are kept; the oldest ones are joined."""


@dataclass(slots=True)
class Counts:
    """Deliveries of the messages of one partition, from the committed offset on."""

    runs: list[tuple[int, int]] = field(default_factory=list)
    """Ends of runs of messages, and how often those of each were delivered."""
    _handed: int = 0
    """The end of what was handed out by this process."""

    @classmethod
    def read(cls, metadata: str | None, start: int) -> "Counts":
        """From the metadata of a committed offset; anything else counts as none."""
        runs = []
        for part in (metadata or "").split(","):
            end, _, count = part.partition(":")
            if end.isascii() and end.isdigit() and count.isascii() and count.isdigit():
                runs.append((int(end), int(count)))
        return cls(sorted(one for one in runs if one[0] > start), start)

    def of(self, offset: int) -> int:
        """How often the message at an offset was delivered before."""
        for end, count in self.runs:
            if offset < end:
                return count
        return 0

    def hand_out(self, end: int) -> None:
        """Note that all messages before this offset have been handed out now."""
        start, found, begin = self._handed, list[tuple[int, int]](), 0
        for stop, count in self.runs:
            if begin < start:
                found.append((min(stop, start), count))
            if max(begin, start) < min(stop, end):
                found.append((min(stop, end), count + 1))
            if stop > max(start, end):
                found.append((stop, count))
            begin = stop
        if begin < end:
            found.append((end, 1))
        following = [count for _, count in found[1:]] + [-1]
        joined = [one for one, next in zip(found, following, strict=True) if one[1] != next]
        self.runs = joined[-MOST:]
        self._handed = max(self._handed, end)

    def metadata(self, offset: int) -> str:
        """The metadata beside a committed offset."""
        self.runs = [one for one in self.runs if one[0] > offset]
        return ",".join(f"{end}:{count}" for end, count in self.runs)
