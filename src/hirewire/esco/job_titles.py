"""Maps job titles of adverts to occupations of ESCO, in English and Russian.

All 2,942 occupations are known, with their labels, alternative labels and Russian titles. A title
that is a known form of an occupation maps to it; any other title is compared by its words, and rare
words count more. The order of words, their endings, seniority, shifts and pay do not matter.
"""

import re
import unicodedata
from array import array
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from importlib.resources import files
from typing import Any

import numpy as np

from hirewire.esco import prepared
from hirewire.esco.dictionary import without_note
from hirewire.esco.forms import one_script
from hirewire.esco.hashed import hash_of
from hirewire.esco.job_codes import NTH_BITS, OWN_TITLE, Job
from hirewire.esco.job_tables import Occupation, all_occupations
from hirewire.esco.licences import with_categories
from hirewire.esco.qualifiers import level_words, rank_of
from hirewire.esco.stems import stemmed
from hirewire.esco.tables import skills, technologies

LEAST = 45
"""Similarities below this one, in per cent, are discarded."""
MOST = 3
"""The largest number of occupations for a title."""
BY_WORDS = 92
"""The highest similarity of a title that is not a known form."""
SECOND = 90
"""The similarity of a form that is primarily another occupation's name."""
BY_TOOL = 96
"""The likeness of a title that is a known form beside the names of tools: `Java programmer`."""
BY_HEAD = (80, 50)
"""The likeness of a title that is a known form after one or two words are left out that only
describe it: `night pizza chef` is a chef.
"""
_OTHER_HEAD = 0.75
"""The factor of a likeness by words if title and form have different heads: a salon coordinator is
no salon stylist.
"""
SURE = 75
"""The lowest similarity at which an advert counts as one of an occupation in a search."""
_UNKNOWN = 2.0
"""The weight of a word that no occupation has: most such words describe only the place or day."""
FILE, STEMMER = "titles.npz", "tantivy"
"""The prepared file of titles, and the library that removes their endings."""
_LONGEST = 200
_RUN = 6
_DATA = files("hirewire.esco") / "data"
_FILES = (
    "occupations.csv.gz",
    "titles.csv",
    "title_noise.txt",
    "title_generic.txt",
    "licences.csv",
)
_WORD = re.compile(r"[^\W_]+")
_PARTS = re.compile(r"[/,;|()\[\]«»\"]|\s[-–—+]\s|:|\bили\b|\bи/или\b|\bor\b")
_BRACKETS = re.compile(r"\([^)]*\)?|\[[^\]]*\]?")
_ENDINGS = re.compile(
    r"\((?:к?а|ца|ица|ница|щица|тель?ница|ша|иня|m|w|f|d|м|ж|s|[mfwdмж](?:\s*/\s*[mfwdмжx])+)\)|"
    r"(?<=\w)/(?:к?а|ца|ица|ница|щица|ша)\b|\b[mfwм]\s*/\s*[wfж](?:\s*/\s*[dx])?\b"
)
_WHOSE = re.compile(r"(?<=\w) to (?:the )?\w.*$")
"""The person whom an assistant assists: `PA to the director`."""
_WHERE = re.compile(r"(?<=\w) (?:at|for|in|of|with) \w.*$")
_FOR_WHOM = re.compile(r"(?<=\w) (?:в|во|для|к|на|при|с|со|у) \w.*$")
_NO_HEADS = "operative operator worker staff employee person сотрудник работник рабочий персонал"
_LANGUAGE = "(computer programming)"


@cache
def _noise() -> frozenset[str]:
    """Words for seniority, shifts, places and pay."""
    return frozenset((_DATA / "title_noise.txt").read_text(encoding="utf-8").split())


@cache
def _generic() -> frozenset[str]:
    """Stems of words that mean no occupation by themselves, though ESCO has them as a name of one:
    a supervisor of any trade is a supervisor.
    """
    words = (_DATA / "title_generic.txt").read_text(encoding="utf-8").split()
    return frozenset(stemmed(words))


@cache
def _no_heads() -> frozenset[str]:
    """Stems of heads that say no more than that somebody works."""
    return frozenset(stemmed(_NO_HEADS.split()))


@cache
def _tools() -> frozenset[str]:
    """Stems of the names of products and programming languages: in a title they only describe."""
    names = [name for label, _, forms in technologies() for name in (label, *forms)]
    names += [without_note(skill.label) for skill in skills() if skill.label.endswith(_LANGUAGE)]
    plain = [_WORD.findall(_plain(name)) for name in names]
    return frozenset(stemmed(one[0] for one in plain if len(one) == 1))


def _plain(text: str) -> str:
    text = with_categories(unicodedata.normalize("NFKC", text[:_LONGEST]))
    plain = one_script(text).casefold().replace("ё", "е")
    plain = _ENDINGS.sub("", plain).replace("'s", "").replace("’s", "")
    plain = _WHOSE.sub("", plain)
    return plain.replace("c++", "cplusplus").replace("c#", "csharp").replace("1c", "1с")


def _stems(plain: str, *, bare: bool) -> tuple[str, ...]:
    """The distinct stems of a text; `bare`: without words that say nothing about the job."""
    words = _WORD.findall(plain)
    if bare:
        words = [one for one in words if one not in _noise() and not one.isdigit()]
    return tuple(dict.fromkeys(stemmed(words)))


def _head(plain: str) -> str:
    """The stem of the word that says what somebody is; empty without any word."""
    word = _head_word(plain)
    return stemmed([word])[0] if word else ""


def _head_word(plain: str) -> str:
    """The word that says what somebody is: in English the last one, in Russian the first one."""
    words = _WORD.findall(plain)
    russian = [one for one in words if not one.isascii() and one not in _noise()]
    english = [one for one in _WORD.findall(_WHERE.sub("", plain)) if one not in _noise()][-1:]
    heads = [*russian[:1], *english, *words[:1]]
    return heads[0] if heads else ""


def _hash(text: str) -> int:
    return hash_of(text, 8)


def _key(stems: Iterable[str]) -> int:
    """A number for a set of stems, independent of their order."""
    return _hash(" ".join(sorted(stems)))


def built(occupations: Sequence[Occupation]) -> prepared.Arrays:
    """What the prepared file contains: takes a second of processor time.

    By form: its occupation, rank, key and head; by word, ordered by their hashes: its forms.
    """
    stems: dict[str, int] = {}
    keys, owners, ranks = array("Q"), array("H"), array("B")
    word, form, heads = array("i"), array("i"), array("i")
    named_by, ranked, texts = array("H"), array("B"), []
    for nth, one in enumerate(occupations):
        for rank, named in enumerate(((one.label, *one.russian[:1], *one.ours), one.forms)):
            for text in named:
                named_by.append(nth)
                ranked.append(rank)
                texts.append(_plain(text))
    words = dict.fromkeys(word for plain in texts for word in _WORD.findall(plain))
    stem = dict(zip(words, stemmed(words), strict=True))  # each word once
    for nth, rank, plain in zip(named_by, ranked, texts, strict=True):
        found = tuple(dict.fromkeys(stem[word] for word in _WORD.findall(plain)))
        if not found:
            continue
        for one in found:
            word.append(stems.setdefault(one, len(stems)))
            form.append(len(owners))
        heads.append(stems[stem[_head_word(plain)]])
        keys.append(_key(found))
        owners.append(nth)
        ranks.append(rank)
    hashes = np.array([_hash(one) for one in stems], np.uint64)
    order = np.argsort(hashes)
    place = np.argsort(order)
    """Words ordered by their hashes."""
    of_word = place[np.array(word, np.int32)]
    by_word = np.argsort(of_word, kind="stable")
    return {
        "isco": np.array([int(one.isco) for one in occupations], np.int16),
        "hashes": hashes[order],
        "keys": np.array(keys, np.uint64),
        "owner": np.array(owners, np.uint16),
        "rank": np.array(ranks, np.uint8),
        "head": place[np.array(heads, np.int32)].astype(np.uint16),
        "times": np.bincount(of_word, minlength=len(stems)).astype(np.uint16),
        "steps": np.diff(np.array(form, np.int32)[by_word], prepend=0),
    }


class Titles:
    """An index of the forms of all occupations: compact arrays without texts."""

    def __init__(self, arrays: prepared.Arrays) -> None:
        """`arrays`: as `built` gives them."""
        isco = arrays["isco"].astype(np.int32)
        self._codes = (isco << NTH_BITS) + np.arange(len(isco), dtype=np.int32)
        self._hashes, self._owner = arrays["hashes"], arrays["owner"]
        self._rank, self._head = arrays["rank"], arrays["head"].astype(np.int32)
        times = arrays["times"].astype(np.int64)
        self._ends = np.append(0, np.cumsum(times))
        self._forms = np.cumsum(arrays["steps"]).astype(np.int32)
        word = np.repeat(np.arange(len(times)), times)
        pairs = np.unique(word << 32 | self._owner[self._forms])
        spread = np.bincount(pairs >> 32, minlength=len(times))
        self._weight = np.log(1 + len(isco) / spread).astype(np.float64)
        self._form_weight = np.bincount(self._forms, self._weight[word], len(self._owner))
        order = np.lexsort((self._owner, self._rank, arrays["keys"]))
        self._keys = arrays["keys"][order]
        self._keyed = order.astype(np.int32)
        """The forms, ordered by key and then by rank."""

    def find(self, title: str) -> tuple[Job, ...]:
        """At most three occupations for a title, the most similar first.

        A title that is no known form also gets its own number, so that equal titles match each
        other even if no occupation has them.
        """
        plain = _plain(title)
        stems = _stems(plain, bare=True)
        exact = self._named(_stems(plain, bare=False)) or self._named(stems)
        if exact:
            return self._jobs(exact)
        found: dict[int, int] = {}
        texts = [(_BRACKETS.sub(" ", plain), 100)]
        parts = [part for part in _PARTS.split(plain) if part.strip()]
        if len(parts) > 1:
            texts += [(part, 96 if nth == 0 else 85) for nth, part in enumerate(parts)]
        for text, share in texts:
            some = _stems(text, bare=True)
            if _generic().issuperset(some):
                continue
            likest = self._named(_stems(text, bare=False)) or self._named(some)
            for one in [likest] if likest else [self._by_words(some, text), self._by_head(text)]:
                for nth, likeness in one.items():
                    found[nth] = max(found.get(nth, 0), likeness * share // 100)
        jobs = self._jobs(found)
        if not stems or (jobs and jobs[0].likeness >= BY_WORDS):
            return jobs
        own = Job(OWN_TITLE + (_key(stems) & (OWN_TITLE - 1)), 100)
        return (*jobs[: MOST - 1], own)

    def known(self, name: str) -> tuple[Job, ...]:
        """The occupations that have this name as a form; none for any other text."""
        return self._jobs(self._named(_stems(_plain(name), bare=False)))

    def _jobs(self, found: dict[int, int]) -> tuple[Job, ...]:
        best = sorted(found.items(), key=lambda one: (-one[1], one[0]))
        return tuple(
            Job(int(self._codes[nth]), likeness)
            for nth, likeness in best[:MOST]
            if likeness >= LEAST
        )

    def _exact(self, stems: tuple[str, ...]) -> dict[int, int]:
        """Occupations with a form of exactly these words."""
        if not stems:
            return {}
        low, high = (
            int(np.searchsorted(self._keys, np.uint64(_key(stems)), side))
            for side in ("left", "right")
        )
        found: dict[int, int] = {}
        for form in self._keyed[low:high].tolist():
            first = self._rank[form] == 0 or self._rank[self._keyed[low]] != 0
            found.setdefault(int(self._owner[form]), 100 if first else SECOND)
        return found

    def _by_head(self, plain: str) -> dict[int, int]:
        """Occupations that a title names beside words that only describe: tools anywhere, else the
        words before the last ones in English, or after the first ones in Russian.
        """
        stems = _stems(plain, bare=True)
        named = tuple(one for one in stems if one not in _tools())
        if named != stems and (found := self._named(named)):
            return dict.fromkeys(found, BY_TOOL)
        russian = tuple(one for one in named if not one.isascii())
        named, english = russian or named, not russian
        if russian and russian != stems and (found := self._named(russian)):
            return dict.fromkeys(found, BY_HEAD[0])
        whole = _stems(_FOR_WHOM.sub("", plain), bare=True)
        if russian and whole != stems and (found := self._named(whole)):
            return {nth: BY_HEAD[0] * sure // 100 for nth, sure in found.items()}
        if english:
            named = tuple(one for one in _stems(_WHERE.sub("", plain), bare=True) if one in named)
        for left_out, likeness in enumerate(BY_HEAD, 1):
            head = named[left_out:] if english else named[: max(len(named) - left_out, 0)]
            if found := self._named(head):
                return {nth: likeness * sure // 100 for nth, sure in found.items()}
        return {}

    def _named(self, stems: tuple[str, ...]) -> dict[int, int]:
        """Occupations with a form of exactly these words, unless they mean none by themselves."""
        return {} if _generic().issuperset(stems) else self._exact(stems)

    def _with(self, stem: str) -> Any:
        """The forms that have a stem."""
        at = int(np.searchsorted(self._hashes, np.uint64(_hash(stem))))
        if at == len(self._hashes) or self._hashes[at] != _hash(stem):
            return np.empty(0, np.int32)
        return self._forms[self._ends[at] : self._ends[at + 1]]

    def _by_words(self, stems: tuple[str, ...], plain: str) -> dict[int, int]:
        """Occupations by the words that a title shares with one of their forms."""
        sought = np.array([_hash(one) for one in stems], np.uint64)
        at = np.minimum(np.searchsorted(self._hashes, sought), len(self._hashes) - 1)
        known = at[self._hashes[at] == sought]
        if not len(known):
            return {}
        whole = float(self._weight[known].sum()) + _UNKNOWN * (len(stems) - len(known))
        lists = [self._forms[self._ends[n] : self._ends[n + 1]] for n in known.tolist()]
        weights = np.repeat(self._weight[known], [len(one) for one in lists])
        forms, place = np.unique(np.concatenate(lists), return_inverse=True)
        shared = np.bincount(place, weights)
        likeness = (shared / self._form_weight[forms]) ** 0.5 * (shared / whole) ** 0.5
        likeness -= 0.01 * self._rank[forms]
        head = _head(plain)
        if head not in _no_heads() and len(named := self._with(head)):
            has_head = np.isin(forms, named) | np.isin(self._head[forms], known)
            likeness[~has_head] *= _OTHER_HEAD
        owner = self._owner[forms]
        order = np.lexsort((owner, -likeness))[:50]
        found: dict[int, int] = {}
        for nth, share in zip(owner[order].tolist(), likeness[order].tolist(), strict=True):
            found.setdefault(nth, int(BY_WORDS * min(1.0, share)))
            if len(found) > MOST:
                break
        return found


@cache
def titles() -> Titles:
    """The index. The first call in a process reads it."""
    arrays = prepared.read(prepared.DATA, FILE, STEMMER)
    return Titles(built(all_occupations()) if arrays is None else arrays)


@lru_cache(maxsize=20_000)
def jobs_of(title: str) -> tuple[Job, ...]:
    """The occupations that match a title."""
    return titles().find(title)


@lru_cache(maxsize=20_000)
def level_of(title: str) -> int:
    """The rank that a title has beside its occupation, 1 to 5.

    0 if it is unknown: the words are part of the occupation's own name (`Head chef`).
    """
    for part in (title, *_PARTS.split(title)):
        words = {word for word, _ in level_words(part)}
        if not words:
            continue
        bare = " ".join(one for one in _WORD.findall(_plain(part)) if one not in words)
        named = {job.code for job in titles().known(part)}
        if named and named.isdisjoint(job.code for job in titles().known(bare)):
            return 0
    return rank_of(title)


def occupations_of(title: str) -> tuple[int, ...]:
    """The codes of the occupations that a title names beyond doubt."""
    return tuple(
        job.code for job in jobs_of(title) if job.code < OWN_TITLE and job.likeness >= SURE
    )


def words_for(code: int, title: str) -> str | None:
    """The words of a title, as typed, that are a name of this occupation; None if there are none.

    The longest run of at most `_RUN` adjacent words.
    """
    words = list(_WORD.finditer(title[:_LONGEST]))
    for length in range(min(_RUN, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            text = title[words[start].start() : words[start + length - 1].end()]
            if any(job.code == code for job in titles().known(text)):
                return text
    return None


@cache
def titles_edition() -> str:
    """The version of the occupations and their titles: a short hash."""
    data = [(_DATA / name).read_bytes() for name in _FILES]
    return blake2b(b"".join(data), digest_size=4).hexdigest()
