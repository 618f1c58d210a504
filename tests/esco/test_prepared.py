"""The prepared files are what would be made of the data."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from hirewire.esco import dictionary, job_titles, prepared
from hirewire.esco.dictionary import (
    FILE,
    Added,
    Dictionary,
    built,
    built_in,
    key_of,
    ranked_stems_of,
)
from hirewire.esco.forms import stems_of
from hirewire.esco.hashed import Hashed, hash_of
from hirewire.esco.job_tables import all_occupations
from hirewire.vacancies.skills import index
from hirewire.vacancies.skills.index import SHORTEST_TOLERATED, Typeahead, is_one_typo


def same(file: prepared.Arrays | None, made: prepared.Arrays) -> bool:
    assert file is not None, "made of other data: see hirewire.esco.prepared"
    return file.keys() == made.keys() and all(
        np.array_equal(file[key], made[key]) and file[key].dtype == made[key].dtype for key in made
    )


def test_names_of_skills() -> None:
    assert same(prepared.read(prepared.DATA, FILE), built(built_in()))


def test_titles() -> None:
    made = job_titles.built(all_occupations())
    file = prepared.read(prepared.DATA, job_titles.FILE, job_titles.STEMMER)
    assert same(file, made)


def test_typeahead() -> None:
    made = index.built(index._in_demand(built_in()))
    assert same(prepared.read(index._FOLDER, index.FILE), made)


@pytest.fixture
def other_data(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The data differ from those that the files were made of."""
    cached = (job_titles.titles, job_titles.jobs_of, index.typeahead, dictionary)
    monkeypatch.setattr(prepared, "digest", lambda *_: "other")
    for one in cached:
        one.cache_clear()
    yield
    for one in cached:
        one.cache_clear()


@pytest.mark.usefixtures("other_data")
def test_other_data_are_used_without_their_files() -> None:
    assert prepared.read(prepared.DATA, FILE) is None
    assert dictionary().label_of(dictionary().id_of("good Excel skills")) == "Microsoft Excel"
    assert job_titles.jobs_of("Повара") == job_titles.jobs_of("cook")
    assert index.typeahead().find("pyhton", 1)[0].skill.label.startswith("Python")


WHOLE = (prepared.DATA / FILE).read_bytes()
PLACE = len(WHOLE) // 2


@pytest.mark.parametrize(
    "content",
    [
        *(None, b"", b"version https://git-lfs.github.com/spec/v1\n", WHOLE[:-1000]),
        WHOLE.replace(b"\n", b"\r\n"),
        WHOLE[:PLACE] + bytes(100) + WHOLE[PLACE + 100 :],
    ],
)
def test_a_file_that_is_missing_or_damaged_is_not_used(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with capture_logs() as logs:
        assert prepared.read(tmp_path, FILE) is None
    assert [(one["event"], one["file"]) for one in logs] == [("prepared file not used", FILE)]


def test_what_is_not_of_the_data_changes_no_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "titles.csv").write_text("x")
    monkeypatch.setattr(prepared, "DATA", tmp_path)
    before = prepared.digest.__wrapped__()
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    assert prepared.digest.__wrapped__() == before != prepared.digest.__wrapped__("tantivy")


def test_more_numbers_than_fit() -> None:
    with pytest.raises(ValueError, match="32768"):
        Hashed.of([(1, 0, 2**15)])


def test_no_two_names_have_one_hash() -> None:
    """Texts with one hash would be one name."""
    texts: dict[int, set[str]] = {}
    for skill in built_in():
        for form in skill.forms:
            for text in (key_of(form), stems_of(form)):
                texts.setdefault(hash_of(text), set()).add(text)
    assert [some for some in texts.values() if len(some) > 1] == []


NAMES = (
    "Python",
    "питон",
    "Excel",
    "communication",
    "cook",
    "Zyx",
    "manage zyx",
    "good zyx skills",
)
PHRASES = (*NAMES, "pythons", "zyx managing", "zyxes", "communications", "cooks", "use excel")
ADDED = st.builds(
    Added,
    line=st.just(1),
    label=st.sampled_from(NAMES),
    russian=st.lists(st.sampled_from(NAMES), max_size=1).map(tuple),
    other=st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
    skill=st.sampled_from(("", "", "SQL", "Python")),
)


HASHES = {hash_of(stems_of(phrase)) for phrase in PHRASES}
BUILT_IN = {skill.id: skill for skill in built_in()}
RANKED = {
    (hashed, rank, skill.id)
    for skill in BUILT_IN.values()
    for hashed, rank in ranked_stems_of(skill)
    if hashed in HASHES
}
"""Of the skills built in: the stems of which phrase they have, with which rank."""


@settings(max_examples=30, deadline=None)
@given(st.lists(ADDED, max_size=3))
@example([Added(1, "Zyx", (), (), "SQL"), Added(2, "Zyx", (), (), "Python")])
@example([Added(1, "Zyx", (), (), ""), Added(2, "Zyx", (), (), "Python")])
def test_what_operators_add_is_as_if_it_was_built_in(added: list[Added]) -> None:
    """The stems of the file, with those of the additions, are those of all skills together."""
    known = Dictionary(added)
    changed = [skill for id, skill in known.skills.items() if skill != BUILT_IN.get(id)]
    of_changed = ((*one, s.id) for s in changed for one in ranked_stems_of(s))
    ranked = RANKED.union(of_changed)
    for phrase in PHRASES:
        hashed = hash_of(stems_of(phrase))
        lowest = min((rank for other, rank, _ in ranked if other == hashed), default=None)
        ids = {id for other, rank, id in ranked if (other, rank) == (hashed, lowest)}
        assert known._stems.find(phrase) == (ids.pop() if len(ids) == 1 else None)


@given(st.text(min_size=SHORTEST_TOLERATED, max_size=12), st.data())
def test_a_word_and_its_typos_share_a_hash(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.characters())
    mistyped = (
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
    )
    for typo in mistyped:
        if typo != word and len(typo) >= SHORTEST_TOLERATED:
            assert is_one_typo(word, typo)
            (one, _), (other, _) = index._typos_of([word]), index._typos_of([typo])
            assert np.intersect1d(one, other).size


def test_hashes_of_typos_are_those_of_the_texts() -> None:
    """What remains of a word without a letter has the hash that it has as a word."""
    words = ["менеджер", "python", "abcde"]
    hashes, numbers = index._typos_of(words)
    for (n, word), at in product(enumerate(words), range(5)):
        rest, _ = index._typos_of([word[:at] + word[at + 1 :]])
        assert rest[0] in hashes[numbers == n]
        assert rest[0] not in hashes[numbers != n]


def test_a_typeahead_of_other_skills() -> None:
    few = built_in()[:50]
    found = Typeahead(few).find(few[7].label, 1)
    assert [one.skill for one in found] == [few[7]]
