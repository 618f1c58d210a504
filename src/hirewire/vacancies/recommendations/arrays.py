"""Vacancies and resumes as arrays, and which of them can fit: a sieve before the exact scorer.

The sieve lets through everything that fits and little else. It applies the gates and the parts of
the score as `rules.judge` does, in doubles; what it leaves out (languages, titles, companies)
counts as in the best case. So whoever asks it must still judge what it lets through.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from hirewire.vacancies.recommendations.facts import weight_of
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
    Part,
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
    value = segment.value
    skills = [
        Ask(code, must, level, weight) for code, weight, _, level, must in segment.skills_of(slot)
    ]
    band = value("band", slot)
    return Demand(
        skills=skills,
        weight=sum([ask[3] for ask in skills]),
        title=frozenset(segment.words_of(slot)),
        occupation=segment.occupation_of(slot),
        band=None if band < 0 else band,
        area=_known(value("area", slot)),
        work_format=value("formats", slot) or None,
        employment=value("employment", slot) or None,
        pay=segment.pay_of(slot),
        currency=_known(value("currency", slot)),
        languages=segment.languages_of(slot),
        company=value("company", slot),
    )


def offer_from(segment: "Segment", slot: int) -> Offer:
    """The resume at a slot, for the exact scorer."""
    value = segment.value
    skills = {
        code: Have(level, weight, place)
        for code, weight, place, level, _ in segment.skills_of(slot)
    }
    words = segment.words_of(slot)
    end = words.index(0)
    pay = segment.pay_of(slot)
    return Offer(
        skills=skills,
        weight=sum([have[1] for have in skills.values()]),
        title=frozenset(words[:end]),
        occupation=segment.occupation_of(slot),
        months=value("months", slot),
        area=_known(value("area", slot)),
        relocation=bool(value("relocation", slot)),
        work_formats=value("formats", slot),
        employment=value("employment", slot),
        pay=None if pay is None else pay[0],
        currency=_known(value("currency", slot)),
        languages=dict(segment.languages_of(slot)),
        hidden_from=frozenset(words[end + 1 :]),
    )


def _known(value: int) -> int | None:
    return None if value < 0 else value


class Codes:
    """Small numbers in place of skills' codes, the same in all segments of a process."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._lock = Lock()
        self.codes: list[int] = []
        """By number."""
        self.weights: Floats = np.empty(0)

    def __len__(self) -> int:
        return len(self.codes)

    def numbers(self, codes: Ints) -> NDArray[np.int32]:
        """The numbers of these codes; new codes get new ones."""
        unique, inverse = np.unique(codes, return_inverse=True)
        numbers = np.empty(len(unique), np.int32)
        with self._lock:  # segments are merged in a thread
            for nth, code in enumerate(unique.tolist()):
                number = self._numbers.get(code)
                if number is None:
                    number = len(self.codes)
                    self.codes.append(code)
                    self._numbers[code] = number
                numbers[nth] = number
            if new := [weight_of(code) for code in self.codes[len(self.weights) :]]:
                self.weights = np.concatenate((self.weights, new))
        return numbers[inverse]

    def number(self, code: int) -> int | None:
        """The number of a code; None when no segment has it."""
        return self._numbers.get(code)


@dataclass(frozen=True, slots=True)
class Rows:
    """Lists of different lengths, one after the other: row n is from ``ends[n]`` to the next."""

    ends: NDArray[np.int32] | Ints
    """One more than rows; begins with 0."""

    def positions(self, rows: Ints) -> tuple[Ints, Ints]:
        """Where the items of these rows lie, and which of the `rows` each belongs to."""
        starts = self.ends[rows]
        lengths = self.ends[rows + 1] - starts
        owner = np.repeat(np.arange(len(rows)), lengths)
        before = np.cumsum(lengths) - lengths
        return np.arange(len(owner)) - before[owner] + starts[owner], owner

    @classmethod
    def of(cls, lengths: Any) -> "Rows":
        """Rows of these lengths."""
        ends = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=ends[1:])
        return cls(ends.astype(np.int32) if ends[-1] < 2**31 else ends)

    @property
    def lengths(self) -> Any:
        """Of each row."""
        return np.diff(self.ends)


def inverted(numbers: Any, owners: Any, count: int) -> tuple[Rows, NDArray[np.int32]]:
    """By number, from 0 to `count` - 1, the owners that have it, ascending."""
    pairs = numbers.astype(np.int64)
    pairs <<= 32
    pairs |= owners
    pairs.sort()  # in place: of all that is done here it is done with the most
    return Rows.of(np.bincount(numbers, minlength=count)), pairs.astype(np.int32)


class Columns:
    """Some vacancies or resumes, each thing that they have in an array of its own."""

    def __init__(self, of: dict[str, Any], lists: dict[str, tuple[dict[str, Any], Rows]]) -> None:
        self.of = of
        """What each has once, by its name."""
        self.lists = lists
        """`skills`, `languages` and `words`: what each item has, by its name, and whose it is."""

    @classmethod
    def unpacked(cls, packed: Sequence[Packed], codes: Codes) -> "Columns":
        """Of these, in the order of their numbers."""
        numbers = np.array([one.number for one in packed], np.int64)
        order = np.argsort(numbers, kind="stable")
        parts = [packed[n] for n in order.tolist()]
        head = np.frombuffer(b"".join(one.head for one in parts), HEAD)
        of = {name: np.ascontiguousarray(head[name]) for name in HEAD.names or ()}
        skill, skills = _joined(SKILL, [one.skills for one in parts])
        language, languages = _joined(LANGUAGE, [one.languages for one in parts])
        word, words = _joined(np.dtype("<i8"), [one.words for one in parts])
        number = codes.numbers(skill["code"])
        owner = np.repeat(np.arange(len(parts)), skills.lengths)
        of["number"] = numbers[order]
        of["weight"] = np.bincount(owner, codes.weights[number], minlength=len(parts))
        by_name = {name: np.ascontiguousarray(skill[name]) for name in ("place", "level", "must")}
        return cls(
            of,
            {
                "skills": ({"number": number, **by_name}, skills),
                "languages": ({"language": language}, languages),
                "words": ({"word": word}, words),
            },
        )

    @classmethod
    def joined(cls, parts: "list[Columns]", alive: Sequence[Mask] | None = None) -> "Columns":
        """What is alive in these, in the order of their numbers.

        Without `alive` it is all, and each array of the parts is let go once it is taken over, so
        that they do not take the memory twice.
        """
        names, lists = list(parts[0].of), {n: list(one[0]) for n, one in parts[0].lists.items()}
        rows = None if alive is None else [np.flatnonzero(one) for one in alive]

        def taken(held: list[dict[str, Any]], name: str, at: Sequence[Any] | None) -> Any:
            if at is None:
                return np.concatenate([one.pop(name) for one in held])
            return np.concatenate([one[name][n] for one, n in zip(held, at, strict=True)])

        heads = [one.of for one in parts]
        numbers = taken(heads, "number", rows)
        order = np.argsort(numbers, kind="stable")
        of = {"number": numbers[order]}
        of |= {name: taken(heads, name, rows)[order] for name in names if name != "number"}
        joined: dict[str, tuple[dict[str, Any], Rows]] = {}
        for name, items in lists.items():
            ends = [one.lists[name][1] for one in parts]
            held = [one.lists[name][0] for one in parts]
            at = None
            lengths = [one.lengths for one in ends]
            if rows is not None:
                at = [one.positions(n)[0] for one, n in zip(ends, rows, strict=True)]
                lengths = [one[n] for one, n in zip(lengths, rows, strict=True)]
            before = Rows.of(np.concatenate(lengths))
            places = before.positions(order)[0].astype(before.ends.dtype)
            ordered = {item: taken(held, item, at)[places] for item in items}
            joined[name] = ordered, Rows.of(before.lengths[order])
        return cls(of, joined)


class Segment:
    """Some vacancies, or some resumes, that do not change; one may only die.

    Sorted by number, each of which is there once.
    """

    def __init__(self, columns: Columns, codes: Codes, *, demands: bool) -> None:
        self.columns = columns
        self.codes = codes
        self.column = column = columns.of
        self.numbers, self.weight = column["number"], column["weight"]
        self.occupations, self.likeness = column["occupations"], column["likeness"]
        (skill, self.skills) = columns.lists["skills"]
        self.code, self.level = skill["number"], skill["level"]
        self._place, self._must = skill["place"], skill["must"]
        (language, self._languages) = columns.lists["languages"]
        (word, self._words) = columns.lists["words"]
        self._language, self._word = language["language"], word["word"]
        self.alive = np.ones(len(self.numbers), np.bool_)
        owner = np.repeat(np.arange(len(self.numbers), dtype=np.int32), self.skills.lengths)
        if demands:
            self._index_demands(owner)
        else:
            self.inverted = inverted(self.code, owner, len(codes))

    @classmethod
    def of(cls, packed: Sequence[Packed], codes: Codes, *, demands: bool) -> "Segment":
        """These, in one."""
        return cls(Columns.unpacked(packed, codes), codes, demands=demands)

    @classmethod
    def merged(cls, segments: Iterable["Segment"], codes: Codes, *, demands: bool) -> "Segment":
        """What is alive in these, in one."""
        parts = list(segments)
        joined = Columns.joined([one.columns for one in parts], [one.alive for one in parts])
        return cls(joined, codes, demands=demands)

    def _index_demands(self, owner: Any) -> None:
        """Each vacancy under its rarest must-have, or under all that a match may have to touch."""
        count = len(self.codes)
        popular = np.bincount(self.code, minlength=count)
        at = np.flatnonzero(self._must)
        self.musts = Rows.of(np.bincount(owner[at], minlength=len(self)))
        self.must = self.code[at]
        order = np.lexsort((popular[self.code[at]], owner[at]))
        first = np.ones(len(at), np.bool_)
        first[1:] = np.diff(owner[at][order]) != 0
        probes = at[order][first]
        self.inverted = inverted(self.code[probes], owner[probes], count)
        no_must = self.musts.lengths == 0
        rest = np.flatnonzero(no_must[owner])
        # The commonest last: they need not be looked at once what is left of them is too little.
        order = rest[np.lexsort((popular[self.code[rest]], owner[rest]))]
        weights, owners = self.codes.weights[self.code[order]], owner[order]
        before = np.cumsum(weights) - weights
        starts = np.ones(len(order), np.bool_)
        starts[1:] = np.diff(owners) != 0
        base = np.repeat(before[starts], np.diff(np.append(np.flatnonzero(starts), len(order))))
        left = self.weight[owners] - (before - base)
        needed = left >= _LEAST_SKILLS**2 * self.weight[owners] - EPSILON
        self.prefixes = inverted(self.code[order][needed], owners[needed], count)

    def __len__(self) -> int:
        return len(self.numbers)

    def slot(self, number: int) -> int | None:
        """Where a number is, dead or alive."""
        at = int(np.searchsorted(self.numbers, number))
        return at if at < len(self.numbers) and self.numbers[at] == number else None

    def kill(self, number: int) -> None:
        """Take one away, if it is here."""
        if (slot := self.slot(number)) is not None:
            self.alive[slot] = False

    def asked(self) -> NDArray[np.int64]:
        """How many that are alive have each skill, by its number."""
        alive = np.repeat(self.alive, self.skills.lengths)
        return np.bincount(self.code[alive], minlength=len(self.codes))

    def id(self, slot: int) -> UUID:
        """Whose slot this is."""
        return UUID(bytes=self.column["id"][slot].tobytes())

    def value(self, name: str, slot: int) -> Any:
        """Of what each has once, this one's."""
        return self.column[name].item(slot)

    def pay_of(self, slot: int) -> tuple[float, float] | None:
        """Least and most; None when it is not said."""
        least = self.value("least", slot)
        return None if least != least else (least, self.value("most", slot))

    def occupation_of(self, slot: int) -> dict[int, float]:
        """Its likeness to occupations."""
        pairs = zip(self.occupations[slot].tolist(), self.likeness[slot].tolist(), strict=True)
        return {occupation: weight for occupation, weight in pairs if occupation >= 0}

    def skills_of(self, slot: int) -> list[tuple[int, float, int, int, bool]]:
        """Code, weight, place, level and must of each."""
        items = self._range(self.skills, slot)
        numbers = self.code[items]
        codes = self.codes.codes
        return [
            (codes[number], weight, place, level, must != 0)
            for number, weight, place, level, must in zip(
                numbers.tolist(),
                self.codes.weights[numbers].tolist(),
                self._place[items].tolist(),
                self.level[items].tolist(),
                self._must[items].tolist(),
                strict=True,
            )
        ]

    def languages_of(self, slot: int) -> list[tuple[int, int]]:
        """Code and level of each."""
        rows: list[tuple[int, int]] = self._language[self._range(self._languages, slot)].tolist()
        return rows

    def words_of(self, slot: int) -> list[int]:
        """The codes of its words."""
        words: list[int] = self._word[self._range(self._words, slot)].tolist()
        return words

    def having(self, skill: int) -> Mask:
        """Which resumes have a skill, by its code."""
        found: Mask = np.zeros(len(self), np.bool_)
        number = self.codes.number(skill)
        if number is not None:
            found[_list(*self.inverted, number)] = True
        return found

    def speaking(self, language: int, level: int) -> Mask:
        """Which name no language, or this one at such a level at least."""
        good = (self._language["code"] == language) & (self._language["level"] >= level)
        silent: Mask = self._languages.lengths == 0
        return silent | self._with_any(self._languages, good)

    def hidden_from(self, company: int) -> Mask:
        """Which resumes are hidden from a company."""
        return self._with_any(self._words, self._word == company)

    def _with_any(self, rows: Rows, items: Mask) -> Mask:
        """Which have one of these items in their list."""
        found: Mask = np.zeros(len(self), np.bool_)
        found[np.searchsorted(rows.ends, np.flatnonzero(items), "right") - 1] = True
        return found

    def _range(self, rows: Rows, slot: int) -> slice:
        return slice(rows.ends.item(slot), rows.ends.item(slot + 1))


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
    good: Mask = np.ones(len(slots), np.bool_)
    for _, passing in gates_of_offers(segment, slots, demand):
        good &= passing
    return good


def gates_of_offers(segment: Segment, slots: Ints, demand: Demand) -> Iterator[tuple[Part, Mask]]:
    """Of each gate that a vacancy has beside skills and languages, which resumes pass it."""
    column = segment.column
    if demand.work_format:
        formats = column["formats"][slots]
        yield "work_format", (formats == 0) | (formats & demand.work_format != 0)
    if demand.employment:
        employment = column["employment"][slots]
        yield "employment_type", (employment == 0) | (employment & demand.employment != 0)
    if demand.area is not None and demand.work_format != WORK_FORMATS["remote"]:
        area = column["area"][slots]
        yield "area", (area == -1) | (area == demand.area) | (column["relocation"][slots] != 0)
    if demand.pay is not None:
        gap = _expectations(segment, slots, demand)
        yield "salary", ~(gap > SALARY_GAP + EPSILON)


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
