"""Extracts the lines of text from a PDF or a DOCX. Runs as a separate process.

The file comes through stdin, and JSON goes to stdout: `{"lines": [...]}` or `{"problem": code}`.
The process imports nothing of Hirewire and has no environment. It limits itself before it reads:
its processor time, memory and open files. It may open no socket, start no program and write no
file.
"""

import io
import json
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from itertools import islice
from typing import Any, TypedDict
from xml.etree.ElementTree import Element

# Libraries are imported where they are used, since the service imports this module for its types.

SECONDS, MEMORY, FILES = 10, 176 * 1024 * 1024, 32
"""Seconds of processor time, bytes of memory, open files.

Two such processes and the service (146 MiB) fit into the 512 MiB that compose.yaml gives them.
"""
MOST_PAGES, MOST_LINES, LONGEST_LINE = 30, 2000, 1000
LARGEST_XML, MOST_PARTS = 10 * 1024 * 1024, 2000
LARGE_CELL = 8
"""A cell with at least this many paragraphs is a column of the page."""
FORBIDDEN = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system")
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
OF_WORD, OF_STRICT = WORD[1:-1].encode(), b"http://purl.oclc.org/ooxml/wordprocessingml/main"
"""The names of elements in a DOCX, and in one that was saved as "Strict Open XML"."""
BULLET = "• "
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Line(TypedDict):
    """A line of text and its position; lengths are in points."""

    text: str
    page: int
    x: float
    right: float
    y: float
    """The distance from the top of the page.

    In a DOCX `x` is the number of the column, `y` that of the line, and `right` is 0.
    """
    size: float
    bold: bool


class Unreadable(Exception):
    """The file cannot be read; the message is a code."""


def extract(file: bytes) -> list[Line]:
    """The lines with text of a file; its first bytes say which kind it is. Raises `Unreadable`."""
    if b"%PDF-" in file[:1024]:
        lines = pdf_lines(file)
    elif file[:4] == b"PK\x03\x04":
        lines = docx_lines(file)
    else:
        raise Unreadable("not_pdf_or_docx")
    found = list(islice((line for line in lines if line["text"]), MOST_LINES))
    if sum(character.isalpha() for line in found for character in line["text"]) < 20:
        raise Unreadable("file_without_text")
    return found


def pdf_lines(file: bytes) -> Iterator[Line]:
    """The lines of a PDF. Raises `Unreadable`."""
    from pdfminer.high_level import extract_pages
    from pdfminer.layout import LAParams
    from pdfminer.pdfdocument import PDFDocument, PDFPasswordIncorrect
    from pdfminer.pdfpage import PDFPage
    from pdfminer.pdfparser import PDFParser

    try:
        document = PDFDocument(PDFParser(io.BytesIO(file)))
        pages = sum(1 for _ in islice(PDFPage.create_pages(document), MOST_PAGES + 1))
    except PDFPasswordIncorrect:
        raise Unreadable("file_encrypted") from None
    if pages > MOST_PAGES:
        raise Unreadable("too_many_pages")
    if not pages:
        raise Unreadable("file_damaged")
    layout = LAParams(char_margin=1.5, line_margin=0.3, boxes_flow=None)
    for number, page in enumerate(extract_pages(io.BytesIO(file), laparams=layout), 1):
        yield from _lines_in(page, number, page.height)


def _lines_in(container: Any, page: int, height: float) -> Iterator[Line]:
    from pdfminer.layout import LTChar, LTFigure, LTTextContainer, LTTextLine

    for part in container:
        if isinstance(part, LTTextLine):
            letters = [one for one in part if isinstance(one, LTChar)]
            if letters:
                names = [one.fontname.lower() for one in letters]
                bold = sum("bold" in one or "semib" in one or "black" in one for one in names)
                yield {
                    "text": _clean(part.get_text()),
                    "page": page,
                    "x": round(part.x0, 1),
                    "right": round(part.x1, 1),
                    "y": round(height - part.y1, 1),
                    "size": round(max(one.size for one in letters), 1),
                    "bold": 2 * bold > len(names),
                }
        elif isinstance(part, LTTextContainer | LTFigure):
            yield from _lines_in(part, page, height)


def docx_lines(file: bytes) -> Iterator[Line]:
    """The lines of a DOCX: headers, then the body with its tables, cell by cell.

    Raises `Unreadable`.
    """
    from defusedxml.ElementTree import fromstring

    try:
        with zipfile.ZipFile(io.BytesIO(file)) as archive:
            names = archive.namelist()
            if len(names) > MOST_PARTS:
                raise Unreadable("file_unpacks_too_large")
            if "word/document.xml" not in names:
                raise Unreadable("not_pdf_or_docx")
            heads = sorted(n for n in names if re.fullmatch(r"word/header[0-9]{0,2}\.xml", n))
            parts, size = [], 0
            for name in (*heads[:3], "word/document.xml"):
                with archive.open(name) as member:
                    parts.append(member.read(LARGEST_XML - size + 1))
                size += len(parts[-1])
                if size > LARGEST_XML:
                    raise Unreadable("file_unpacks_too_large")
    except RuntimeError:  # from zipfile: a password is needed
        raise Unreadable("file_encrypted") from None
    number = 0
    for part in parts:
        root = fromstring(part.replace(OF_STRICT, OF_WORD), forbid_dtd=True)
        for text, size_of, bold, cell in _paragraphs(root):
            for one in text.split("\n"):
                number += 1
                yield {
                    "text": _clean(one),
                    "page": 1,
                    "x": float(cell),
                    "right": 0.0,
                    "y": float(number),
                    "size": size_of,
                    "bold": bold,
                }


def _paragraphs(root: Element) -> Iterator[tuple[str, float, bool, int]]:
    """Text, size in points, whether it is bold, and the number of its large cell, or 0."""
    cells: dict[Element, int] = {}
    for number, cell in enumerate(root.iter(f"{WORD}tc"), 1):
        inside = list(cell.iter(f"{WORD}p"))
        if len(inside) >= LARGE_CELL:
            cells |= dict.fromkeys(inside, number)
    for paragraph in root.iter(f"{WORD}p"):
        texts: list[str] = []
        sizes, bolds, letters = [0.0], 0, 0
        for run in _runs(paragraph):
            said = "".join(_signs(run))
            texts.append(said)
            look = run.find(f"{WORD}rPr")
            letters += len(said)
            if look is not None:
                if (size := look.find(f"{WORD}sz")) is not None:
                    value = size.get(f"{WORD}val", "")
                    sizes.append(float(value) / 2 if value.isdecimal() else 0.0)
                mark = look.find(f"{WORD}b")
                if mark is not None and mark.get(f"{WORD}val") not in ("0", "false"):
                    bolds += len(said)
        text, look = "".join(texts), paragraph.find(f"{WORD}pPr")
        style = look.find(f"{WORD}pStyle") if look is not None else None
        name = style.get(f"{WORD}val", "").lower() if style is not None else ""
        is_heading = name.startswith(("heading", "title", "заголовок"))
        if look is not None and (look.find(f"{WORD}numPr") is not None or "list" in name):
            text = BULLET + text
        yield text, max(sizes), is_heading or 2 * bolds > letters, cells.get(paragraph, 0)


def _runs(paragraph: Element) -> Iterator[Element]:
    """The runs of a paragraph, without those of a text box in it."""
    for child in paragraph:
        if child.tag == f"{WORD}r":
            yield child
        elif child.tag != f"{WORD}pPr":
            yield from _runs(child)


def _signs(run: Element) -> Iterator[str]:
    for child in run:
        if child.tag == f"{WORD}t":
            yield child.text or ""
        elif child.tag == f"{WORD}tab":
            yield "\t"
        elif child.tag in (f"{WORD}br", f"{WORD}cr"):
            yield "\n"


def _clean(text: str) -> str:
    parts = (" ".join(part.split()) for part in CONTROLS.sub(" ", text).split("\t"))
    return "\t".join(part for part in parts if part)[:LONGEST_LINE].strip()


def limit() -> None:
    """Limit this process permanently."""
    if sys.platform != "win32":
        import resource

        for what, most in (
            (resource.RLIMIT_CPU, SECONDS),
            (resource.RLIMIT_AS, MEMORY),
            (resource.RLIMIT_NOFILE, FILES),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(what, (most, most))

    def refuse(event: str, args: tuple[Any, ...]) -> None:
        writes = event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR)
        if writes or event.startswith(FORBIDDEN):
            raise PermissionError(event)

    sys.addaudithook(refuse)


def main() -> None:
    """Read stdin, write the answer."""
    limit()
    try:
        answer: object = {"lines": extract(sys.stdin.buffer.read())}
    except Unreadable as error:
        answer = {"problem": str(error)}
    except (MemoryError, RecursionError):
        answer = {"problem": "file_too_complex"}
    except Exception:  # any error of the libraries for a damaged file; its text is not shown
        answer = {"problem": "file_damaged"}
    sys.stdout.buffer.write(json.dumps(answer).encode())


if __name__ == "__main__":
    main()
