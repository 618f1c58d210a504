"""The text of an advert as HTML."""

from collections.abc import Iterable, Iterator
from html import escape

from hirewire.vacancies.adverts.lines import Line


def html_of(lines: Iterable[Line]) -> Iterator[str]:
    """Paragraphs, headings in bold, and lists."""
    is_list = False
    paragraph: list[str] = []

    def flushed() -> Iterator[str]:
        if paragraph:
            yield f"<p>{'<br>'.join(paragraph)}</p>"
            paragraph.clear()

    for line in lines:
        is_item = line.is_item and not line.is_heading
        if not is_item and is_list:
            yield "</ul>"
            is_list = False
        if is_item:
            yield from flushed()
            if not is_list:
                yield "<ul>"
                is_list = True
            yield f"<li>{escape(line.text, quote=False)}</li>"
            continue
        if line.is_heading or line.is_after_space:
            yield from flushed()
        said = escape(line.text, quote=False)
        if line.is_heading:
            yield f"<p><strong>{said}</strong></p>"
        else:
            paragraph.append(said)
    yield from flushed()
    if is_list:
        yield "</ul>"
