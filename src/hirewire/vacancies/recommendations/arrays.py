"""Vacancies and resumes as arrays, and which of them can fit: a sieve before the exact scorer.

The sieve lets through everything that fits and little else. It applies the gates and the parts of
the score as `rules.judge` does, in doubles; what it leaves out (languages, titles, companies)
counts as in the best case. So whoever asks it must still judge what it lets through.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from hirewire.vacancies.recommendations.facts import default_weight, weight_of, weights
from hirewire.vacancies.recommendations.rules import (
    BAND_MONTHS,
    EXCESS,
    EXPERIENCE,
    LEVEL_LEAST,
    LEVEL_UNKNOWN,
    OCCUPATION,
    SALARY,
    SALARY_GAP,
    SKILLS,
    THRESHOLD,
    TITLE,
    WORK_FORMATS,
    Ask,
    Demand,
    Have,
    Offer,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

HEAD = np.dtype(
    [
        ("number", "<i8"),
        ("id", "V16"),
        ("version", "<i4"),
        ("formats", "u1"),
        ("employment", "u1"),
        ("band", "i1"),
        ("relocation", "u1"),
        ("months", "<i4"),
        ("area", "<i8"),
        ("company", "<i8"),
        ("currency", "<i8"),
        ("least", "<f8"),
        ("most", "<f8"),
        ("occupations", "<i2", (3,)),
        ("likeness", "<f8", (3,)),
    ]
)
"""What every vacancy and resume has once. -1 stands for none, and NaN for no pay."""


class _Head(NamedTuple):
    """The same, as Python's own values."""

    number: int
    id: bytes
    version: int
    formats: int
    employment: int
    band: int
    relocation: int
    months: int
    area: int
    company: int
    currency: int
    least: float
    most: float
    occupations: Any
    likeness: Any


SKILL = np.dtype([("code", "<i8"), ("place", "<i2"), ("level", "i1"), ("must", "u1")])
LANGUAGE = np.dtype([("code", "<i8"), ("level", "i1")])
EPSILON = 1e-6
_LEAST_SKILLS = (THRESHOLD - OCCUPATION - TITLE - EXPERIENCE - SALARY) / SKILLS
"""What the skills' geometric mean must be for a match, with everything else at its best."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A vacancy or resume as bytes, as the tables keep it."""

    number: int
    """Where it stands among its like; for good."""
    head: bytes
    skills: bytes
    languages: bytes
    words: bytes
    """Codes of the title's words; of a resume then 0 and the companies it is hidden from."""


def pack_demand(demand: Demand, *, id: UUID, version: int, number: int = 0) -> Packed:
    """A vacancy as bytes."""
    head = _head(id, version, demand.area, demand.currency, demand.occupation)
    head["formats"], head["employment"] = demand.work_format or 0, demand.employment or 0
    head["band"] = -1 if demand.band is None else demand.band
    head["company"] = demand.company
    if demand.pay is not None:
        head["least"], head["most"] = demand.pay
    skills = [(ask.code, nth, ask.level, ask.must) for nth, ask in enumerate(demand.skills)]
    return Packed(
        number,
        head.tobytes(),
        np.array(skills, SKILL).tobytes(),
        np.array(list(demand.languages), LANGUAGE).tobytes(),
        np.array(sorted(demand.title), "<i8").tobytes(),
    )


def pack_offer(offer: Offer, *, id: UUID, version: int, number: int = 0) -> Packed:
    """A resume as bytes."""
    head = _head(id, version, offer.area, offer.currency, offer.occupation)
    head["formats"], head["employment"] = offer.work_formats, offer.employment
    head["relocation"], head["months"] = offer.relocation, offer.months
    if offer.pay is not None:
        head["least"] = head["most"] = offer.pay
    skills = [(skill, have.place, have.level, 0) for skill, have in offer.skills.items()]
    return Packed(
        number,
        head.tobytes(),
        np.array(skills, SKILL).tobytes(),
        np.array(list(offer.languages.items()), LANGUAGE).tobytes(),
        np.array([*sorted(offer.title), 0, *sorted(offer.hidden_from)], "<i8").tobytes(),
    )


def _head(
    id: UUID,
    version: int,
    area: int | None,
    currency: int | None,
    occupation: Any,
) -> Any:
    head = np.zeros((), HEAD)
    head["id"], head["version"] = np.void(id.bytes), version
    head["area"] = -1 if area is None else area
    head["currency"] = -1 if currency is None else currency
    head["least"] = head["most"] = np.nan
    head["band"] = -1
    likest = [*occupation.items(), *[(-1, 0.0)] * 3][:3]
    head["occupations"], head["likeness"] = [o for o, _ in likest], [w for _, w in likest]
    return head


def demand_from(segment: "Segment", slot: int) -> Demand:
    """The vacancy at a slot, for the exact scorer."""
    head = _Head(*segment.head[slot].item())
    known, other = weights(), default_weight()
    skills = [
        Ask(code, bool(must), level, known.get(code, other))
        for code, _, level, must in segment.skills_of(slot)
    ]
    return Demand(
        skills=skills,
        weight=sum([ask[3] for ask in skills]),
        title=frozenset(segment.words_of(slot)),
        occupation=_occupation(head),
        band=None if head.band < 0 else head.band,
        area=_known(head.area),
        work_format=head.formats or None,
        employment=head.employment or None,
        pay=None if head.least != head.least else (head.least, head.most),
        currency=_known(head.currency),
        languages=segment.languages_of(slot),
        company=head.company,
    )


def offer_from(segment: "Segment", slot: int) -> Offer:
    """The resume at a slot, for the exact scorer."""
    head = _Head(*segment.head[slot].item())
    known, other = weights(), default_weight()
    skills = {
        code: Have(level, known.get(code, other), place)
        for code, place, level, _ in segment.skills_of(slot)
    }
    words = segment.words_of(slot)
    end = words.index(0)
    return Offer(
        skills=skills,
        weight=sum([have[1] for have in skills.values()]),
        title=frozenset(words[:end]),
        occupation=_occupation(head),
        months=head.months,
        area=_known(head.area),
        relocation=bool(head.relocation),
        work_formats=head.formats,
        employment=head.employment,
        pay=None if head.least != head.least else head.least,
        currency=_known(head.currency),
        languages=dict(segment.languages_of(slot)),
        hidden_from=frozenset(words[end + 1 :]),
    )


def _occupation(head: _Head) -> dict[int, float]:
    pairs = zip(head.occupations.tolist(), head.likeness.tolist(), strict=True)
    return {occupation: weight for occupation, weight in pairs if occupation >= 0}


def _known(value: int) -> int | None:
    return None if value < 0 else value


class Codes:
    """Small numbers in place of skills' codes, the same in all segments of a process."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._weights: list[float] = []
        self._lock = Lock()
        self.weights: Floats = np.empty(0)

    def __len__(self) -> int:
        return len(self._weights)

    def numbers(self, codes: Ints) -> NDArray[np.int32]:
        """The numbers of these codes; new codes get new ones."""
        unique, inverse = np.unique(codes, return_inverse=True)
        numbers = np.empty(len(unique), np.int32)
        with self._lock:  # segments are merged in a thread
            for nth, code in enumerate(unique.tolist()):
                number = self._numbers.get(code)
                if number is None:
                    number = len(self._weights)
                    self._weights.append(weight_of(code))
                    self._numbers[code] = number
                numbers[nth] = number
            if len(self.weights) != len(self._weights):
                self.weights = np.array(self._weights)
        return numbers[inverse]

    def number(self, code: int) -> int | None:
        """The number of a code; None when no segment has it."""
        return self._numbers.get(code)


@dataclass(frozen=True, slots=True)
class Rows:
    """Lists of different lengths, one after the other: row n is from ``ends[n]`` to the next."""

    ends: Ints
    """One more than rows; begins with 0."""

    def positions(self, rows: Ints) -> tuple[Ints, Ints]:
        """Where the items of these rows lie, and which of the `rows` each belongs to."""
        starts, lengths = self.ends[rows], self.ends[rows + 1] - self.ends[rows]
        owner = np.repeat(np.arange(len(rows)), lengths)
        before = np.cumsum(lengths) - lengths
        return np.arange(len(owner)) - before[owner] + starts[owner], owner

    @classmethod
    def of(cls, lengths: Any) -> "Rows":
        """Rows of these lengths."""
        return cls(np.concatenate(([0], np.cumsum(np.asarray(lengths, np.int64)))))


def inverted(numbers: Any, owners: Ints, count: int) -> tuple[Rows, NDArray[np.int32]]:
    """By number, from 0 to `count` - 1, the owners that have it, ascending."""
    order = np.argsort(numbers, kind="stable")
    return Rows.of(np.bincount(numbers, minlength=count)), owners[order].astype(np.int32)


class Segment:
    """Some vacancies, or some resumes, that do not change; one may only die.

    Sorted by number, each of which is there once.
    """

    def __init__(self, packed: Sequence[Packed], codes: Codes, *, demands: bool) -> None:
        head = np.frombuffer(b"".join(one.head for one in packed), HEAD).copy()
        head["number"] = [one.number for one in packed]
        order = np.argsort(head["number"], kind="stable")
        parts = [packed[n] for n in order.tolist()]
        self._finish(
            head[order],
            *_joined(SKILL, [one.skills for one in parts]),
            *_joined(LANGUAGE, [one.languages for one in parts]),
            *_joined(np.dtype("<i8"), [one.words for one in parts]),
            codes=codes,
            demands=demands,
        )

    @classmethod
    def merged(cls, segments: Iterable["Segment"], codes: Codes, *, demands: bool) -> "Segment":
        """What is alive in these, in one."""
        parts = [(one, np.flatnonzero(one.alive)) for one in segments]
        head = np.concatenate([one.head[rows] for one, rows in parts])
        order = np.argsort(head["number"], kind="stable")
        lists = (
            ("skill", "skills"),
            ("language", "languages"),
            ("word", "words"),
        )
        columns: list[Any] = []
        for items, rows in lists:
            taken = [_taken(getattr(one, items), getattr(one, rows), at) for one, at in parts]
            all_items = np.concatenate([values for values, _ in taken])
            all_rows = Rows.of(np.concatenate([np.diff(ends.ends) for _, ends in taken]))
            columns += _taken(all_items, all_rows, order)
        merged = cls.__new__(cls)
        merged._finish(head[order], *columns, codes=codes, demands=demands)
        return merged

    def _finish(
        self,
        head: Any,
        skill: Any,
        skills: Rows,
        language: Any,
        languages: Rows,
        word: Any,
        words: Rows,
        *,
        codes: Codes,
        demands: bool,
    ) -> None:
        self.head, self.skill, self.skills = head, skill, skills
        self.language, self.languages, self.word, self.words = language, languages, word, words
        self.numbers = np.ascontiguousarray(head["number"])
        self.alive = np.ones(len(head), np.bool_)
        self.codes = codes
        self.code = codes.numbers(skill["code"])
        self.level = np.ascontiguousarray(skill["level"])
        self.owner = np.repeat(np.arange(len(head)), np.diff(skills.ends))
        self.weight = np.bincount(self.owner, codes.weights[self.code], minlength=len(head))
        self.column = {
            name: np.ascontiguousarray(head[name])
            for name in ("formats", "employment", "band", "relocation", "months", "area")
        } | {name: np.ascontiguousarray(head[name]) for name in ("currency", "least", "most")}
        self.occupations = np.ascontiguousarray(head["occupations"])
        self.likeness = np.ascontiguousarray(head["likeness"])
        if demands:
            self._index_demands()
        else:
            self.inverted = inverted(self.code, self.owner, len(codes))

    def _index_demands(self) -> None:
        """Each vacancy under its rarest must-have, or under all that a match may have to touch."""
        count = len(self.codes)
        popular = np.bincount(self.code, minlength=count)
        is_must = self.skill["must"].astype(np.bool_)
        at = np.flatnonzero(is_must)
        self.musts = Rows.of(np.bincount(self.owner[at], minlength=len(self.head)))
        self.must = self.code[at]
        order = np.lexsort((popular[self.code[at]], self.owner[at]))
        first = np.ones(len(at), np.bool_)
        first[1:] = np.diff(self.owner[at][order]) != 0
        probes = at[order][first]
        self.inverted = inverted(self.code[probes], self.owner[probes], count)
        no_must = np.diff(self.musts.ends) == 0
        rest = np.flatnonzero(no_must[self.owner])
        # The commonest last: they need not be looked at once what is left of them is too little.
        order = rest[np.lexsort((popular[self.code[rest]], self.owner[rest]))]
        weights, owners = self.codes.weights[self.code[order]], self.owner[order]
        before = np.cumsum(weights) - weights
        starts = np.ones(len(order), np.bool_)
        starts[1:] = np.diff(owners) != 0
        base = np.repeat(before[starts], np.diff(np.append(np.flatnonzero(starts), len(order))))
        left = self.weight[owners] - (before - base)
        needed = left >= _LEAST_SKILLS**2 * self.weight[owners] - EPSILON
        self.prefixes = inverted(self.code[order][needed], owners[needed], count)

    def __len__(self) -> int:
        return len(self.head)

    def slot(self, number: int) -> int | None:
        """Where a number is, dead or alive."""
        at = int(np.searchsorted(self.numbers, number))
        return at if at < len(self.numbers) and self.numbers[at] == number else None

    def kill(self, number: int) -> None:
        """Take one away, if it is here."""
        if (slot := self.slot(number)) is not None:
            self.alive[slot] = False

    def id(self, slot: int) -> UUID:
        """Whose slot this is."""
        return UUID(bytes=self.head["id"][slot].tobytes())

    def skills_of(self, slot: int) -> list[tuple[int, int, int, int]]:
        """Code, place, level and must of each."""
        rows: list[tuple[int, int, int, int]] = self.skill[self._range(self.skills, slot)].tolist()
        return rows

    def languages_of(self, slot: int) -> list[tuple[int, int]]:
        """Code and level of each."""
        rows: list[tuple[int, int]] = self.language[self._range(self.languages, slot)].tolist()
        return rows

    def words_of(self, slot: int) -> list[int]:
        """The codes of its words."""
        words: list[int] = self.word[self._range(self.words, slot)].tolist()
        return words

    def _range(self, rows: Rows, slot: int) -> slice:
        return slice(int(rows.ends[slot]), int(rows.ends[slot + 1]))


def _taken(items: Any, rows: Rows, at: Ints) -> tuple[Any, Rows]:
    """The lists of these rows alone, in this order."""
    return items[rows.positions(at)[0]], Rows.of(np.diff(rows.ends)[at])


def _joined(dtype: Any, parts: Sequence[bytes]) -> tuple[Any, Rows]:
    sizes = np.fromiter((len(part) for part in parts), np.int64, len(parts))
    return np.frombuffer(b"".join(parts), dtype), Rows.of(sizes // dtype.itemsize)


def demands_for(segment: Segment, offer: Offer) -> Ints:
    """Slots of the vacancies that this resume may fit."""
    codes = segment.codes
    # One more than there are, for codes that came after the segment was made.
    size = max(len(codes), 1)
    levels = np.full(size, -1, np.int8)
    known = []
    for skill, have in offer.skills.items():
        number = codes.number(skill)
        if number is not None:
            levels[number] = have.level
            known.append(number)
    mine = np.array(known, np.int64)
    by_must = _union(segment.inverted, mine)
    by_must = by_must[segment.alive[by_must]]
    at, owner = segment.musts.positions(by_must)
    lacking = np.bincount(owner, levels[segment.must[at]] < 0, minlength=len(by_must))
    by_must = by_must[lacking == 0]
    others = np.unique(_union(segment.prefixes, mine))
    slots = np.concatenate((by_must, others[segment.alive[others]]))
    slots = slots[_open_to(segment, slots, offer)]
    return slots[_points_of_demands(segment, slots, offer, levels) >= THRESHOLD - EPSILON]


def _union(lists: tuple[Rows, NDArray[np.int32]], numbers: Ints) -> Ints:
    rows, owners = lists
    here = numbers[numbers < len(rows.ends) - 1]
    return owners[rows.positions(here)[0]].astype(np.int64)


def _open_to(segment: Segment, slots: Ints, offer: Offer) -> Mask:
    column = segment.column
    formats, employment = column["formats"][slots], column["employment"][slots]
    good: Mask = np.ones(len(slots), np.bool_)
    if offer.work_formats:
        good &= (formats == 0) | (formats & offer.work_formats != 0)
    if offer.employment:
        good &= (employment == 0) | (employment & offer.employment != 0)
    if offer.area is not None and not offer.relocation:
        area = column["area"][slots]
        good &= (area == -1) | (area == offer.area) | (formats == WORK_FORMATS["remote"])
    return good & ~(_gaps(segment, slots, offer) > SALARY_GAP + EPSILON)


def _gaps(segment: Segment, slots: Ints, offer: Offer) -> Floats:
    """The share by which the expectation lies above what each offers; NaN when not said."""
    most = segment.column["most"][slots]
    if offer.pay is None:
        return np.full(len(slots), np.nan)
    same = segment.column["currency"][slots] == offer.currency
    nothing = 0.0 if offer.pay <= 0 else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(most > 0, (offer.pay - most) / most, nothing)
    return np.where(same & ~np.isnan(most), gap, np.nan)


def _points_of_demands(
    segment: Segment, slots: Ints, offer: Offer, levels: NDArray[np.int8]
) -> Floats:
    at, owner = segment.skills.positions(slots)
    code = segment.code[at]
    have = levels[code]
    weight = np.where(have >= 0, segment.codes.weights[code], 0.0)
    factor = _factors(segment.level[at], have)
    full = np.bincount(owner, weight, minlength=len(slots))
    met = np.bincount(owner, weight * factor, minlength=len(slots))
    points = _skill_points(met, full, segment.weight[slots], np.full(len(slots), offer.weight))
    band = segment.column["band"][slots]
    least = np.array(BAND_MONTHS, np.float64)[np.maximum(band, 0)]
    reached = np.where(offer.months >= least, 1.0, offer.months / np.maximum(least, 1))
    points += EXPERIENCE * np.where(band < 0, 0.5, reached)
    points += _salary_points(_gaps(segment, slots, offer))
    return points + OCCUPATION * _alike(segment, slots, offer.occupation) + TITLE


def _factors(asked: Any, have: Any) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.maximum(LEVEL_LEAST, have / asked.astype(np.float64))
    share = np.where(have == 0, LEVEL_UNKNOWN, share)
    return np.where((asked == 0) | (have >= asked), 1.0, share)


def _skill_points(met: Any, full: Any, demand: Any, offer: Any) -> Floats:
    excess = np.maximum(0.0, offer - full)
    long = EXCESS * (1 + np.log(np.maximum(excess, EXCESS) / EXCESS))
    size = np.sqrt(demand * (full + np.where(excess <= EXCESS, excess, long)))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size > 0, SKILLS * met / size, 0.0)


def _salary_points(gap: Floats) -> Floats:
    within = SALARY * np.where(gap <= 0, 1.0, 1 - 2 * gap / SALARY_GAP)
    return np.where(np.isnan(gap), SALARY / 2, np.maximum(within, -SALARY))


def _alike(segment: Segment, slots: Ints, occupation: Any) -> Floats:
    mine = np.zeros(max([*occupation, int(segment.occupations.max(initial=0))]) + 2)
    for number, weight in occupation.items():
        mine[number] = weight
    # -1, for none, is the last one: nothing.
    alike = (mine[segment.occupations[slots]] * segment.likeness[slots]).sum(axis=1)
    return np.asarray(np.minimum(1.0, alike), np.float64)


def offers_for(segment: Segment, demand: Demand) -> Ints:
    """Slots of the resumes that may fit this vacancy."""
    asks = [(segment.codes.number(ask.code), ask) for ask in demand.skills]
    musts = [number for number, ask in asks if ask.must]
    if None in musts:
        return np.empty(0, np.int64)
    rows, owners = segment.inverted
    if musts:
        lists = sorted((_list(rows, owners, number or 0) for number in musts), key=len)
        slots = lists[0]
        for other in lists[1:]:
            slots = slots[_contains(other, slots)]
    else:
        known = _prefix([(number, ask) for number, ask in asks], demand, rows)
        slots = np.unique(_union(segment.inverted, known))
    slots = slots[segment.alive[slots]]
    slots = slots[_would_take(segment, slots, demand)]
    return slots[_points_of_offers(segment, slots, demand, asks) >= THRESHOLD - EPSILON]


def _list(rows: Rows, owners: NDArray[np.int32], number: int) -> Ints:
    if number >= len(rows.ends) - 1:
        return np.empty(0, np.int64)
    return owners[rows.ends[number] : rows.ends[number + 1]].astype(np.int64)


def _contains(sorted_: Ints, values: Ints) -> Mask:
    if not len(sorted_):
        return np.zeros(len(values), np.bool_)
    at = np.minimum(np.searchsorted(sorted_, values), len(sorted_) - 1)
    return np.asarray(sorted_[at] == values, np.bool_)


def _prefix(asks: list[tuple[int | None, Ask]], demand: Demand, rows: Rows) -> Ints:
    """Of a demand without must-haves, the rarest skills of which a match has one."""

    def popularity(number: int | None) -> int:
        if number is None or number >= len(rows.ends) - 1:
            return 0
        return int(rows.ends[number + 1] - rows.ends[number])

    left, chosen = demand.weight, []
    for number, ask in sorted(asks, key=lambda one: popularity(one[0])):
        if left < _LEAST_SKILLS**2 * demand.weight - EPSILON:
            break
        left -= ask.weight
        if number is not None:
            chosen.append(number)
    return np.array(chosen, np.int64)


def _would_take(segment: Segment, slots: Ints, demand: Demand) -> Mask:
    column = segment.column
    good: Mask = np.ones(len(slots), np.bool_)
    if demand.work_format:
        formats = column["formats"][slots]
        good &= (formats == 0) | (formats & demand.work_format != 0)
    if demand.employment:
        employment = column["employment"][slots]
        good &= (employment == 0) | (employment & demand.employment != 0)
    if demand.area is not None and demand.work_format != WORK_FORMATS["remote"]:
        area = column["area"][slots]
        good &= (area == -1) | (area == demand.area) | (column["relocation"][slots] != 0)
    return good & ~(_expectations(segment, slots, demand) > SALARY_GAP + EPSILON)


def _expectations(segment: Segment, slots: Ints, demand: Demand) -> Floats:
    if demand.pay is None:
        return np.full(len(slots), np.nan)
    expected, most = segment.column["least"][slots], demand.pay[1]
    same = segment.column["currency"][slots] == demand.currency
    gap = (expected - most) / most if most > 0 else np.where(expected <= 0, 0.0, 1.0)
    return np.where(same & ~np.isnan(expected), gap, np.nan)


def _points_of_offers(
    segment: Segment, slots: Ints, demand: Demand, asks: list[tuple[int | None, Ask]]
) -> Floats:
    asked = np.full(max(len(segment.codes), 1), -1, np.int8)
    for number, ask in asks:
        if number is not None:
            asked[number] = ask.level
    at, owner = segment.skills.positions(slots)
    code = segment.code[at]
    wanted = asked[code]
    weight = np.where(wanted >= 0, segment.codes.weights[code], 0.0)
    factor = _factors(np.maximum(wanted, 0), segment.level[at])
    full = np.bincount(owner, weight, minlength=len(slots))
    met = np.bincount(owner, weight * factor, minlength=len(slots))
    points = _skill_points(met, full, np.full(len(slots), demand.weight), segment.weight[slots])
    if demand.band is None:
        points += EXPERIENCE / 2
    else:
        least = max(BAND_MONTHS[demand.band], 1)
        points += (
            EXPERIENCE * np.minimum(1.0, segment.column["months"][slots] / least)
            if (demand.band)
            else EXPERIENCE
        )
    points += _salary_points(_expectations(segment, slots, demand))
    return points + OCCUPATION * _alike(segment, slots, demand.occupation) + TITLE
