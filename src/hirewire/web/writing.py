"""Descriptions as people write them: CommonMark in the form, HTML at the service."""

from typing import Any

from markdown_it import MarkdownIt
from markdownify import ATX, MarkdownConverter

_READER = MarkdownIt("commonmark", {"breaks": True, "html": True})


class _Writer(MarkdownConverter):
    def convert_br(self, el: Any, text: str, parent_tags: set[str]) -> str:
        """A line that is broken is broken in the form as well."""
        return "\n"


_WRITER = _Writer(heading_style=ATX, bullets="-", escape_underscores=False, escape_misc=False)


def as_written(html: str) -> str:
    """HTML of a description, as it stands in a form."""
    return str(_WRITER.convert(html)).strip()


def as_html(written: str) -> str:
    """What stands in a form as HTML; tags that were typed are left to the service's sanitiser."""
    return str(_READER.render(written.replace("\r\n", "\n"))).strip()


def is_unchanged(written: str, html: str) -> bool:
    """Whether a form still says what it was made from."""
    return written.replace("\r\n", "\n").strip() == as_written(html)
