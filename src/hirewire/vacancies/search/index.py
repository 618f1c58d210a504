"""Search over vacancies and over resumes: tantivy indexes beside the tables, derived from them.

An index lies in a folder, or in memory when there is none, and knows up to which transaction of
which database it has read. It is never the truth: whoever answers from it reads the rows found.
"""

import asyncio
import fcntl
import json
import os
import shutil
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from html import escape
from pathlib import Path
from threading import Lock
from typing import IO, Any, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tantivy import (
    Document,
    FieldType,
    Index,
    IndexWriter,
    Occur,
    Order,
    Query,
    Schema,
    SchemaBuilder,
    Searcher,
    SnippetGenerator,
)

from hirewire.esco import edition
from hirewire.vacancies.search.facts import Document as Values
from hirewire.vacancies.search.phrasing import Phrased, Phrasing, analyzer, plain_analyzer
from hirewire.vacancies.search.rules import plain

FORMAT = 4
"""Of the documents and of the state beside them; an index of another format is made anew."""
MOST_FOLDERS = 64
MOST_DEEP = 1000
"""How deep a list in order of relevance goes."""
MOST_BUCKETS = 65_000
CANDIDATES = 3
WIDE = frozenset({"company"})
"""Fields of which most values are rare: naming them all costs more than counting some twice."""
MOST_LABELS = 20_000
"""Values whose writing is kept, of each kind; then they are read anew."""
MOST_COUNTS = 4_000
"""Facets kept for searches that come again, of 30 values at most each."""
_COUNTING = ThreadPoolExecutor(4, thread_name_prefix="counting")
"""For what stands beside a list; its parts are counted by the others, so that none waits for one
that waits."""
_THREADS = ThreadPoolExecutor(4, thread_name_prefix="facets")
LONGEST_WAIT = 0.05
"""Seconds that a search waits for what was committed just before it."""
HEAP_BYTES = 16_000_000
"""Of the writer; tantivy takes no less than 15 MB. What is more is a segment of its own."""
FRAGMENT_CHARACTERS = 240


@dataclass(frozen=True)
class Shape:
    """What documents of one kind have."""

    name: str
    texts: Mapping[str, float]
    """Fields of words, with the weight of each."""
    codes: Sequence[str]
    """Fields of exact values: to filter by, and to count."""
    many: Sequence[str]
    """Fields of several exact values a document, out of very many: counted by a number of each
    (`number_of`), since to write out each value that was met would take longer than counting."""
    kept: Sequence[str] = ()
    """Fields that are only given back."""

    def schema(self) -> Schema:
        """As tantivy wants it."""
        builder = SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
        for name in self.texts:
            builder.add_text_field(name, tokenizer_name="words")
        builder.add_text_field("whole_words", tokenizer_name="plain", index_option="basic")
        for name in self.codes:
            builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
        for name in self.many:
            builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
            builder.add_unsigned_field(f"{name}_number", indexed=True, fast=True)
        for name in self.kept:
            builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
        for name in ("time", "pay"):
            builder.add_unsigned_field(name, indexed=True, fast=True)
        return builder.build()


VACANCIES = Shape(
    "vacancies",
    {
        "title": 3.0,
        "skill_words": 2.0,
        "company_words": 1.5,
        "place_words": 1.0,
        "description": 1.0,
    },
    ("company", "area", "workFormat", "employmentType", "experience", "currency"),
    ("skill",),
    ("area_label",),
)
RESUMES = Shape(
    "resumes",
    {
        "title": 3.0,
        "skill_words": 2.0,
        "work_words": 1.5,
        "study_words": 1.0,
        "place_words": 1.0,
    },
    ("area", "workFormat", "employmentType", "experience", "currency", "hidden_from"),
    ("skill",),
    ("area_label",),
)


@dataclass(frozen=True)
class Wanted:
    """What is looked for, and how much of it."""

    text: str = ""
    any_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    all_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    none_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)
    """Both ends belong to it."""
    order: str = "time"
    """`time` or `pay`, the greatest first, or `relevance`."""
    limit: int = 20
    after: tuple[int, str] | None = None
    """The place of the last one seen: its value and id, or, by relevance, how many were seen."""
    facets: Mapping[str, int] = field(default_factory=dict)
    """Fields to count by, with how many values of each are wanted."""
    recent: Sequence[int] = ()
    """Count also what is not older than these times, microseconds."""


@dataclass
class Counted:
    """What stands beside a list."""

    facets: dict[str, list[tuple[str, int]]]
    """Each counts as if its own field were not narrowed."""
    recent: list[int]


@dataclass
class Found:
    """What an index has of what is looked for."""

    ids: list[UUID]
    places: list[tuple[int, str]]
    total: int
    phrased: Phrased
    count: Callable[[], Counted]
    """Count what was wanted, on the same state of the index: it takes longer than finding, so
    that the rows can be read meanwhile. Thread-safe."""


class Counts:
    """Facets of one state of the index that were counted already: broad searches come again and
    again, and cost the most. Thread-safe.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, list[tuple[str, int]]] = {}
        self._lock = Lock()

    def get(self, key: Hashable) -> list[tuple[str, int]] | None:
        """What was counted; None when it was not."""
        with self._lock:
            return self._known.get(key)

    def put(self, key: Hashable, counted: list[tuple[str, int]]) -> None:
        """Keep this, and let go of the oldest when there are too many."""
        with self._lock:
            if len(self._known) >= MOST_COUNTS:
                del self._known[next(iter(self._known))]
            self._known[key] = counted


_Key = TypeVar("_Key")


class Busy(Exception):
    """Every folder for this index is in use by another process."""


class SearchIndex:
    """One index. `put`, `clear` and `settle` are for one thread at a time."""

    def __init__(self, shape: Shape, folder: Path | None = None) -> None:
        """Open the index in this folder, or make it there; in memory when there is none.

        Raises `ValueError` or `OSError` when the folder holds no good index.
        """
        self.shape = shape
        self.folder = folder
        self.schema = shape.schema()
        self.state = _state(folder)
        if folder is None:
            self._index = Index(self.schema)
        else:
            if self.state.get("format") != _format():
                shutil.rmtree(folder / "index", ignore_errors=True)
                self.state = {}
            (folder / "index").mkdir(parents=True, exist_ok=True)
            self._index = Index(self.schema, path=str(folder / "index"))
        self._index.register_tokenizer("words", analyzer())
        self._index.register_tokenizer("plain", plain_analyzer())
        self._writer: IndexWriter | None = self._index.writer(HEAP_BYTES, num_threads=1)
        self._view = self._index.searcher(), Counts()
        self._labels: dict[tuple[str, str], str] = {}
        self._numbered: dict[tuple[str, int], str] = {}
        self.catch_up: Callable[[], Awaitable[None]] | None = None
        """Takes over what is committed by now; set by whoever keeps the index."""

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def put(self, documents: Iterable[tuple[str, Values | None]], *, fresh: bool = False) -> None:
        """Take these in place of what is known of their ids; None: it is no longer there.

        `fresh`: none of them is known. They are found after the next `settle`.
        """
        assert self._writer is not None
        for id, values in documents:
            if not fresh:
                self._writer.delete_documents_by_term("id", id)
            if values is not None:
                self._writer.add_document(self._document(id, values))

    def clear(self) -> None:
        """Take everything out, and forget how far it went."""
        assert self._writer is not None
        if self.folder is not None:
            (self.folder / "state.json").unlink(missing_ok=True)
        self._writer.delete_all_documents()
        self.state = {}

    def settle(self, state: Mapping[str, Any]) -> None:
        """Let what was put be found, and remember how far it goes."""
        assert self._writer is not None
        self._writer.commit()
        if self.folder is not None:
            temporary = self.folder / "state.json.new"
            temporary.write_text(json.dumps(dict(state) | {"format": _format()}))
            temporary.replace(self.folder / "state.json")
        self.state = dict(state)
        self._index.reload()
        self._view = self._index.searcher(), Counts()

    def close(self) -> None:
        """Let go of the folder."""
        self._writer = None

    async def refreshed(self) -> None:
        """Wait until what is committed by now is found, but not for long."""
        if self.catch_up is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_WAIT):
                    await asyncio.shield(self.catch_up())

    @property
    def _searcher(self) -> Searcher:
        return self._view[0]

    def find(self, wanted: Wanted) -> Found:
        """Look for it. Thread-safe; sees one commit."""
        searcher, counts = self._view
        return _Search(self, searcher, counts, wanted).run()

    def label(self, name: str, value: str) -> str:
        """How a value of a field is written by somebody who used it."""
        known = self._labels.get((name, value))
        if known is None:
            query = Query.term_query(self.schema, name, value, index_option="basic")
            hits = self._searcher.search(query, 1, count=False).hits
            found = self._searcher.doc(hits[0][1]).get_first(f"{name}_label") if hits else None
            known = _kept(self._labels, (name, value), str(found or value))
        return known

    def numbered(self, searcher: Searcher, name: str, number: int) -> str:
        """The value of a field with this number, as a document has it that the searcher sees."""
        known = self._numbered.get((name, number))
        if known is None:
            query = Query.term_query(self.schema, f"{name}_number", number)
            [(_, address)] = searcher.search(query, 1, count=False).hits
            values = searcher.doc(address).get_all(name)
            known = next(str(value) for value in values if number_of(str(value)) == number)
            _kept(self._numbered, (name, number), known)
        return known

    def _document(self, id: str, values: Values) -> Document:
        document = Document()
        document.add_text("id", id)
        for name, value in values.items():
            if isinstance(value, int):
                document.add_unsigned(name, value)
                continue
            for text in value if isinstance(value, list) else (value,):
                document.add_text(name, text)
                if name in self.shape.many:
                    document.add_unsigned(f"{name}_number", number_of(text))
        return document

    def marked(self, name: str, phrased: Phrased, texts: Sequence[str]) -> list[str | None]:
        """Of each text the best fragment as HTML with the words found in `<mark>`; or None."""
        if phrased.query is None:
            return [None] * len(texts)
        generator = SnippetGenerator.create(self._searcher, phrased.query, self.schema, name)
        generator.set_max_num_chars(FRAGMENT_CHARACTERS)
        return [_marked(generator, name, text) for text in texts]


def _kept(labels: dict[_Key, str], key: _Key, value: str) -> str:
    """Keep this among no more than there is room for. Threads may do it at once."""
    if len(labels) >= MOST_LABELS:
        labels.clear()
    labels[key] = value
    return value


def _marked(generator: SnippetGenerator, name: str, text: str) -> str | None:
    """A text that is short enough stays whole."""
    if not text:
        return None
    searched = plain(text)
    document = Document()
    document.add_text(name, searched)
    snippet = generator.snippet_from_doc(document)
    spans = sorted((span.start, span.end) for span in snippet.highlighted())
    if not spans:
        return None
    chosen, encoded = snippet.fragment_range(), searched.encode()

    def place_of(offset: int) -> int:
        """In the text, whose characters stand where those that were searched do; offsets are bytes
        from the fragment's beginning.
        """
        return len(encoded[: chosen.start + offset].decode())

    is_cut = len(text) > FRAGMENT_CHARACTERS
    # A fragment ends with its last word: a short title would lose its last bracket.
    place, end = (place_of(0), place_of(chosen.end - chosen.start)) if is_cut else (0, len(text))
    parts = []
    for start, stop in ((place_of(start), place_of(stop)) for start, stop in spans):
        if start >= place:
            parts += [escape(text[place:start]), "<mark>", escape(text[start:stop]), "</mark>"]
            place = stop
    return "".join([*parts, escape(text[place:end])])


class _Search:
    """One search, on one state of the index."""

    def __init__(
        self, index: SearchIndex, searcher: Searcher, counts: Counts, wanted: Wanted
    ) -> None:
        self._index = index
        self._schema = schema = index.schema
        self._searcher = searcher
        self._counts = counts
        self._wanted = wanted
        unseen = [self._term(name, one) for name, ones in wanted.none_of.items() for one in ones]
        self._phrased = Phrasing(schema, searcher, index.shape.texts, unseen).phrase(wanted.text)
        self._narrowings = {
            **{name: self._any(name, values) for name, values in wanted.any_of.items() if values},
            **{name: self._each(name, values) for name, values in wanted.all_of.items() if values},
            **{name: self._range(name, *ends) for name, ends in wanted.ranges.items()},
        }

    def run(self) -> Found:
        whole = self._query()
        # It takes longer than finding, so it begins at once.
        counting = _COUNTING.submit(self._beside, whole) if self._wanted.facets else None
        if self._wanted.order == "relevance":
            total, places = self._best(whole)
        else:
            total = self._count(whole)
            places = self._ordered(whole) if total else []
        ids = [UUID(id) for _, id in places]
        count = partial(self._beside, whole) if counting is None else counting.result
        return Found(ids, places, total, self._phrased, count)

    def _beside(self, whole: Query) -> Counted:
        return Counted(self._facets(whole), self._recent())

    def _recent(self) -> list[int]:
        """How many are of each moment or later, counted in one pass."""
        moments = sorted(self._wanted.recent)
        if not moments:
            return []
        ends = [*moments[1:], None]
        ranges = [
            {"from": low} if high is None else {"from": low, "to": high}
            for low, high in zip(moments, ends, strict=True)
            if low != high
        ]
        counted: dict[str, Any] = self._searcher.aggregate(
            self._query(without="time"), {"time": {"range": {"field": "time", "ranges": ranges}}}
        )
        buckets = counted["time"]["buckets"]
        return [
            sum(int(b["doc_count"]) for b in buckets if b.get("from", -1) >= moment)
            for moment in self._wanted.recent
        ]

    def _query(self, *, without: str | None = None) -> Query:
        parts = [
            (Occur.Must, Query.const_score_query(query, 0.0))
            for name, query in self._narrowings.items()
            if name != without
        ]
        for name, values in self._wanted.none_of.items():
            parts += [(Occur.MustNot, self._term(name, value)) for value in values]
        if self._phrased.query is not None:
            parts.append((Occur.Must, self._phrased.query))
        elif not any(occur == Occur.Must for occur, _ in parts):
            parts.append((Occur.Must, Query.all_query()))
        return parts[0][1] if len(parts) == 1 else Query.boolean_query(parts)

    def _term(self, name: str, value: str) -> Query:
        return Query.term_query(self._schema, name, value, index_option="basic")

    def _any(self, name: str, values: Sequence[str]) -> Query:
        if len(values) == 1:
            return self._term(name, values[0])
        return Query.term_set_query(self._schema, name, list(values))

    def _each(self, name: str, values: Sequence[str]) -> Query:
        return Query.boolean_query([(Occur.Must, self._term(name, value)) for value in values])

    def _range(self, name: str, low: int | None, high: int | None) -> Query:
        return Query.range_query(self._schema, name, FieldType.Unsigned, low, high)

    def _best(self, whole: Query) -> tuple[int, list[tuple[int, str]]]:
        """How many there are, and the best of them in one pass: a page and one more."""
        seen = self._wanted.after[0] if self._wanted.after else 0
        limit = min(self._wanted.limit + 1, MOST_DEEP - seen)
        if limit <= 0:
            return self._count(whole), []
        result: Any = self._searcher.search(whole, limit, offset=seen)
        places = [
            (seen + n, self._id(address)) for n, (_, address) in enumerate(result.hits, start=1)
        ]
        return int(result.count), places

    def _ordered(self, whole: Query) -> list[tuple[int, str]]:
        """By value and, where that is the same, by id: all of a value are read at its edges."""
        wanted, name = self._wanted, self._wanted.order
        found: list[tuple[int, str]] = []
        query = whole
        if wanted.after is not None:
            value, id = wanted.after
            found = [place for place in self._with(whole, name, value) if place[1] < id]
            query = _both(whole, self._range(name, 0, value - 1)) if value else Query.empty_query()
        more = wanted.limit + 1 - len(found)
        if more <= 0:
            return found[: wanted.limit + 1]
        hits = self._searcher.search(
            query, more, count=False, order_by_field=name, order=Order.Desc
        ).hits
        values = [int(value or 0) for value, _ in hits]
        last = values[-1] if len(hits) == more else None
        found += sorted(
            (
                (value, self._id(address))
                for value, (_, address) in zip(values, hits, strict=True)
                if value != last
            ),
            reverse=True,
        )
        if last is not None:
            found += self._with(query, name, last)
        return found[: wanted.limit + 1]

    def _with(self, whole: Query, name: str, value: int) -> list[tuple[int, str]]:
        """All that have this value, the greatest id first."""
        query = _both(whole, Query.term_query(self._schema, name, value))
        count = self._count(query)
        hits = self._searcher.search(query, max(count, 1), count=False, order_by_field=name).hits
        return sorted(((value, self._id(address)) for _, address in hits), reverse=True)

    def _count(self, query: Query) -> int:
        result: Any = self._searcher.search(query, 1)  # its type stub forgets the count
        return int(result.count)

    def _id(self, address: Any) -> str:
        return str(self._searcher.doc(address).get_first("id"))

    def _facets(self, whole: Query) -> dict[str, list[tuple[str, int]]]:
        """Each field's; skills, of which a document has many, beside the others."""
        parts: list[tuple[Query, dict[str, int]]] = []
        together: dict[str, int] = {}
        found: dict[str, list[tuple[str, int]]] = {}
        keys: dict[str, Hashable] = {}
        for name, size in self._wanted.facets.items():
            # Of skills all are asked for, so that their counts say what one more would leave.
            without = name if name in self._narrowings and name not in self._wanted.all_of else None
            keys[name] = name, size, *self._key(without)
            known = self._counts.get(keys[name])
            if known is not None:
                found[name] = known
            elif without:
                parts.append((self._query(without=name), {name: size}))
            elif name == "skill":
                parts.append((whole, {name: size}))
            else:
                together[name] = size
        if together:
            parts.append((whole, together))
        run = _THREADS.map if len(parts) > 1 else map
        for counted in run(lambda part: self._counted(*part), parts):
            found |= counted
            for name, values in counted.items():
                self._counts.put(keys[name], values)
        return {name: found[name] for name in self._wanted.facets}

    def _key(self, without: str | None) -> tuple[Hashable, ...]:
        """The search, but for how much of it is wanted, in which order, and this narrowing."""
        wanted = self._wanted

        def of(narrowing: Mapping[str, Sequence[str]]) -> Hashable:
            return frozenset(
                (name, frozenset(values))
                for name, values in narrowing.items()
                if values and name != without
            )

        ranges = frozenset((n, ends) for n, ends in wanted.ranges.items() if n != without)
        return wanted.text, of(wanted.any_of), of(wanted.all_of), of(wanted.none_of), ranges

    def _counted(self, query: Query, sizes: Mapping[str, int]) -> dict[str, list[tuple[str, int]]]:
        """Exact counts of the most frequent values.

        Of a field with very many values each segment of the index names the most frequent ones.
        Where one might have been left out or counted short, those named are counted anew, and,
        where that leaves a doubt, all are.
        """
        first = self._aggregate(query, {name: _asked(name, size) for name, size in sizes.items()})
        counted = {}
        for name, size in sizes.items():
            buckets = first[name]["buckets"]
            if missed := first[name].get("doc_count_error_upper_bound") or 0:
                # What was not named has at most so many.
                is_cut = len(buckets) == CANDIDATES * size
                unnamed = missed + (buckets[-1]["doc_count"] if is_cut else 0)
                again = {"size": len(buckets), "include": [bucket["key"] for bucket in buckets]}
                buckets = self._aggregate(query, {name: again})[name]["buckets"]
                if len(buckets) < size or buckets[size - 1]["doc_count"] < unnamed:
                    everything = {"size": size, "segment_size": MOST_BUCKETS}
                    buckets = self._aggregate(query, {name: everything})[name]["buckets"]
            counted[name] = [(self._value(name, b), int(b["doc_count"])) for b in buckets[:size]]
        return counted

    def _value(self, name: str, bucket: Mapping[str, Any]) -> str:
        if name in self._index.shape.many:
            return self._index.numbered(self._searcher, name, int(bucket["key"]))
        return str(bucket["key"])

    def _aggregate(self, query: Query, terms: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        many = self._index.shape.many
        asked = {
            name: {"terms": {"field": f"{name}_number" if name in many else name, **how}}
            for name, how in terms.items()
        }
        result: dict[str, Any] = self._searcher.aggregate(query, asked)
        return result


def number_of(value: str) -> int:
    """52 bits of a value's hash, BLAKE2: what JSON has numbers for. That two of a million values
    share one has a chance of one in ten thousand, and would add their counts.
    """
    return int.from_bytes(blake2b(value.encode(), digest_size=8).digest()) >> 12


def _asked(name: str, size: int) -> dict[str, int]:
    if name in WIDE:
        return {"size": CANDIDATES * size, "segment_size": 1000}
    return {"size": size, "segment_size": MOST_BUCKETS}


def _both(one: Query, other: Query) -> Query:
    return Query.boolean_query([(Occur.Must, one), (Occur.Must, Query.const_score_query(other, 0))])


def _format() -> int | str:
    """Documents hold ids of skills, so that another dictionary is another format."""
    return f"{FORMAT}+{edition()}" if edition() else FORMAT


def _state(folder: Path | None) -> dict[str, Any]:
    try:
        found = json.loads((folder / "state.json").read_text()) if folder else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


class Folder:
    """A folder of one's own for an index: no two processes write one."""

    def __init__(self, above: Path, name: str) -> None:
        """Raises `Busy`, or `OSError` when it cannot be made."""
        for number in range(MOST_FOLDERS):
            path = above / f"{name}-{number}"
            path.mkdir(parents=True, exist_ok=True)
            file = (path / "lock").open("w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                continue
            self._file: IO[str] = file
            self.path = path
            return
        raise Busy

    def empty(self) -> None:
        """Throw away what is in it."""
        (self.path / "state.json").unlink(missing_ok=True)
        shutil.rmtree(self.path / "index", ignore_errors=True)
        os.makedirs(self.path, exist_ok=True)

    def close(self) -> None:
        """Let go of it."""
        self._file.close()


_indexes: WeakKeyDictionary[AsyncEngine, dict[str, SearchIndex]] = WeakKeyDictionary()


def indexes_of(engine: AsyncEngine) -> dict[str, SearchIndex]:
    """The indexes that are ready in this process, by name, of this database."""
    return _indexes.setdefault(engine, {})


def index_for(tx: AsyncConnection, shape: Shape) -> SearchIndex | None:
    """The index of the database that `tx` speaks to; None while it is being made."""
    return indexes_of(tx.engine).get(shape.name)
