"""The filters of both searches, and the fields of their indexes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tantivy import Schema, SchemaBuilder

from hirewire.vacancies.search.index.ranking import columns_of, rare_column

ANY_TEXT = "words"
"""The field with the words of all text fields: without positions and weights, so it is fast."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A field whose exact values filter documents and are counted."""

    name: str
    """The name in the JSON, in the index and in the address of a page."""
    attribute: str
    """The attribute of the request's model with the values."""
    facet_size: int
    """The number of values shown with counts."""
    matches_all: bool = False
    """Whether a document must have all given values; otherwise any of them suffices."""
    is_open: bool = False
    """Whether values are open-ended and mostly rare: then the most frequent are estimated first."""
    is_ranked: bool = False
    """Whether documents have several values out of very many.

    They are counted by numbers, the most frequent ones first (`ranking.py`).
    """


AREA = Filter("area", "area", 20)
COMPANY = Filter("company", "company", 20, is_open=True)
SKILL = Filter("skill", "skill", 30, matches_all=True, is_ranked=True)
WORK_FORMAT = Filter("workFormat", "work_format", 3)
EMPLOYMENT_TYPE = Filter("employmentType", "employment_type", 8)
EXPERIENCE = Filter("experience", "experience", 4)
CURRENCY = Filter("currency", "currency", 20)


@dataclass(frozen=True)
class IndexSchema:
    """The fields of one index."""

    name: str
    texts: Mapping[str, float]
    """Text fields, with the weight of each."""
    filters: Sequence[Filter]
    excluded_by: Sequence[str] = ()
    """Fields that are only used to exclude documents."""
    stored: Sequence[str] = ()
    """Fields that are stored but not searched."""
    coded: Sequence[str] = ()
    """Fields whose values only the search itself computes and compares."""

    @property
    def ranked(self) -> tuple[str, ...]:
        """Fields that are counted by numbers of their values."""
        return tuple(one.name for one in self.filters if one.is_ranked)

    @property
    def facets(self) -> dict[str, int]:
        """All counted fields, with the number of values of each."""
        return {one.name: one.facet_size for one in self.filters}

    def of(self, name: str) -> Filter:
        """The filter with this name."""
        return next(one for one in self.filters if one.name == name)

    def build(self) -> Schema:
        """The schema in tantivy's type."""
        builder = SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
        for name in self.texts:
            builder.add_text_field(name, tokenizer_name="words")
        builder.add_text_field(ANY_TEXT, tokenizer_name="words", index_option="basic")
        builder.add_text_field("whole_words", tokenizer_name="plain", index_option="basic")
        counted = [one.name for one in self.filters if not one.is_ranked]
        for name in (*counted, *self.excluded_by):
            builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
        for name in self.ranked:
            builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
            for column in columns_of(name):
                builder.add_unsigned_field(column, indexed=column == rare_column(name), fast=True)
        for name in self.coded:
            builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
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
    stored=("area_label", "skill_label"),
    coded=("occupation",),
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
    stored=("area_label", "skill_label"),
    coded=("occupation",),
)
