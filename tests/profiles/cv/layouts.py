"""Twenty CVs that we made: ten layouts, each in English and in Russian.

People and companies are invented. Half of the files, `HELD`, were never looked at while the reader
was developed; they have the other language, other people and another date format.
"""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

import typst

from tests.profiles.cv.people import (
    ALINA,
    ANNA,
    DENIS,
    GRACE,
    IRINA,
    MARTA,
    OLGA,
    OMAR,
    PAVEL,
    TOM,
    Job,
    Person,
)

MONTHS = {
    "en": "January February March April May June July August September October November December",
    "ru": "Январь Февраль Март Апрель Май Июнь Июль Август Сентябрь Октябрь Ноябрь Декабрь",
}


HEADS = {
    "en": ("Experience", "Education", "Skills", "Languages", "Summary", "Contact"),
    "ru": ("Опыт работы", "Образование", "Навыки", "Языки", "О себе", "Контакты"),
}


def month(lang: str, date: str, style: str) -> str:
    year, _, number = date.partition("-")
    name = MONTHS[lang].split()[int(number) - 1]
    return {
        "number": f"{number}/{year}",
        "point": f"{number}.{year}",
        "name": f"{name} {year}",
        "lower": f"{name.lower()} {year}",
        "short": f"{name[:3]} {year}",
    }[style]


def period(person: Person, job: Job, style: str, dash: str = " – ") -> str:
    now = {"en": "present", "ru": "настоящее время"}[person.lang]
    end = month(person.lang, job.end, style) if job.end else now
    return f"{month(person.lang, job.start, style)}{dash}{end}"


def text(value: str) -> str:
    """The text as typst markup, with special characters escaped."""
    return "".join(f"\\{sign}" if sign in "\\#$*_@<>[]`~=-/+'\"." else sign for sign in value)


def pdf(*parts: str, columns: tuple[str, str] = ("", "")) -> bytes:
    font = '#set text(font: "Libertinus Serif", size: 10pt)\n#set page(margin: 1.6cm)\n'
    source = font + "\n\n".join(parts)
    if columns[0]:
        left, right = columns
        source += f"\n#grid(columns: (5.2cm, 1fr), gutter: 0.8cm, [{left}], [{right}])"
    made = typst.compile(source.encode(), format="pdf")
    assert isinstance(made, bytes)
    return made


def big(value: str) -> str:
    return f"#text(size: 20pt, weight: 700)[{text(value)}]"


def head(value: str) -> str:
    return f"#text(size: 13pt, weight: 700)[{text(value)}]"


def bold(value: str) -> str:
    return f"#text(weight: 700)[{text(value)}]"


def across(left: str, right: str) -> str:
    return f"{left} #h(1fr) {text(right)}"


def para(*lines: str) -> str:
    return "\n\n".join(lines)


def one_column(p: Person, style: str) -> bytes:
    """Headings in capitals, dates on the right."""
    work, study, skills, spoken, about, _ = (one.upper() for one in HEADS[p.lang])
    jobs = [
        para(across(bold(j.title), period(p, j, style)), text(f"{j.company}, {j.place}"),
             *(f"- {text(one)}" for one in j.did))
        for j in p.jobs
    ]  # fmt: skip
    return pdf(
        f"#align(center)[{big(p.name)}]", f"#align(center)[{text(p.title)}]",
        f"#align(center)[{text(' | '.join((p.city, p.phone, p.email, p.link)))}]",
        head(about), text(p.about), head(work), *jobs,
        head(study), across(bold(p.school), "–".join(p.years)), text(p.degree),
        head(skills), text(", ".join(p.skills)),
        head(spoken), text(", ".join(f"{name} ({level})" for name, level in p.languages)),
    )  # fmt: skip


def sidebar(p: Person, style: str) -> bytes:
    """Two columns: contacts, skills and languages on the left."""
    work, study, skills, spoken, about, contact = HEADS[p.lang]
    left = para(
        head(contact), *map(text, (p.phone, p.email, p.city, p.link)),
        head(skills), *map(text, p.skills),
        head(spoken), *(text(f"{name} – {level}") for name, level in p.languages),
    )  # fmt: skip
    jobs = (
        para(bold(j.title), text(j.company), text(period(p, j, style)), *map(text, j.did))
        for j in p.jobs
    )
    right = para(
        big(p.name), text(p.title), head(about), text(p.about), head(work), *jobs,
        head(study), bold(p.school), text(p.degree), text(" – ".join(p.years)),
    )  # fmt: skip
    return pdf(columns=(left, right))


def linkedin(p: Person, style: str) -> bytes:
    """As LinkedIn exports a profile."""
    en = p.lang == "en"
    left = para(
        head("Contact" if en else "Контакты"),
        *map(text, (p.phone, p.email, f"www.{p.link}")),
        head("Top Skills" if en else "Основные навыки"), *map(text, p.skills),
        head("Languages"), *(text(f"{name} ({level})") for name, level in p.languages),
    )  # fmt: skip
    jobs = (
        para(bold(j.company), text(j.title), text(f"{period(p, j, style, ' - ')} (3 years)"),
             text(j.place), *map(text, j.did))
        for j in p.jobs
    )  # fmt: skip
    right = para(
        big(p.name), text(p.title), text(p.city),
        head("Summary" if en else "Общие сведения"), text(p.about),
        head("Experience" if en else "Опыт работы"), *jobs,
        head("Education" if en else "Образование"), bold(p.school),
        text(f"{p.degree} · ({p.years[0]} - {p.years[1]})"),
    )  # fmt: skip
    return pdf(columns=(left, right))


def hh(p: Person, style: str) -> bytes:
    """As hh.ru exports a resume."""
    en = p.lang == "en"
    rows = "".join(
        f"[{text(period(p, j, style, ' — '))}\n\n{text('3 years' if en else '3 года')}],"
        f"[{para(bold(j.company), text(j.place), bold(j.title), *map(text, j.did))}],"
        for j in p.jobs
    )
    table = "#grid(columns: (3.6cm, 1fr), gutter: 0.5cm, {})"
    return pdf(
        big(p.name), text("Female, 34 years" if en else "Женщина, 34 года, родилась 1 мая 1990"),
        text(p.phone), text(p.email), text(f"{'Reside in' if en else 'Проживает'}: {p.city}"),
        head("Desired position and salary" if en else "Желаемая должность и зарплата"),
        bold(p.title),
        text("Employment: full time" if en else "Занятость: полная занятость"),
        head("Work experience — 5 years 3 months" if en else "Опыт работы — 5 лет 3 месяца"),
        table.format(rows),
        head(HEADS[p.lang][1]),
        table.format(f"[{p.years[1]}],[{bold(p.school)}\n\n{text(p.degree)}]"),
        head("Key skills" if en else "Ключевые навыки"),
        across(text("Languages" if en else "Знание языков"), "") + " ".join(
            text(f"{name} — {level}") for name, level in p.languages),
        across(text("Skills" if en else "Навыки"), "") + " #h(8mm) ".join(map(text, p.skills)),
        head("About me" if en else "Обо мне"), text(p.about),
        text("Resume updated 3 May 2024" if en else "Резюме обновлено 3 мая 2024 в 10:15"),
    )  # fmt: skip


def dates_left(p: Person, style: str) -> bytes:
    """A table with dates on the left; contacts without a heading."""
    work, study, skills, spoken, about, _ = HEADS[p.lang]
    rows = "".join(
        f"[{text(period(p, j, style))}],"
        f"[{para(bold(f'{j.title}, {j.company}'), *map(text, j.did))}],"
        for j in p.jobs
    )
    table = "#grid(columns: (4.6cm, 1fr), row-gutter: 0.5cm, {})"
    return pdf(
        big(p.name), text(p.title), text(p.city), text(p.phone), text(p.email), text(p.link),
        head(work), table.format(rows),
        head(study),
        table.format(f"[{text('–'.join(p.years))}],[{para(bold(p.school), text(p.degree))}]"),
        head(skills), text(" • ".join(p.skills)),
        head(spoken), *(text(f"{name}: {level}") for name, level in p.languages),
        head(about), text(p.about),
    )  # fmt: skip


def run(value: str, size: int = 0, *, is_bold: bool = False) -> str:
    look = ("<w:b/>" if is_bold else "") + (f'<w:sz w:val="{2 * size}"/>' if size else "")
    parts = [f'<w:t xml:space="preserve">{escape(one)}</w:t>' for one in value.split("\t")]
    return f"<w:r><w:rPr>{look}</w:rPr>{'<w:tab/>'.join(parts)}</w:r>"


def line(value: str, style: str = "", size: int = 0, *, is_bold: bool = False) -> str:
    look = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{look}{run(value, size, is_bold=is_bold)}</w:p>"


def item(value: str) -> str:
    return f'<w:p><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>{run(value)}</w:p>'


def rows_of(*rows: tuple[str, ...]) -> str:
    made = ("".join(f"<w:tc>{cell}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in made)}</w:tbl>"


def docx(*parts: str, more: Mapping[str, str] | None = None) -> bytes:
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = f"<w:document {space}><w:body>{''.join(parts)}</w:body></w:document>"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"word/document.xml": body, **(more or {})}.items():
            archive.writestr(name, content)
    return made.getvalue()


def with_styles(p: Person, style: str) -> bytes:
    """Headings by style; title and company in one line, dates in the next."""
    work, study, skills, spoken, about, contact = HEADS[p.lang]
    return docx(
        line(p.name, "Title"), line(p.title),
        line(contact, "Heading1"), line(f"{p.phone}, {p.email}"), line(p.city), line(p.link),
        line(work, "Heading1"),
        *(line(f"{j.title} — {j.company}", is_bold=True) + line(period(p, j, style, " — "))
          + "".join(map(item, j.did)) for j in p.jobs),
        line(study, "Heading1"), line(f"{p.school}, {p.degree}, {p.years[0]}–{p.years[1]}"),
        line(skills, "Heading1"), *map(item, p.skills),
        line(spoken, "Heading1"), *(item(f"{name} — {level}") for name, level in p.languages),
        line(about, "Heading1"), line(p.about),
    )  # fmt: skip


def table_sidebar(p: Person, style: str) -> bytes:
    """One table of two cells."""
    work, study, skills, spoken, about, contact = HEADS[p.lang]
    left = "".join((
        line(contact, is_bold=True), *map(line, (p.email, p.phone, p.city, p.link)),
        line(skills, is_bold=True), *map(line, p.skills),
        line(spoken, is_bold=True), *(line(f"{name} {level}") for name, level in p.languages),
    ))  # fmt: skip
    right = "".join((
        line(p.name, size=22, is_bold=True), line(p.title),
        line(about, is_bold=True), line(p.about), line(work, is_bold=True),
        *(line(period(p, j, style)) + line(j.title, is_bold=True) + line(f"{j.company}, {j.place}")
          + "".join(map(item, j.did)) for j in p.jobs),
        line(study, is_bold=True), line(" – ".join(p.years)), line(p.school), line(p.degree),
    ))  # fmt: skip
    return docx(rows_of((left, right)))


def table_rows(p: Person, style: str) -> bytes:
    """A table with a row for each position, dates in its first cell."""
    work, study, skills, spoken, about, _ = HEADS[p.lang]
    return docx(
        line(p.name, size=18, is_bold=True), line(p.title, is_bold=True),
        line(f"{p.city} · {p.phone} · {p.email}"),
        line(about.upper()), line(p.about), line(work.upper()),
        rows_of(*((line(period(p, j, style)),
                   line(j.company, is_bold=True) + line(j.title) + "".join(map(line, j.did)))
                  for j in p.jobs)),
        line(study.upper()),
        rows_of((line("–".join(p.years)), line(p.school, is_bold=True) + line(p.degree))),
        line(skills.upper()), line("; ".join(p.skills)),
        line(spoken.upper()), line("; ".join(f"{name} – {level}" for name, level in p.languages)),
    )  # fmt: skip


def tabs(p: Person, style: str) -> bytes:
    """Company and dates in one line with a tab, the title below."""
    work, study, skills, spoken, _, _ = (one.upper() for one in HEADS[p.lang])
    return docx(
        line(p.name.upper(), size=20), line(f"{p.email} | {p.phone} | {p.city} | {p.link}"),
        line(p.title), line(p.about), line(work, is_bold=True),
        *(line(f"{j.company}, {j.place}\t{period(p, j, style)}", is_bold=True) + line(j.title)
          + "".join(map(item, j.did)) for j in p.jobs),
        line(study, is_bold=True), line(f"{p.school}\t{p.years[0]} – {p.years[1]}"), line(p.degree),
        line(skills, is_bold=True), line(" | ".join(p.skills)),
        line(spoken, is_bold=True), line(", ".join(f"{n} ({level})" for n, level in p.languages)),
    )  # fmt: skip


def labels(p: Person, style: str) -> bytes:
    """A label before every value."""
    work, study, skills, spoken, about, _ = HEADS[p.lang]
    en = p.lang == "en"
    name, title, city, phone, mail, company, post, when = (
        ("Name", "Desired position", "City", "Phone", "Email", "Company", "Position", "Period")
        if en
        else ("ФИО", "Желаемая должность", "Город", "Телефон", "Эл. почта", "Компания",
              "Должность", "Период")
    )  # fmt: skip
    return docx(
        line("Curriculum Vitae" if en else "РЕЗЮМЕ", size=20),
        line(f"{name}: {p.name}"), line(f"{title}: {p.title}"), line(f"{city}: {p.city}"),
        line(f"{phone}: {p.phone}"), line(f"{mail}: {p.email}"),
        line(f"{work}:", is_bold=True),
        *(line(f"{when}: {period(p, j, style)}") + line(f"{company}: {j.company}")
          + line(f"{post}: {j.title}") + "".join(map(item, j.did)) for j in p.jobs),
        line(f"{study}:", is_bold=True), line(f"{p.school}, {p.years[0]}–{p.years[1]}"),
        line(p.degree),
        line(f"{skills}: {', '.join(p.skills)}"),
        line(f"{spoken}: {', '.join(f'{n} – {level}' for n, level in p.languages)}"),
        line(f"{about}: {p.about}"),
    )  # fmt: skip


@dataclass(frozen=True)
class Layout:
    name: str
    person: Person
    style: str
    make: Callable[[Person, str], bytes]

    def file(self) -> bytes:
        return self.make(self.person, self.style)


def _layout(make: Callable[[Person, str], bytes], person: Person, style: str) -> Layout:
    return Layout(f"{make.__name__} {person.lang}", person, style, make)


SEEN = (
    _layout(one_column, ANNA, "number"), _layout(sidebar, PAVEL, "name"),
    _layout(linkedin, MARTA, "name"), _layout(hh, IRINA, "name"),
    _layout(dates_left, OMAR, "short"), _layout(with_styles, OLGA, "lower"),
    _layout(table_sidebar, GRACE, "short"), _layout(table_rows, DENIS, "point"),
    _layout(tabs, TOM, "name"), _layout(labels, ALINA, "number"),
)  # fmt: skip
HELD = (
    _layout(one_column, DENIS, "name"), _layout(sidebar, TOM, "short"),
    _layout(linkedin, ALINA, "lower"), _layout(hh, GRACE, "name"),
    _layout(dates_left, IRINA, "point"), _layout(with_styles, MARTA, "number"),
    _layout(table_sidebar, OLGA, "name"), _layout(table_rows, ANNA, "short"),
    _layout(tabs, PAVEL, "point"), _layout(labels, OMAR, "name"),
)  # fmt: skip
