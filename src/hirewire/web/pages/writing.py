"""Converts descriptions between CommonMark in forms and HTML in the services."""

import re
from typing import Any

from markdown_it import MarkdownIt
from markdownify import ATX, MarkdownConverter

_READER = MarkdownIt("commonmark", {"breaks": True, "html": True})


# CommonMark syntax at the beginning of a line, then anywhere in it.
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
        """Escape text that looks like markup."""
        text = _ANYWHERE.sub(r"\\\g<0>", text)
        return _AT_LINE_START.sub(lambda found: f"{found[1]}{found[2] or ''}\\", text)

    def convert_br(self, el: Any, text: str, parent_tags: set[str]) -> str:
        """A line break in HTML becomes a line break in the form."""
        return "\n"


_WRITER = _Writer(heading_style=ATX, bullets="-", wrap=True, wrap_width=None)


def as_written(html: str) -> str:
    """The HTML of a description as CommonMark for the form."""
    return str(_WRITER.convert(html)).strip()


def as_html(written: str) -> str:
    """The CommonMark of a form as HTML. The service sanitises any HTML that was typed."""
    return str(_READER.render(written.replace("\r\n", "\n"))).strip()


def is_unchanged(written: str, html: str) -> bool:
    """Whether the text of a form still matches the HTML that it was made from."""
    return written.replace("\r\n", "\n").strip() == as_written(html)
