"""Descriptions as people write them: CommonMark in the form, HTML at the service."""

import re
from typing import Any

from markdown_it import MarkdownIt
from markdownify import ATX, MarkdownConverter

_READER = MarkdownIt("commonmark", {"breaks": True, "html": True})


# What CommonMark would read as markup: at the beginning of a line, then anywhere in it.
# https://spec.commonmark.org/0.31.2/ sections 4, 5 and 6
_AT_LINE_START = re.compile(
    r"^(\s*)(?:(\d{1,9})(?=[.)](?:\s|$))|(?=>|\#{1,6}(?:\s|$)|[-+*](?:[\s*-]|$)|_\s|=+\s*$|~~~))",
    re.M,
)
_ANYWHERE = re.compile(
    r"\\|`"
    r"|(?<!\s)\*|\*(?!\s)"
    r"|(?<![^\W_])_|_(?![^\W_])"
    r"|\](?=[(\[:])|!(?=\[|$)|<(?=[A-Za-z/!?])|&(?=\#|\w+;)"
)


class _Writer(MarkdownConverter):
    def escape(self, text: str, parent_tags: set[str]) -> str:
        """Text that looks like markup stays text."""
        text = _ANYWHERE.sub(r"\\\g<0>", text)
        return _AT_LINE_START.sub(lambda found: f"{found[1]}{found[2] or ''}\\", text)

    def convert_br(self, el: Any, text: str, parent_tags: set[str]) -> str:
        """A line that is broken is broken in the form as well."""
        return "\n"


_WRITER = _Writer(heading_style=ATX, bullets="-", wrap=True, wrap_width=None)


def as_written(html: str) -> str:
    """HTML of a description, as it stands in a form."""
    return str(_WRITER.convert(html)).strip()


def as_html(written: str) -> str:
    """What stands in a form as HTML; tags that were typed are left to the service's sanitiser."""
    return str(_READER.render(written.replace("\r\n", "\n"))).strip()


def is_unchanged(written: str, html: str) -> bool:
    """Whether a form still says what it was made from."""
    return written.replace("\r\n", "\n").strip() == as_written(html)
