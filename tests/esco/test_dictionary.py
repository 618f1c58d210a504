"""Skills are found under many spellings."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirewire.esco import (
    BadAdditions,
    dictionary,
    edition,
    extend,
    key_of,
    occupations,
    skills,
)
from hirewire.esco.forms import one_script, without_filler
from hirewire.esco.hashed import SEVERAL, Hashed


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 3), st.integers(0, 4)), min_size=1))
def test_numbers_by_hash(entries: list[tuple[int, int, int]]) -> None:
    """As dictionaries would have them."""
    hashes, ranks, numbers = zip(*entries, strict=True)
    first: dict[int, int] = {}
    only: dict[int, set[int]] = {}
    for hashed, rank, number in entries:
        first.setdefault(hashed, number)
        lowest = min(r for h, r, _ in entries if h == hashed)
        if rank == lowest:
            only.setdefault(hashed, set()).add(number)
    of_first = Hashed.of_first(zip(hashes, numbers, strict=True))
    of_only = Hashed.of(zip(hashes, ranks, numbers, strict=True))
    for hashed in range(-4, 5):
        one = of_first.find(hashed)
        assert (one and one.number) == first.get(hashed)
        expected = only.get(hashed)
        found = of_only.find(hashed)
        assert (found and found.number) == (
            None if expected is None else expected.pop() if len(expected) == 1 else SEVERAL
        )


def test_the_tables() -> None:
    assert (len(skills()), len(occupations())) == (13412, 91)
    assert all(skill.label for skill in skills())


@pytest.mark.parametrize(
    "forms",
    [
        ("Node.js", "node js", "NODEJS", "node-js"),
        ("Ёлка", "елка"),
        ("C ++", "c++"),
        ("ﬁle", "FILE"),
        ("C++", "\u0421++"),
        ("CSS", "\u0421SS"),
        ("системное", "cистемное"),
        ("1СERP", "1С ERP"),
    ],
)
def test_spellings_with_one_key(forms: tuple[str, ...]) -> None:
    assert len({key_of(form) for form in forms}) == 1


def test_spellings_with_different_keys() -> None:
    assert len({key_of(form) for form in ("C", "C++", "C#", "+", "???")}) == 5


@pytest.mark.parametrize(
    ("phrase", "label"),
    [
        ("python", "Python (computer programming)"),
        ("Python (computer programming)", "Python (computer programming)"),
        ("javascript", "JavaScript"),
        ("SQL", "SQL"),
        ("coordinate duties of musical staff", "manage musical staff"),
    ],
)
def test_found(phrase: str, label: str) -> None:
    found = dictionary().find(phrase)
    assert found is not None
    assert dictionary().label_of(found) == label


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("\u0421#", "C#"),
        ("\u0420HP", "PHP"),
        ("MS \u0415\u0445\u0441\u0435l", "MS Excel"),
        ("опыт работы с P\u0443th\u043en", "Python"),
        ("бухгалтерский yчет", "бухгалтерский учёт"),
    ],
)
def test_letters_of_another_script_that_look_alike_are_read(typed: str, meant: str) -> None:
    assert typed != meant
    assert dictionary().find(typed) == dictionary().find(meant) is not None


@pytest.mark.parametrize("text", ["1С ERP", "С", "IT-шник", "SQLщик", "система", "C++ и C#"])
def test_other_words_keep_their_letters(text: str) -> None:
    assert one_script(text) == text


def test_half_a_character_names_nothing() -> None:
    assert dictionary().find("\ud800") is None
    assert dictionary().find("\ud800 python") is not None


def test_an_unknown_skill_gets_its_own_id() -> None:
    assert dictionary().find("Hirewire wrangling") is None
    assert dictionary().id_of("Hirewire  Wrangling!") == "own:hirewirewrangling"


@pytest.mark.parametrize(
    ("phrase", "label"),
    [
        ("good communication skills", "communication"),
        ("excellent time management skills", "manage time"),
        ("proven experience of payroll", "manage payroll"),
        ("Confident user of Excel", "Microsoft Excel"),
        ("basic Excel skills", "Microsoft Excel"),
        ("customer services", "customer service"),
        ("search engine optimization", "search engine optimisation"),
        ("знание НДС", "value-added tax law"),
        ("хорошее знание 1С", "1С:Предприятие"),
        ("опыт работы с 1С", "1С:Предприятие"),
        ("уверенный пользователь Excel", "Microsoft Excel"),
        ("клиентов обслуживание", "customer service"),
        ("права категории В", "Driving licence category B"),
        ("медкнижки", "Health record book"),
        ("communication", "communication"),
        ("Word", "use word processing software"),
        ("Outlook", "Microsoft Outlook"),
    ],
)
def test_skills_are_found_as_people_write_them(phrase: str, label: str) -> None:
    assert dictionary().label_of(dictionary().id_of(phrase)) == label


@pytest.mark.parametrize(
    "phrase",
    [
        *("good skills", "experience", "опыт работы", "знание", "навыки и умения", "хороший"),
        *("user experience design of toys", "deep cleaning", "friendly team", "own car", "the"),
    ],
)
def test_filler_without_a_skill_names_no_skill(phrase: str) -> None:
    assert dictionary().find(phrase) is None


@given(st.text(max_size=60))
def test_phrases_without_filler_are_never_empty(text: str) -> None:
    assert all(any(letter.isalnum() for letter in one) for one in without_filler(text))


def test_licences_have_russian_names_in_russian() -> None:
    known = dictionary()
    found = known.find("driving licence")
    assert found is not None
    assert known.name_of(found, russian=True) == "водительские права категории B"
    assert known.name_of(found) == "Driving licence category B"
    assert known.name_of(known.id_of("iiko"), russian=True) == "iiko"


def test_every_label_is_found_as_itself() -> None:
    assert [s.label for s in skills() if dictionary().find(s.label) != s.id][:20] == []


@pytest.mark.parametrize(
    "forms",
    [
        ("JS", "JavaScript", "джаваскрипт", "java script"),
        ("Postgres", "PostgreSQL", "постгрес", "pgsql"),
        ("питон", "Python", "Python (computer programming)", "пайтон"),
        ("MS SQL", "SQL Server", "mssql"),
        ("программирование", "computer programming", "coding"),
        ("IoT", "интернет вещей", "Internet of Things"),
        ("k8s", "Kubernetes", "кубернетес"),
        ("golang", "Go", "голанг"),
        ("1С", "1C:Enterprise", "1С:Предприятие"),
        ("инъекции", "внутривенные инъекции", "Administer injections", "IM injections"),
        ("доставка", "доставка заказов", "deliveries"),
        ("работа с детьми", "working with children"),
        ("водительское удостоверение категории B", "Category B licence", "права категории В"),
    ],
)
def test_one_skill_in_many_spellings(forms: tuple[str, ...]) -> None:
    found = {dictionary().find(form) for form in forms}
    assert len(found) == 1
    assert None not in found


def test_every_alias_leads_to_its_own_skill() -> None:
    ours = [skill for skill in skills() if skill.aliases]
    assert len(ours) > 100
    lost = [(s.label, a) for s in ours for a in s.aliases if dictionary().find(a) != s.id]
    assert lost == []


def test_aliases_name_the_labels_they_belong_to() -> None:
    path = files("hirewire.esco") / "data" / "aliases.csv"
    rows = list(csv.DictReader(StringIO(path.read_text(encoding="utf-8"))))
    known = dictionary().skills
    assert [row for row in rows if known[row["esco_id"]].label != row["label"]] == []


def test_common_skills_have_russian_names() -> None:
    used = Counter(id for one in occupations() for id in set(one.skills))
    known = dictionary().skills
    most = [id for id in sorted(used, key=lambda id: (-used[id], id)) if id in known][:300]
    without = [known[id].label for id in most if not re.search("[а-я]", known[id].label_ru or "")]
    assert without == []


def test_no_added_form_belongs_to_two_skills() -> None:
    forms = Counter(
        key
        for skill in dictionary().skills.values()
        for key in {key_of(form) for form in skill.aliases}
    )
    assert [key for key, count in forms.items() if count > 1] == []


@pytest.fixture
def additions(tmp_path: Path) -> Iterator[Path]:
    """A file of the operators' additions, which are removed after the test."""
    yield tmp_path / "own.csv"
    extend(None)


def test_operators_add_skills_and_spellings(additions: Path) -> None:
    python = dictionary().id_of("Python")
    additions.write_text(
        "label,ru,other,skill\n"
        "Tinkerbell,тинкербелл,tink|tinker bell,\n"
        f"Питончик,,snakey,{python}\n"
        "Sequel!,,,SQL\n"
        "Java,ява|жаба,,\n"
        "'=Formulary,,,\n"
    )
    before = dictionary().id_of("Java")
    built_in = edition()
    extend(additions)
    assert edition() != built_in
    assert dictionary().id_of("ТИНКЕРБЕЛЛ") == dictionary().id_of("Tink") == "own:tinkerbell"
    assert dictionary().label_of("own:tinkerbell", russian=True) == "тинкербелл"
    assert {dictionary().id_of(form) for form in ("Питончик", "snakey")} == {python}
    assert dictionary().id_of("sequel") == dictionary().id_of("SQL")
    formulary = dictionary().id_of("formulary")
    assert dictionary().label_of(formulary) == "=Formulary", "as it is marked for spreadsheets"
    assert dictionary().id_of("жаба") == before, "a name that is known gets more forms"
    extend(None)
    assert (edition(), dictionary().find("tink")) == (built_in, None)


def test_the_dictionary_is_loaded_again_only_for_other_additions(additions: Path) -> None:
    additions.write_text("label\nTinkerbell\n")
    built_in = dictionary()
    extend(None)
    assert dictionary() is built_in
    extend(additions)
    extended = dictionary()
    extend(additions)
    assert dictionary() is extended is not built_in


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name\nx\n", "column label is missing"),
        ("label,color\nx,red\n", "no column 'color'"),
        ("label,ru,other,skill\nx,,,\n ,,,\n", "line 3: label is empty"),
        ("label,skill\nx,No such skill of any kind\n", "line 2: no skill 'No such skill"),
        ("label\nx,y\n", "line 2: more cells"),
        ('label\n"x\n', "unexpected end"),
    ],
)
def test_an_invalid_file_of_additions_is_refused(additions: Path, content: str, said: str) -> None:
    additions.write_text(content)
    with pytest.raises(BadAdditions) as caught:
        extend(additions)
    assert said in str(caught.value)
    assert dictionary().find("Python") is not None


def test_a_missing_file_of_additions_is_refused(additions: Path) -> None:
    with pytest.raises(BadAdditions, match="No such file"):
        extend(additions)


def test_a_display_name_omits_the_note_if_it_is_unambiguous() -> None:
    found = dictionary()
    python = found.find("python")
    assert python is not None
    assert found.label_of(python) == "Python (computer programming)"
    assert found.name_of(python) == "Python"
    assert found.name_of("nothing") is None
    for id in found.skills:
        assert found.find(found.name_of(id) or "") is not None


def test_tools_keep_their_names_in_russian_and_descriptive_names_are_translated() -> None:
    known = dictionary()

    def named(phrase: str, *, russian: bool) -> str | None:
        return known.name_of(known.id_of(phrase), russian=russian)

    for slang, name in (("питон", "Python"), ("кубер", "Kubernetes"), ("пандас", "pandas")):
        assert named(slang, russian=True) == named(slang, russian=False) == name
    assert named("normalise data", russian=True) == "нормализация данных"
    assert named("нормализация данных", russian=False) == "normalise data"
    assert named("ICT debugging tools", russian=True) == "инструменты отладки"
    assert known.name_of("own:unknown") is None
