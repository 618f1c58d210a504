"""Writes an index in a cluster, for all processes."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from opensearchpy import AsyncOpenSearch, ConflictError, NotFoundError, RequestError
from opensearchpy.helpers import async_bulk
from pydantic import JsonValue

from hirewire.kit.search_clusters import SearchCluster
from hirewire.vacancies.search.index.cluster.answers import WRITE_SECONDS, answered
from hirewire.vacancies.search.index.cluster.mapping import (
    Clause,
    alias_of,
    family_of,
    index_body,
    stored,
)
from hirewire.vacancies.search.index.cluster.searching import ClusterSearch
from hirewire.vacancies.search.index.documents import Document
from hirewire.vacancies.search.index.engine import (
    CatchUp,
    Expunged,
    Lost,
    SearchUnavailable,
    Superseded,
)
from hirewire.vacancies.search.index.schema import IndexSchema

BULK_BYTES = 8 * 1024 * 1024
EXPUNGE_SECONDS = 90.0
"""How long a deletion may be needed by a copy: a cluster looks after that every 30 seconds."""
MERGE_SECONDS = 600.0
TERM_BITS = 32
"""A version is the term of its writer and a number within it, of so many bits."""
_LATE, _GONE, _WRONG = 409, 404, 400
_STATE_BODY = {
    "settings": {"number_of_shards": 1, "auto_expand_replicas": "0-1"},
    "mappings": {"enabled": False},
}


class Refused(Exception):
    """The cluster does not take a document; the message has its id. Building it again helps not."""


class ClusterStore:
    """Writes one index. Its state is a document in an index of its own.

    Each writer begins a term, which it counts up in the state. A document's version begins with the
    term of its writer, and the state is replaced only by the writer of its term: what a writer
    sends late, because it was frozen or cut off, changes nothing that a later one has written.

    An index has an alias for searches and one for writing; without the latter the cluster refuses
    writes, instead of making an index with a guessed mapping. One that is being filled has the
    latter only.
    """

    def __init__(
        self,
        client: AsyncOpenSearch,
        fields: IndexSchema,
        cluster: SearchCluster,
        search: ClusterSearch,
        *,
        is_lost: bool = False,
    ) -> None:
        """`is_lost`: the present index is not to be used any more."""
        self.name = fields.name
        self.alias = alias_of(fields, cluster)
        self._writing = f"{self.alias}-writing"
        self._states = states_of(cluster)
        self._client = client
        self._fields = fields
        self._body = index_body(fields, cluster)
        self._search = search
        self._is_lost = is_lost
        self._term = 0
        self._version = 0
        self._written: dict[str, int] = {}
        """Where the state's document was written last: sequence number and primary term."""
        self._index = ""
        self._is_filled = False
        self._expunge_at: float | None = None

    async def load(self) -> Mapping[str, JsonValue]:
        """Begin a term; returns the state of the present index, empty if it must be built."""
        with answered("load"):
            state = await self._begin_term()
            self._index = str(state.get("index") or "")
            searched = await self._indexes_of(self.alias)
            written = await self._indexes_of(self._writing)
        self._is_filled = searched == written == {self._index} and not self._is_lost
        feed = state.get("feed")
        return feed if self._is_filled and isinstance(feed, dict) else {}

    async def _begin_term(self) -> Mapping[str, JsonValue]:
        await self._create(self._states, _STATE_BODY)
        state: Mapping[str, JsonValue] = {}
        try:
            found = await self._client.get(index=self._states, id=self.alias)
            state, self._written = found["_source"], _place(found)
        except NotFoundError:
            self._written = {}
        before = state.get("term")
        self._term = (before if isinstance(before, int) else 0) + 1
        self._version = self._term << TERM_BITS
        await self._write_state({**state, "term": self._term})
        return state

    async def _write_state(self, state: Mapping[str, JsonValue]) -> None:
        """Replace the state. Raises `Superseded` if another writer has replaced it."""
        only: Clause = self._written or {"op_type": "create"}
        try:
            done = await self._client.index(
                index=self._states, id=self.alias, body=dict(state), params=dict(only)
            )
        except ConflictError:
            raise Superseded from None
        self._written = _place(done)

    async def _create(self, name: str, body: Mapping[str, Any]) -> None:
        try:
            await self._client.indices.create(index=name, body=dict(body))
        except RequestError as error:
            if error.error != "resource_already_exists_exception":
                raise

    async def _indexes_of(self, alias: str) -> set[str]:
        try:
            return set(await self._client.indices.get_alias(name=alias))
        except NotFoundError:
            return set()

    async def start_over(self) -> None:
        """Make an empty index. Those that were left half filled are deleted."""
        made = f"{self.alias}-{self._term}"
        with answered("build"):
            searched = await self._indexes_of(self.alias)
            every = await self._client.indices.get(index=f"{self.alias}-*")
            for name in set(every) - searched:
                await self._client.indices.delete(index=name, ignore_unavailable=True)
            await self._create(made, self._body)
            actions: list[JsonValue] = [
                {
                    "remove": {
                        "index": f"{self.alias}-*",
                        "alias": self._writing,
                        "must_exist": False,
                    }
                },
                {"add": {"index": made, "alias": self._writing}},
            ]
            await self._client.indices.update_aliases(body={"actions": actions})
        self._index, self._is_filled = made, False

    async def put(self, documents: Iterable[tuple[str, Document | None]], *, fresh: bool) -> None:
        """Replace the documents with these ids; None deletes one."""
        self._version += 1
        actions = await asyncio.to_thread(lambda: list(self._actions(documents)))
        with answered("write"):
            _, failed = await async_bulk(
                self._client,
                actions,
                max_chunk_bytes=BULK_BYTES,
                raise_on_error=False,
                request_timeout=WRITE_SECONDS,
                require_alias=True,
            )
        for item in failed if isinstance(failed, list) else []:
            [result] = item.values()
            self._require(result)

    def _actions(
        self, documents: Iterable[tuple[str, Document | None]]
    ) -> Iterator[dict[str, JsonValue]]:
        for id, values in documents:
            action: dict[str, JsonValue] = {
                "_op_type": "delete" if values is None else "index",
                "_index": self._writing,
                "_id": id,
                "version": self._version,
                "version_type": "external_gte",
            }
            if values is not None:
                action["_source"] = stored(id, values, self._fields)
            yield action

    def _require(self, result: Mapping[str, Any]) -> None:
        """Raise an error for a document that was not written, unless that is right."""
        error = result.get("error") or {}
        kind = error.get("type", "") if isinstance(error, dict) else str(error)
        if kind == "index_not_found_exception":
            raise Lost(f"{self._writing} is gone")
        status = result.get("status")
        if status == _LATE or (status == _GONE and not kind):
            return  # written by a later writer; deleted before it was ever written
        if status == _WRONG:
            raise Refused(f"{result.get('_id')}: {kind}")
        raise SearchUnavailable(retry_after=1)  # too busy, or its disk is full

    async def publish(self, state: Mapping[str, JsonValue]) -> None:
        """Make all changes visible, and store the state; a filled index replaces the last one."""
        with answered("publish"):
            await self._client.indices.refresh(index=self._writing, request_timeout=WRITE_SECONDS)
            if not self._is_filled:
                await self._replace()
            await self._write_state({"term": self._term, "index": self._index, "feed": dict(state)})
            if not self._is_filled:
                await self._delete_others()
                self._is_filled = True

    async def _replace(self) -> None:
        """Let searches use the index that was filled, in one step."""
        actions: list[JsonValue] = [
            {"remove": {"index": f"{self.alias}-*", "alias": self.alias, "must_exist": False}},
            {"add": {"index": self._index, "alias": self.alias}},
        ]
        await self._client.indices.update_aliases(body={"actions": actions})

    async def _delete_others(self) -> None:
        every = await self._client.indices.get(index=f"{self.alias}-*")
        for name in set(every) - {self._index}:
            await self._client.indices.delete(index=name, ignore_unavailable=True)

    async def size(self) -> int:
        """The number of documents that are visible."""
        with answered("count"):
            return int((await self._client.count(index=self._writing))["count"])

    async def expunge(self) -> Expunged:
        """Merge the segments that have deleted documents, once their deletion is so old that no
        copy needs it.
        """
        self._expunge_at = self._expunge_at or time.monotonic() + EXPUNGE_SECONDS
        if time.monotonic() < self._expunge_at:
            return "later"
        with answered("expunge"):
            await self._client.indices.forcemerge(
                index=self._writing, only_expunge_deletes=True, request_timeout=MERGE_SECONDS
            )
        self._expunge_at = None
        return "done"

    async def delete_unused_files(self) -> None:
        """Nothing: the cluster deletes them."""

    def serve(self, catch_up: CatchUp) -> None:
        """Searches of this process apply changes themselves before they ask the cluster."""
        self._search.catch_up = catch_up

    async def close(self) -> None:
        """Leave the index to other writers. Searches go on."""
        self._search.catch_up = None


async def other_formats(
    client: AsyncOpenSearch, fields: IndexSchema, cluster: SearchCluster
) -> set[str]:
    """The aliases of indexes of the same kind in other formats: of other versions of the board."""
    with answered("look"):
        names = await client.indices.get(index=f"{family_of(fields, cluster)}*")
    aliases = {str(name).rpartition("-")[0] for name in names}
    return aliases - {alias_of(fields, cluster)}


async def drop(client: AsyncOpenSearch, cluster: SearchCluster, alias: str) -> None:
    """Delete the indexes of an alias, and their state."""
    with answered("drop"):
        for name in await client.indices.get(index=f"{alias}-*"):
            await client.indices.delete(index=name, ignore_unavailable=True)
        with suppress(NotFoundError):
            await client.delete(index=states_of(cluster), id=alias)


def states_of(cluster: SearchCluster) -> str:
    """The name of the index with the states of all others."""
    return f"{cluster.prefix}-state"


def _place(found: Mapping[str, Any]) -> dict[str, int]:
    return {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
