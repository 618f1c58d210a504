"""How an index is made in a cluster, and documents as it stores them."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from pydantic import JsonValue

from hirewire.kit.search_clusters import SearchCluster
from hirewire.vacancies.search.index.documents import Document
from hirewire.vacancies.search.index.folder import index_format
from hirewire.vacancies.search.index.parser import plain_words_of, unbroken_stems
from hirewire.vacancies.search.index.schema import IndexSchema

Clause: TypeAlias = Mapping[str, object]
"""A part of a request, as JSON."""
GAP = "\N{MIDDLE DOT}"
"""Stands for a word that is too long to be searched: no phrase spans it. No word is like it."""
_WORDS = {"type": "text", "analyzer": "whitespace"}
_VALUE = {"type": "keyword", "norms": False}
_FILTERED = _VALUE | {"doc_values": False}
_STORED = {"type": "keyword", "index": False, "doc_values": False}
_NUMBER = {"type": "long"}


def index_body(fields: IndexSchema, cluster: SearchCluster) -> Clause:
    """Settings and mapping of an index.

    Only labels can be read from it (`_source`): results are read from the tables. It is refreshed
    by who writes it. A deletion is remembered for as long as a frozen writer may be late.
    """
    copies = (
        {"auto_expand_replicas": "0-1"}
        if cluster.replicas is None
        else {"number_of_replicas": cluster.replicas}
    )
    kinds: list[tuple[Iterable[str], Clause]] = [
        (("id",), {"type": "keyword"}),
        (fields.texts, _WORDS),
        (("whole_words", *fields.excluded_by, *fields.coded), _FILTERED),
        ((one.name for one in fields.filters), _VALUE),
        (fields.stored, _STORED),
        (("time", "pay"), _NUMBER),
    ]
    return {
        "settings": {
            "number_of_shards": cluster.shards,
            "refresh_interval": "-1",
            "gc_deletes": "1h",
            # A merge for an erasure removes every deleted document, however few they are.
            "merge.policy.expunge_deletes_allowed": 0,
            **copies,
        },
        "mappings": {
            "dynamic": "strict",
            "_source": {"includes": list(fields.stored)},
            "properties": {name: kind for names, kind in kinds for name in names},
        },
    }


def alias_of(fields: IndexSchema, cluster: SearchCluster) -> str:
    """The name by which an index is searched: another one for each format of its documents.

    So replicas of two versions of the board can search side by side.
    """
    made = json.dumps([index_format(), index_body(fields, cluster)], sort_keys=True)
    return f"{family_of(fields, cluster)}{hashlib.sha256(made.encode()).hexdigest()[:10]}"


def family_of(fields: IndexSchema, cluster: SearchCluster) -> str:
    """The beginning of the names of all indexes of one kind."""
    return f"{cluster.prefix}-{fields.name}-"


def stored(id: str, values: Document, fields: IndexSchema) -> dict[str, JsonValue]:
    """A document with the stems of its texts instead of the texts."""
    found: dict[str, JsonValue] = {"id": id}
    for name, value in values.items():
        if name in fields.texts:
            parts = unbroken_stems(str(value))
            found[name] = f" {GAP} ".join(" ".join(stems) for stems in parts)
        elif name == "whole_words":
            found[name] = list(dict.fromkeys(plain_words_of(str(value))))
        else:
            found[name] = [*value] if isinstance(value, list) else value
    return found
