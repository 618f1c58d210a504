"""Files that cannot or must not be read: each is refused quickly, with its own reason."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from pypdf import PdfReader, PdfWriter

from hirewire.profiles.cv import extract, process
from tests.profiles.cv.layouts import docx, line, one_column, tabs
from tests.profiles.cv.people import ANNA

WORDS = line("Anna Whitfield has written more than twenty letters here")


def blank(pages: int = 1) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(595, 842)
    return saved(writer)


def locked() -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(one_column(ANNA, "name"))))
    writer.encrypt("secret", algorithm="AES-256")
    return saved(writer)


def saved(writer: PdfWriter) -> bytes:
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def laughs() -> bytes:
    doctype = "<!DOCTYPE d [<!ENTITY a 'ha'>" + "".join(
        f"<!ENTITY {one} '{10 * f'&{before};'}'>"
        for before, one in zip("abcdefg", "bcdefgh", strict=True)
    )
    return with_part(f"{doctype}]><d>&h;</d>".encode())


def reads_a_file() -> bytes:
    return with_part(b"<!DOCTYPE d [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><d>&a;</d>")


def with_part(document: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", document)
    return made.getvalue()


Cases = dict[str, tuple[Callable[[], bytes], str]]
CASES: Cases = {
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(500), "not_pdf_or_docx"),
    "nothing": (lambda: b"", "not_pdf_or_docx"),
    "another archive": (lambda: b"PK\x03\x04" + bytes(90), "file_damaged"),
    "a spreadsheet": (
        lambda: with_part(b"").replace(b"word/document.xml", b"xl/worksheets.xml"),
        "not_pdf_or_docx",
    ),
    "a scan": (blank, "file_without_text"),
    "31 pages": (lambda: blank(31), "too_many_pages"),
    "a password": (locked, "file_encrypted"),
    "half a PDF": (lambda: one_column(ANNA, "name")[:900], "file_damaged"),
    "half a DOCX": (lambda: tabs(ANNA, "name")[:400], "file_damaged"),
    "broken XML": (lambda: with_part(b"<w:document"), "file_damaged"),
    "entities": (laughs, "file_damaged"),
    "an entity of a file": (reads_a_file, "file_damaged"),
    "a bomb": (lambda: with_part(bytes(300_000_000)), "file_unpacks_too_large"),
    "many parts": (
        lambda: docx(WORDS, more={f"x/{n}": "" for n in range(2001)}),
        "file_unpacks_too_large",
    ),
    "deep": (lambda: with_part(b"<d>" * 200_000 + b"</d>" * 200_000), "file_without_text"),
    "5 MiB and a byte": (lambda: b"%PDF-" + bytes(5 * 1024 * 1024), "file_too_large"),
}


@pytest.mark.parametrize(("make", "code"), CASES.values(), ids=CASES)
async def test_a_file_that_cannot_be_read_says_why(make: Callable[[], bytes], code: str) -> None:
    with pytest.raises(process.BadFile) as refused:
        await process.lines_of(uuid4(), make())
    [error] = refused.value.errors
    assert (error.pointer, error.code) == ("#/file", code)


async def test_reading_that_takes_too_long_is_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    endless = tmp_path / "endless.py"
    endless.write_text("import os, sys, time; sys.stdin.read(); time.sleep(600)")
    monkeypatch.setattr(process, "SCRIPT", endless)
    monkeypatch.setattr(process, "SECONDS", 1)
    with pytest.raises(process.BadFile) as refused:
        await process.lines_of(uuid4(), docx(WORDS))
    assert refused.value.errors[0].code == "file_too_complex"


def test_a_strict_open_xml_file_has_the_same_lines() -> None:
    document = zipfile.ZipFile(io.BytesIO(docx(WORDS))).read("word/document.xml")
    ours = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    strict = document.replace(ours, b"http://purl.oclc.org/ooxml/wordprocessingml/main")
    assert strict != document
    assert extract.extract(with_part(strict)) == extract.extract(docx(WORDS))


async def test_a_person_reads_one_file_at_a_time_and_all_people_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    me, other, third = uuid4(), uuid4(), uuid4()
    monkeypatch.setattr(process, "_reading", {me})
    with pytest.raises(process.BusyReading):
        await process.lines_of(me, docx(WORDS))
    assert await process.lines_of(other, docx(WORDS))
    monkeypatch.setattr(process, "_reading", {me, other})
    with pytest.raises(process.BusyReading):
        await process.lines_of(third, docx(WORDS))
    monkeypatch.setattr(process, "_reading", set())
    assert await process.lines_of(me, docx(WORDS))
    assert await process.lines_of(me, docx(WORDS))


LIMITED = {
    "a socket": "import socket; socket.socket()",
    "a program": "import subprocess; subprocess.run(['true'])",
    "memory": "bytearray(2 * extract.MEMORY)",
    "many files": "x = [open('/dev/null') for _ in range(2 * extract.FILES)]",
    "writing": "open('/tmp/cv-of-a-test', 'w')",
}


@pytest.mark.parametrize("code", LIMITED.values(), ids=LIMITED)
def test_the_reading_process_is_sandboxed(code: str) -> None:
    script = Path(extract.__file__)
    begin = f"import sys; sys.path.insert(0, {str(script.parent)!r}); import extract"
    program = f"{begin}; extract.limit(); {code}"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True)  # noqa: PLW1510
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(("PermissionError", "MemoryError", "OSError"))


def test_the_service_does_not_load_the_file_readers() -> None:
    """It would start more slowly, and a crash of a library would end its process."""
    code = "import sys, hirewire.profiles.app; print({'pdfminer', 'defusedxml'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout == "set()\n"
