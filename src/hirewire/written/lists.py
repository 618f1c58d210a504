"""Lists as people write them: with bullets, or in one line."""

import re

_BULLET = re.compile(r"^(?:[•●▪■◦‣∙·*✓➢–—-]|\uf0b7)\s+")
BETWEEN_ITEMS = re.compile(r"\s*[|·•;\t]\s*|,\s+|\s{3,}")


def without_bullet(line: str) -> str:
    """The line without the bullet that it begins with."""
    return _BULLET.sub("", line)
