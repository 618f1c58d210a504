"""The filters of both searches, and the fields of their indexes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from tantivy import Schema, SchemaBuilder


@dataclass(frozen=True, slots=True)
class Filter:
    """A field by whose exact values documents are filtered and counted."""

    name: str
    """On the wire, in the index and in the address of a page."""
    attribute: str
    """Of the request's model, which holds the values."""
    facet_size: int
    """Of how many values the counts are shown."""
    matches_all: bool = False
    """A document must have all values that are given, not any of them."""
    is_open: bool = False
    """Its values are open-ended and mostly rare: the most frequent ones are estimated first."""
    is_hashed: bool = False
    """A document has several values out of very many: they are counted by a hash (`hash_of`),
    since writing out each value met would take longer than counting."""


AREA = Filter("area", "area", 20)
COMPANY = Filter("company", "company", 20, is_open=True)
SKILL = Filter("skill", "skill", 30, matches_all=True, is_hashed=True)
WORK_FORMAT = Filter("workFormat", "work_format", 3)
EMPLOYMENT_TYPE = Filter("employmentType", "employment_type", 8)
EXPERIENCE = Filter("experience", "experience", 4)
CURRENCY = Filter("currency", "currency", 20)


@dataclass(frozen=True)
class IndexSchema:
    """The fields of one index."""

    name: str
    texts: Mapping[str, float]
    """Fields of words, with the weight of each."""
    filters: Sequence[Filter]
    excluded_by: Sequence[str] = ()
    """Fields of exact values that only exclude documents."""
    stored: Sequence[str] = ()
    """Fields that are only given back."""

    @property
    def hashed(self) -> frozenset[str]:
        """Fields that are counted by a hash of their values."""
        return frozenset(one.name for one in self.filters if one.is_hashed)

    @property
    def facets(self) -> dict[str, int]:
        """All fields that are counted, with how many values of each."""
        return {one.name: one.facet_size for one in self.filters}

    def of(self, name: str) -> Filter:
        """The filter with this name."""
        return next(one for one in self.filters if one.name == name)

    def build(self) -> Schema:
        """As tantivy wants it."""
        builder = SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
        for name in self.texts:
            builder.add_text_field(name, tokenizer_name="words")
        builder.add_text_field("whole_words", tokenizer_name="plain", index_option="basic")
        counted = [one.name for one in self.filters if not one.is_hashed]
        for name in (*counted, *self.excluded_by):
            builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
        for name in sorted(self.hashed):
            builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
            builder.add_unsigned_field(f"{name}_number", indexed=True, fast=True)
        for name in self.stored:
            builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
        for name in ("time", "pay"):
            builder.add_unsigned_field(name, indexed=True, fast=True)
        return builder.build()


VACANCIES = IndexSchema(
    "vacancies",
    {
        "title": 3.0,
        "skill_words": 2.0,
        "company_words": 1.5,
        "place_words": 1.0,
        "description": 1.0,
    },
    (COMPANY, AREA, WORK_FORMAT, EMPLOYMENT_TYPE, EXPERIENCE, CURRENCY, SKILL),
    stored=("area_label",),
)
RESUMES = IndexSchema(
    "resumes",
    {
        "title": 3.0,
        "skill_words": 2.0,
        "work_words": 1.5,
        "study_words": 1.0,
        "place_words": 1.0,
    },
    (AREA, WORK_FORMAT, EMPLOYMENT_TYPE, EXPERIENCE, CURRENCY, SKILL),
    excluded_by=("hidden_from",),
    stored=("area_label",),
)


def hash_of(value: str) -> int:
    """52 bits of a value's hash, BLAKE2: JSON numbers hold no more. Two of a million values share
    one with a chance of one in ten thousand; their counts would be added.
    """
    return int.from_bytes(blake2b(value.encode(), digest_size=8).digest()) >> 12
