"""Places as people write them."""

import csv
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirewire.esco import key_of
from hirewire.places.gazetteer import ID, gazetteer, place_key
from hirewire.places.keys import means_remote


@pytest.mark.parametrize(
    ("name", "name_ru", "written"),
    [
        ("Yerevan", "Ереван", ["ереван ", "EREVAN", "Yerevan, Armenia", "Ереван (Армения)"]),
        (
            *("Saint Petersburg", "Санкт-Петербург"),
            [
                "Питер",
                "Петербург",
                "СПб",
                "St. Petersburg",
                "st petersburg",
                "санкт петербург",
                "г. Санкт-Петербург",
            ],
        ),
        ("Moscow", "Москва", ["Moscow, Russia", "МСК", "г.Москва", "Москва, РФ", "город Москва"]),
        ("Nizhny Novgorod", "Нижний Новгород", ["Nizhniy Novgorod", "нижний новгород, Россия"]),
        ("Yekaterinburg", "Екатеринбург", ["екб", "Ekaterinburg"]),
        ("Novosibirsk", "Новосибирск", ["нск", "новосибирск"]),
        ("Rostov-on-Don", "Ростов-на-Дону", ["Rostov-na-Donu", "ростов на дону"]),
        ("Almaty", "Алматы", ["Алма-Ата", "Alma-Ata"]),
        ("Astana", "Астана", ["Нур-Султан", "Nur-Sultan"]),
        ("Minsk", "Минск", ["Minsk, Belarus", "минск, белоруссия", "Мінск"]),
        ("Kyiv", "Киев", ["Kiev", "Київ"]),
        ("Odesa", "Одесса", ["Odessa", "Одеса"]),
        ("Tbilisi", "Тбилиси", ["тбилиси"]),
        ("Tashkent", "Ташкент", ["ташкент, узбекистан"]),
        ("Belgrade", "Белград", ["Beograd", "белград"]),
        ("Berlin", "Берлин", ["berlin, DE", "Берлин, Германия"]),
        ("London", "Лондон", ["London, UK", "лондон, великобритания"]),
        ("New York City", "Нью-Йорк", ["New York", "NYC", "нью йорк, США"]),
        ("Munich", "Мюнхен", ["München", "Muenchen"]),
        ("São Paulo", "Сан-Паулу", ["Sao Paulo"]),
        ("Omsk", "Омск", ["омск"]),
        ("Korolyov", "Королёв", ["Королев", "Korolev"]),
        ("Singapore", "Сингапур", ["Singapore, Singapore"]),
        ("Armenia", "Армения", ["армения"]),
        ("Russia", "Россия", ["Russian Federation", "РФ"]),
    ],
)
def test_all_spellings_of_a_place_are_one_place(
    name: str, name_ru: str, written: list[str]
) -> None:
    place = gazetteer().find(name)
    assert place is not None
    assert (place.name, place.name_ru) == (name, name_ru)
    assert {place_key(one) for one in (name, name_ru, place.key, *written)} == {place.key}


def test_a_name_means_the_largest_place_and_others_need_their_country() -> None:
    canada, idaho = gazetteer().find("London, Canada"), gazetteer().find("Moscow, Idaho")
    assert canada is not None
    assert idaho is not None
    assert (canada.name, canada.country) == ("London", "CA")
    assert (idaho.name, idaho.country) == ("Moscow", "US")
    assert place_key("Moscow (ID), USA") == idaho.key
    assert gazetteer().typed_as(canada, russian=False) == "London, Canada"
    assert gazetteer().typed_as(canada, russian=True) == "Лондон, Канада"
    assert place_key("Лондон, Канада") == canada.key != place_key("London")


@pytest.mark.parametrize(
    "text",
    [
        "Qwertyville",
        "London, Ontario",
        "Moscow, Narnia",
        "Омск, Томск",
        "geo:1",
        "geo:XX",
        "a,b,c,d",
    ],
)
def test_an_unknown_place_keeps_its_text(text: str) -> None:
    assert gazetteer().find(text) is None
    assert place_key(f" {text.upper()} ") == key_of(text)


@given(st.text(max_size=30))
def test_any_text_has_a_key_and_a_place_has_its_own(text: str) -> None:
    key = place_key(text)
    assert not key.startswith(ID) or place_key(key) == key
    assert len(gazetteer().begun(text, 10)) <= 10


def test_places_that_begin_as_typed() -> None:
    def begun(text: str, *, russian: bool = False) -> list[str]:
        found = gazetteer().begun(text, 10)
        return [gazetteer().typed_as(place, russian=russian) or "" for place in found]

    assert begun("yer")[0] == "Yerevan"
    assert begun("ере", russian=True)[0] == "Ереван"
    assert begun("мос", russian=True)[0] == "Москва"
    assert begun("san")[:2] == begun("SAN ")[:2]
    assert begun("питер", russian=True)[0] == "Санкт-Петербург"
    assert begun("спб")[0] == "Saint Petersburg"
    assert "Армения" in begun("арме", russian=True)
    assert begun("omsk")[0] == "Omsk"
    assert begun("") == begun(" ,") == begun("qwzx") == []
    assert "London, Canada" in begun("london")
    assert {"Springfield, Massachusetts", "Springfield, Oregon"} < set(begun("springfield"))
    assert begun("singap")[0] == "Singapore", "the city is the country"
    for typed in ("l", "св", "new ", "железног", "ка"):
        # every suggestion is recognised when it is typed
        for place in gazetteer().begun(typed, 10):
            for russian in (False, True):
                typed_as = gazetteer().typed_as(place, russian=russian)
                assert typed_as is not None
                assert gazetteer().find(typed_as) == place


def test_the_data_are_made_from_our_own_names() -> None:
    """Changing `own.csv` requires building the data again."""
    table = files("hirewire.places") / "data" / "own.csv"
    for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines()):
        place = gazetteer().find(f"{ID}{row['id']}")
        assert place is not None
        assert {row["en"] or place.name, row["ru"] or place.name_ru} == {place.name, place.name_ru}
        for name in filter(None, row["other"].split("|")):
            assert gazetteer().find(name) == place


def test_remote_is_a_work_format_not_a_place() -> None:
    assert all(means_remote(one) for one in ("Remote", "удалённо", "Удаленка ", "remote work"))
    assert not any(means_remote(one) for one in (None, "", "Moscow", "Remote, Oregon"))
