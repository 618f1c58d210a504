"""A vacancy as the conditions of saved searches see it, and what else is on the board."""

from collections.abc import Sequence

from hirewire.places.gazetteer import Place
from hirewire.vacancies.alerts.index.similar import SimilarWords, any_within
from hirewire.vacancies.search.index.documents import Document
from hirewire.vacancies.search.index.engine import Board
from hirewire.vacancies.search.index.parser import place_stems, plain_words_of, unbroken_stems
from hirewire.vacancies.search.index.schema import VACANCIES

Value = tuple[str, str]
"""A field's name and one of its values."""


class AnyBoard:
    """Stands for a board that is not known yet: every word is taken as it is written."""

    def is_used(self, stem: str) -> bool:
        """Always."""
        return True

    def is_at(self, area: str) -> bool:
        """Always."""
        return True

    async def learn(self) -> bool:
        """Nothing."""
        return False


class Facts:
    """What one vacancy has: words with their positions, values, pay and time."""

    def __init__(self, document: Document, board: Board) -> None:
        self.board = board
        self.positions: dict[str, set[int]] = {}
        """The positions of each stem. There is a gap between two fields."""
        place = 0
        for name in VACANCIES.texts:
            for stems in unbroken_stems(str(document.get(name, ""))):
                for stem in stems:
                    self.positions.setdefault(stem, set()).add(place)
                    place += 1
                place += 1
        whole = str(document.get("whole_words", ""))
        self.whole_words = list(dict.fromkeys(plain_words_of(whole)))
        self.values: dict[str, list[str]] = {
            one.name: _listed(document[one.name])
            for one in VACANCIES.filters
            if one.name in document
        }
        self.pay = document.get("pay")
        self.time = int(str(document["time"]))
        self._areas = frozenset(self.values.get("area", ()))
        self._near: dict[tuple[str, int, bool], bool] = {}
        self._places: dict[str, bool] = {}
        self.looked_up: dict[tuple[int, bool], tuple[SimilarWords, set[str]]] = {}
        """Words that were looked up together, and those of them that are near a word of the
        vacancy, by distance and whether whole words were compared.
        """

    def has(self, name: str, value: str) -> bool:
        """Whether a field has a value."""
        return value in self.values.get(name, ())

    def has_phrase(self, stems: Sequence[str]) -> bool:
        """Whether one field has these words, one after the other."""
        found = self.positions
        if not all(stem in found for stem in stems):
            return False
        return any(
            all(start + nth in found[stem] for nth, stem in enumerate(stems))
            for start in found[stems[0]]
        )

    def pays(self, least: int) -> bool:
        """Whether the pay is stated, and its upper end is no less."""
        return isinstance(self.pay, int) and self.pay >= least

    def is_used(self, stem: str) -> bool:
        """Whether this vacancy or another one has a word."""
        return stem in self.positions or self.board.is_used(stem)

    def is_place_known(self, place: Place) -> bool:
        """Whether this vacancy or another one is at a place, or has its name."""
        known = self._places.get(place.key)
        if known is None:
            known = self._places[place.key] = self._is_place_known(place)
        return known

    def _is_place_known(self, place: Place) -> bool:
        if place.key in self._areas or self.board.is_at(place.key):
            return True
        return any(all(map(self.is_used, stems)) for stems in place_stems(place))

    def is_near(self, stem: str, whole: str, distance: int) -> bool:
        """Whether a word is the same but for this many typos."""
        return self._is_near(stem, distance, is_whole=False) or self._is_near(
            whole, distance, is_whole=True
        )

    def _is_near(self, word: str, distance: int, *, is_whole: bool) -> bool:
        looked_up = self.looked_up.get((distance, is_whole))
        if looked_up is not None and word in looked_up[0]:
            return word in looked_up[1]
        found = self._near.get((word, distance, is_whole))
        if found is None:
            others = self.whole_words if is_whole else self.positions
            found = any_within(word, others, distance)
            self._near[word, distance, is_whole] = found
        return found


def _listed(value: str | int | list[str]) -> list[str]:
    return value if isinstance(value, list) else [str(value)]
