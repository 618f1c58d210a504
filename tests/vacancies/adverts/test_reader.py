"""Reading an advert: what is read right, where from, and that no text takes long."""

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hirewire.vacancies.adverts.draft import Dictionaries
from hirewire.vacancies.adverts.known import DICTIONARIES
from hirewire.vacancies.adverts.pay import pay_in
from hirewire.vacancies.adverts.reader import read
from hirewire.vacancies.posting.models import LONGEST_ADVERT, NewVacancy
from hirewire.vacancies.posting.presenters import shown_draft
from tests.vacancies.adverts.advert import Advert
from tests.vacancies.adverts.held import HELD
from tests.vacancies.adverts.later_1 import LATER_1
from tests.vacancies.adverts.later_2 import LATER_2
from tests.vacancies.adverts.later_3 import LATER_3
from tests.vacancies.adverts.later_4 import LATER_4
from tests.vacancies.adverts.later_5 import LATER_5
from tests.vacancies.adverts.measuring import KINDS, measure
from tests.vacancies.adverts.seen import NURSE, SEEN

DEMANDED = dict.fromkeys(KINDS, 0.9) | {"city": 0.85, "must": 0.8, "nice": 0.7}
SETS = {
    "seen": SEEN,
    "held": HELD,
    "later 1": LATER_1,
    "later 2": LATER_2,
    "later 3": LATER_3,
    "later 4": LATER_4,
}
NOTHING = Dictionaries(lambda _: False, lambda _: False, lambda _: False)


@pytest.mark.parametrize("adverts", SETS.values(), ids=SETS)
def test_most_fields_of_each_kind_are_right(adverts: tuple[Advert, ...]) -> None:
    shares = measure(adverts)
    assert all(share >= DEMANDED[kind] for kind, share in shares.items()), shares


def test_adverts_in_prose_are_read_from_their_sentences() -> None:
    shares = measure(LATER_5)
    demanded = {"title": 0.8, "pay": 0.9, "city": 0.9, "experience": 0.85, "must": 0.7, "nice": 0.6}
    assert all(shares[kind] >= share for kind, share in demanded.items()), shares


def test_each_value_names_its_line() -> None:
    draft = read(NURSE.text, DICTIONARIES)
    assert {name: line.number for name, line in draft.lines.items()} == {
        "title": 1,
        "area": 2,
        "salary": 3,
        "employment_type": 4,
        "experience": 17,
    }
    [english] = draft.languages
    assert english.line.text == "Good English (B2 or above)"
    assert [one.line.text for one in draft.requirements if one.kind == "nice"] == NURSE.nice


@pytest.mark.parametrize(
    ("said", "pay"),
    [
        ("от 90 000 до 130 000 руб. на руки", (90_000, 130_000, "RUB", "MONTH", False)),
        ("95–110 тыс. рублей", (95_000, 110_000, "RUB", "MONTH", True)),
        ("до 180 000 ₽ до вычета налогов", (None, 180_000, "RUB", "MONTH", True)),
        ("€75k–€95k a year", (75_000, 95_000, "EUR", "YEAR", True)),
        ("£12.60 an hour", (13, None, "GBP", "HOUR", True)),
        ("2.300 € gross per month", (2_300, None, "EUR", "MONTH", True)),
        ("up to $120,000", (None, 120_000, "USD", "YEAR", True)),
        ("CHF 95'000 – 110'000", (95_000, 110_000, "CHF", "YEAR", True)),
        ("60000р в месяц", (60_000, None, "RUB", "MONTH", True)),
        ("from 9 to 18", None),
        ("€5m were raised in 2020", None),
        ("28 days of holiday", None),
        ("try 3 times", None),
    ],
)
def test_pay_as_people_write_it(said: str, pay: tuple[object, ...] | None) -> None:
    found = pay_in(said)
    assert (found and (found.min, found.max, found.currency, found.unit, found.gross)) == pay


def test_a_number_that_is_too_long_is_not_read_as_its_beginning() -> None:
    assert pay_in("от 100000000000000 руб.", is_labelled=True) is None
    assert pay_in("от 100000 руб.", is_labelled=True) is not None


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Ищем старшего менеджера по продажам в Самару", "Старший менеджер по продажам"),
        ("Требуется продавец в магазин", "Продавец"),
        ("We're hiring a Line Cook to join our kitchen", "Line Cook"),
        ("Senior Nurse – Leeds (hybrid)", "Senior Nurse"),
        ("ELECTRICIAN WANTED", "Electrician"),
        ("#вакансия\nПовар", "Повар"),
        ("Designer\n30 000 – 40 000 €", "Designer"),
    ],
)
def test_titles_as_people_write_them(text: str, title: str) -> None:
    assert read(text, DICTIONARIES).title == title


def test_a_description_has_no_markup_of_the_text() -> None:
    draft = read("Cook\n\nWe <script>alert(1)</script> & cook.\n- Fry\n- Bake\nBye", NOTHING)
    assert draft.description == (
        "<p>We &lt;script&gt;alert(1)&lt;/script&gt; &amp; cook.</p>"
        "<ul><li>Fry</li><li>Bake</li></ul><p>Bye</p>"
    )


PIECES = st.sampled_from(
    [
        *(
            "от ",
            "до ",
            "1 000 ",
            "000",
            ".",
            ",",
            "(",
            ")",
            "€",
            "руб",
            "k",
            "–",
            " ",
            "\n",
            "years ",
        ),
        *(
            "опыт ",
            "от 3 до 6 лет ",
            "English ",
            "native ",
            "near-",
            "remote ",
            "удален",
            "Требования:",
        ),
        *(
            "- ",
            "• ",
            "г. ",
            "Нижнем ",
            "in ",
            "A",
            "Ёлка ",
            "without ",
            "no ",
            "нет ",
            "плюсом",
            "#x ",
        ),
        *("\u2028", "\x00", "🔥", "\u202e", "'", "é", "ﬁ", "İ", "ß"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=120).map("".join)))
@example("ПЛЮСОМENGLISH'ENGLISH")
def test_any_text_becomes_a_draft_that_can_be_created(text: str) -> None:
    made = shown_draft(read(text, DICTIONARIES)).model_dump(mode="json", by_alias=True)
    draft = made["vacancy"]
    assert set(made["sources"]) <= {
        *(f"/{name}" for name, value in draft.items() if value is not None),
        *(f"/requirements/{n}" for n in range(len(draft["requirements"]))),
        *(f"/languages/{n}" for n in range(len(draft["languages"]))),
    }
    if "\x00" not in text:
        NewVacancy.model_validate(draft | {"title": draft["title"] or "A title"})


REPEATED = (
    *(
        "a ",
        "A ",
        "1 ",
        "1 000",
        "от ",
        "до ",
        "опыт ",
        "experience ",
        "years ",
        "1 year ",
        "(",
        "((",
        ")",
    ),
    *(
        "- ",
        "–",
        ", ",
        " , ",
        "and ",
        " / ",
        "€1–",
        "1–",
        "г. А",
        "in A",
        "A b ",
        "in A b ",
        "English ",
    ),
    *(
        "native ",
        "remote ",
        "no ",
        "без ",
        "опыт работы ",
        "not remote ",
        "is a plus ",
        "плюс ",
        "#a",
        "🔥",
    ),
    *(
        "is ",
        "you ",
        "we are hiring ",
        "требуется ",
        "тыс ",
        "1тыс",
        "€",
        "$1 ",
        "a year ",
        "дня в ",
        "'s ",
    ),
    *(
        "полн",
        "знание ",
        "knowledge of ",
        "good ",
        "опыт опыт ",
        "A-b ",
        "a/",
        "Aa.",
        "ведущ",
        "1,1",
    ),
    *(
        "you'll need ",
        "ждем знание ",
        "нужен опыт ",
        ", and ",
        "would be a plus ",
        "A-based ",
        "Aa. ",
        "a; ",
        "if you ",
        "an a is required ",
        "such as ",
    ),
)


@pytest.mark.parametrize("piece", REPEATED)
def test_no_pattern_runs_away(piece: str) -> None:
    line = (piece * LONGEST_ADVERT)[:999]
    listed = "\n".join([f"Requirements:\n- {line}\n\n{line}:\n{line}!"] * 7)
    for text in (listed, f"{line}\n" * 20):
        began = time.process_time()
        read(text[:LONGEST_ADVERT], NOTHING)
        assert time.process_time() - began < 1.0


def test_hidden_numbers_of_lists_are_no_skills() -> None:
    draft = read("Cook\nRequirements:\n1) Knife skills\n2) Baking", NOTHING)
    assert [one.skill for one in draft.requirements] == ["Knife skills", "Baking"]
    assert not re.search("[0-9]", draft.description or "")
