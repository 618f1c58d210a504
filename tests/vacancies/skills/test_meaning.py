"""Skills by meaning: what the real encoder finds, and what it never gets as input."""

from pathlib import Path

import numpy as np
import pytest

from hirewire.esco import dictionary
from hirewire.esco.confidence import SURE
from hirewire.esco.meaning import Floats, Meaning, encoder, file_name, is_phrase, make
from hirewire.kit.settings import Settings
from hirewire.vacancies.skills.index import typeahead
from hirewire.vacancies.skills.meaning import Finder, finder, suggesting
from tests.vacancies.conftest import Person
from tests.vacancies.skills.phrases import later_no_skills, no_skills, phrases, shares


def test_letters_alone_find_what_people_write() -> None:
    def find(text: str) -> list[str]:
        return [one.skill.id for one in typeahead().find(text, 5)]

    for part, least, least_five in (("seen", 0.46, 0.49), ("held", 0.29, 0.29)):
        first, five = shares(phrases(part), find)
        assert (first >= least, five >= least_five) == (True, True), (part, first, five)
    known = {text: dictionary().find(text) or "own:" for text in no_skills()}
    tied = {text for text, id in known.items() if not id.startswith("own:")}
    assert tied == set(), "products of our own at most"


@pytest.mark.long
async def test_meaning_finds_what_people_write_and_the_list_offers_it(
    anna: Person, tmp_path: Path
) -> None:
    client = anna.service.client
    url = "/api/vacancies/skills"
    query: dict[str, str | int] = {"q": "ставлю капельницы", "by": "meaning", "limit": 5}
    none = await client.get(url, params=query)
    assert none.json() == {"items": []}, "without a folder for its vectors"
    assert none.headers["cache-control"] == "no-store"
    async with suggesting(Settings(search_dir=tmp_path)):
        one = finder()
        assert isinstance(one, Finder)
        while await one.nearest("капельницы", 1) is None:
            assert not one.failed  # another process computes the vectors, for some seconds
        assert [path.name for path in (tmp_path / "meaning").iterdir()] == [file_name()]
        answer = await client.get(url, params=query)
        assert answer.headers["cache-control"] == "public, max-age=3600"
        items = answer.json()["items"]
        assert {item["by"] for item in items} == {"meaning"}
        assert "intravenous infusion" in {item["label"] for item in items}
        known = (await client.get(url, params=query | {"q": "knowledge of payroll"})).json()
        assert (known["items"][0]["label"], known["items"][0]["by"]) == (
            "manage payroll",
            "letters",
        )
        assert len({item["id"] for item in known["items"]}) == 5

        found: dict[str, list[str]] = {}
        for phrase in phrases("held"):
            nearest = await one.nearest(phrase.text, 6) or []
            known_id = dictionary().find(phrase.text)
            ids = [near.skill.id for near in nearest if near.skill.id != known_id]
            found[phrase.text] = [known_id, *ids] if known_id else ids
        first, five = shares(phrases("held"), found.__getitem__)
        assert (first >= 0.78, five >= 0.91) == (True, True), (first, five)
        skills = tuple(dictionary().skills.values())
        meaning = Meaning(tmp_path / "meaning" / file_name(), skills, encoder())
        precision, coverage = sure_ones(meaning)
        assert (precision >= 0.9, coverage >= 0.25) == (True, True), (precision, coverage)
    assert finder() is None


def sure_ones(meaning: Meaning) -> tuple[float, float]:
    """Of the phrases that the dictionary lacks: how many sure proposals are right, and are sure."""
    unknown = [one for one in phrases("held") if dictionary().find(one.text) is None]
    none = [one for one in later_no_skills("held") if dictionary().find(one) is None]
    texts = [*(one.text for one in unknown), *none]
    proposals = meaning.proposed(texts, meaning.vectors(texts))
    sure = [one if one and one.confidence >= SURE else None for one in proposals]
    right = sum(
        one is not None and one.skill.id in phrase.right
        for phrase, one in zip(unknown, sure, strict=False)
    )
    # A product of our own list is what such a phrase names.
    wrongly = [one for one in sure[len(unknown) :] if one and not one.skill.id.startswith("own:")]
    tied = sum(one is not None for one in sure[: len(unknown)])
    return right / (tied + len(wrongly)), tied / len(unknown)


class Listening:
    """An encoder that records its input."""

    def __init__(self) -> None:
        self.given: list[str] = []

    def encode(self, texts: list[str]) -> Floats:
        """A unit vector for each text, made from its letters."""
        self.given += texts
        rows = [[1.0 + text.count(letter) for letter in "abcdefgh"] for text in texts]
        vectors = np.array(rows, np.float32)
        shorter: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return shorter


@pytest.mark.parametrize(
    "text",
    [
        *("anna@example.org", "+7 (921) 000-00-00", "8 921 000 00 00", "https://example.org/anna"),
        *("", "  ", "!?", "I was born in Omsk and have worked at " * 4),
    ],
)
def test_addresses_numbers_and_texts_are_not_encoded(text: str, tmp_path: Path) -> None:
    assert not is_phrase(text)
    listening, skills = Listening(), tuple(dictionary().skills.values())[:40]
    file = tmp_path / "meaning-1.npy"
    make(file, skills, listening)
    listening.given.clear()
    meaning = Meaning(file, skills, listening)
    assert meaning.nearest(text, 5) == []
    assert listening.given == []
    meaning.nearest("good welding skills", 5)
    assert listening.given == ["good welding"], "the phrase alone, without filler"


def test_foreign_vector_files_are_refused_and_old_versions_removed(
    tmp_path: Path,
) -> None:
    skills = tuple(dictionary().skills.values())[:10]
    old, file = tmp_path / "meaning-0.npy", tmp_path / "meaning-1.npy"
    make(old, skills, Listening())
    make(file, skills, Listening())
    assert not old.exists()
    with pytest.raises(ValueError, match="other names"):
        Meaning(file, skills[:9], Listening())
    file.write_bytes(b"not an array")
    with pytest.raises(ValueError, match=r"magic|pickle"):
        Meaning(file, skills, Listening())
    with pytest.raises(OSError, match="No such file"):
        Meaning(tmp_path / "none.npy", skills, Listening())
