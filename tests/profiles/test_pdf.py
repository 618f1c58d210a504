"""Resumes as PDF: text stays text, whatever was typed."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from hirewire.messaging.testing import consume
from hirewire.profiles import pdf
from tests.profiles.conftest import Person
from tests.profiles.readers.test_readers import applied, candidate, hires

HOSTILE = '#panic("x") *b* _i_ $x^2$ @a <b> \\u{41} [c] {d} = e /f `g` ~ -- // /* " \' ёЁ'


CHANGED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def text_of(document: bytes) -> str:
    assert document.startswith(b"%PDF-")
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(document)).pages)


async def printed(person: Person, path: str) -> str:
    answer = await person.service.client.get(
        f"/api/profiles{path}", headers=person.service.as_user(person.id)
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    return text_of(answer.content)


async def test_owner_and_reader_can_print_a_resume(anna: Person, boris: Person) -> None:
    resume = await candidate(anna, area="Омск", workFormats=["remote"])
    await anna.call("PATCH", "/me", {"locale": "ru"})
    text = await printed(anna, f"/resumes/{resume}/export?format=pdf")
    for part in ("Анна Ли", "Аналитик", "@anna", "Омск", "Удалённо", "Навыки", "SQL"):
        assert part in text
    await hires(boris)
    await consume(anna.service.messaging.consumer, applied(anna, resume))
    assert await printed(boris, f"/candidates/{resume}/pdf") == text
    await anna.call("PATCH", "/me", {"locale": "en"})
    assert "Skills" in await printed(boris, f"/candidates/{resume}/pdf")
    await boris.call("GET", f"/resumes/{resume}/export?format=pdf", expect=404)
    await anna.call("GET", f"/resumes/{resume}/export?format=doc", expect=422)


def content(**fields: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        name: [] for name in ("contacts", "employment_types", "work_formats", "skills", "languages")
    }
    empty |= {name: [] for name in ("certificates", "links", "experience", "education", "projects")}
    empty["more"] = {}
    empty |= dict.fromkeys(("full_name", "headline", "summary", "area", "salary"))
    return empty | {"title": "Title", "relocation": False} | fields


def test_user_input_is_never_markup() -> None:
    job: dict[str, Any] = {
        "company": HOSTILE,
        "position": HOSTILE,
        "start": HOSTILE,
        "end": HOSTILE,
    }
    job |= {"description": HOSTILE, "skills": [HOSTILE], "highlights": [HOSTILE]}
    shown: dict[str, Any] = dict.fromkeys(("title", "by", "text", "start", "url"), HOSTILE)
    shown |= {"end": None, "lines": [HOSTILE]}
    project: dict[str, Any] = dict.fromkeys(("name", "description", "start", "end", "url"), HOSTILE)
    whole = content(
        full_name=HOSTILE,
        title=HOSTILE,
        summary=HOSTILE,
        area=HOSTILE,
        contacts=[{"value": HOSTILE}],
        links=[{"url": HOSTILE}],
        skills=[{"name": HOSTILE, "level": None}],
        languages=[{"language": HOSTILE, "level": HOSTILE}],
        experience=[job],
        projects=[project | {"highlights": [HOSTILE]}],
        more={"volunteer": [shown], "awards": [shown]},
    )
    text = text_of(pdf.made(whole, "en", CHANGED))
    assert "".join(text.split()).count("".join(['#panic("x")*b*_i_$x^2$@a<b>'])) >= 28


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", ["Expert", "SQL, Go", "Basic", "Excel", "Other", "Chess", "C1)", "Proud"]),
        ("ru", ["Эксперт", "SQL, Go", "Базовый", "Excel", "Другие", "Продвинутый (C1)"]),
    ],
)
def test_skills_are_grouped_by_level_and_languages_have_words(locale: str, said: list[str]) -> None:
    levels = {"SQL": 5, "Chess": None, "Excel": 2, "Go": 5}
    job: dict[str, Any] = {"company": "Acme", "position": "Dev", "description": None, "skills": []}
    job |= {"start": "2020-03", "end": None, "highlights": ["Proud of it", "Faster"]}
    whole = content(
        full_name="Anna Lee",
        contacts=[{"value": "anna@example.org"}],
        links=[{"url": "https://example.org/anna"}],
        skills=[{"name": name, "level": level} for name, level in levels.items()],
        languages=[{"language": "Deutsch", "level": "C1"}],
        experience=[job],
    )
    document = pdf.made(whole, locale, CHANGED)
    text = text_of(document)
    for part in said:
        assert part in text
    assert "• Proud of it" in text
    lines = text.replace("\u00a0", " ").splitlines()
    assert lines.index("Anna Lee") + 2 == lines.index("anna@example.org · https://example.org/anna")
    when = "Mar 2020 – present" if locale == "en" else "март 2020 – по настоящее время"
    assert lines.index(f"Dev {when}") + 1 == lines.index("Acme")
    about = PdfReader(BytesIO(document)).metadata
    assert about is not None
    assert about.creation_date == CHANGED, "not when it was made"
    assert pdf.made(whole, locale, CHANGED) == document, "the same each time"


@pytest.mark.parametrize("locale", [None, "ru", "ru-RU", "en", "de"])
def test_an_empty_resume_can_be_printed(locale: str | None) -> None:
    assert "Title" in text_of(pdf.made(content(), locale, CHANGED))


def test_a_long_resume_has_several_pages() -> None:
    document = pdf.made(content(summary="слово " * 8000), "ru", CHANGED)
    assert len(PdfReader(BytesIO(document)).pages) > 3


@pytest.mark.parametrize(
    ("text", "font"),
    [
        *(("软件工程师", "CJK"), ("ソフトウェア", "CJK"), ("소프트웨어", "CJK"), ("臺灣", "CJK")),
        *(
            ("พนกงาน", "Thai"),
            ("Բարեւ", "Armenian"),
            ("नमन", "Devanagari"),
            ("😀🚀🎓💼📧", "Emoji"),
        ),
        *(("₸₴₽", "NotoSans"), ("Қазақ Việt", "Libertinus")),
    ],
)
def test_scripts_and_emoji_have_glyphs(text: str, font: str) -> None:
    document = pdf.made(content(title="T", summary=text), "en", CHANGED)
    page: Any = PdfReader(BytesIO(document)).pages[0]
    names = [one["/BaseFont"] for one in page["/Resources"]["/Font"].values()]
    assert any(font in name for name in names), names
    assert text in text_of(document)


@pytest.mark.parametrize("locale", ["en", "ru"])
def test_long_text_without_spaces_stays_on_the_page(locale: str) -> None:
    long = "W" * 300 + "https://example.org/" + "a/b?c=" * 100
    job = dict.fromkeys(("company", "position", "description"), long)
    whole = content(
        full_name="Ы" * 200,
        title=long,
        summary="щ" * 9000,
        experience=[job | {"start": "2020", "end": None, "skills": [long], "highlights": [long]}],
        contacts=[{"value": long}],
        links=[{"url": long}],
        skills=[{"name": long, "level": None}],
    )
    document = pdf.made(whole, locale, CHANGED)
    text = text_of(document)
    assert max(map(len, text.splitlines())) < 150
    assert "".join(text.split()).count(long) == 9
    assert "\u200b" not in text, "what is copied out of it is what was typed"
