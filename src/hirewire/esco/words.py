"""How much the names of skills have of a phrase's words, whatever their order and endings.

An encoder of meaning does not know rare words and abbreviations: here a rare word that both have
counts much, and capitals that begin the words of a name (`NDT`) stand for it.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hirewire.esco.dictionary import without_note
from hirewire.esco.forms import is_small, words_of
from hirewire.esco.stems import stemmed
from hirewire.esco.tables import Skill

Floats = NDArray[np.float32]
_UNKNOWN = 6.0
"""The weight of a word that no skill has."""
_LATER = 0.03
"""Taken off for ESCO's alternative labels."""
_LATER_INITIALS = 0.1
_NUMBER = re.compile(r"v?\d+")
"""A version or an amount: it lowers nothing where a skill does not have it."""
_INITIALS = re.compile(r"\b([A-ZА-ЯЁ]{2,5})s?\b")


class Words:
    """The names of skills by their words, in arrays to be small."""

    def __init__(self, skills: Iterable[Skill]) -> None:
        self._stems: dict[str, int] = {}
        stem, form, later, firsts = array("i"), array("i"), array("b"), array("i")
        initials: list[str] = []
        for skill in skills:
            firsts.append(len(initials))
            names = [without_note(skill.label), *skill.aliases]
            for nth, name in enumerate((*names, *skill.other_labels)):
                words = [word for word in words_of(name) if not is_small(word)]
                for one in dict.fromkeys(stemmed(words)):
                    stem.append(self._stems.setdefault(one, len(self._stems)))
                    form.append(len(initials))
                initials.append("".join(word[0] for word in words))
                later.append(nth >= len(names))
        self._later = np.array(later, np.float32)
        self._firsts = np.array(firsts)
        self._index(np.array(stem), np.array(form), len(firsts))
        self._initials = "\n".join(initials)
        self._starts = array("i", accumulate((len(one) + 1 for one in initials), initial=0))

    def _index(self, stem: Any, form: Any, skills: int) -> None:
        """Weigh each word by the number of skills that have it, and index the forms by it."""
        owner = np.searchsorted(self._firsts, form, "right") - 1
        pairs = np.unique(stem.astype(np.int64) << 32 | owner)
        spread = np.bincount(pairs >> 32, minlength=len(self._stems))
        self._weights = np.log(1 + skills / spread).astype(np.float32)
        whole = np.bincount(form, self._weights[stem], minlength=len(self._later))
        self._whole = np.maximum(whole, 1e-6).astype(np.float32)
        order = np.argsort(stem, kind="stable")
        self._forms = form[order].astype(np.int32)
        self._ends = np.searchsorted(stem[order], np.arange(len(self._stems) + 1))

    def likeness(self, phrase: str) -> Floats:
        """Of each skill, the geometric mean of the shares of shared words in phrase and name."""
        shared = np.zeros(len(self._later), np.float32)
        whole = 0.0
        for one in dict.fromkeys(stemmed(w for w in words_of(phrase) if not is_small(w))):
            nth = self._stems.get(one)
            weight = _UNKNOWN if nth is None else float(self._weights[nth])
            if nth is not None:
                shared[self._forms[self._ends[nth] : self._ends[nth + 1]]] += weight
            whole += 0.0 if _NUMBER.fullmatch(one) else weight
        share: Floats = np.sqrt(shared / self._whole * np.minimum(shared / (whole or 1.0), 1.0))
        share -= _LATER * self._later
        return self._best(share)

    def initials(self, phrase: str) -> Floats:
        """Of each skill, the share of a name's words whose initials are capitals of the phrase."""
        share = np.zeros(len(self._later), np.float32)
        for capitals in _INITIALS.findall(phrase):
            sought = capitals.casefold().replace("ё", "е")
            at = self._initials.find(sought)
            while at >= 0:
                form = bisect_right(self._starts, at) - 1
                length = self._starts[form + 1] - self._starts[form] - 1
                found = len(sought) / length * (1 - _LATER_INITIALS * self._later[form])
                share[form] = max(share[form], found)
                at = self._initials.find(sought, at + 1)
        return self._best(share)

    def _best(self, share: Floats) -> Floats:
        best: Floats = np.maximum.reduceat(share, self._firsts)
        return best
