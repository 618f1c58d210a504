"""Which shard a vacancy belongs to: its id alone decides, so it never moves."""

from uuid import UUID

SHARDS = 64
"""How many there are. More replicas than this cannot divide the vacancies."""


def shard_of(vacancy: UUID) -> int:
    """A vacancy's shard, from 0."""
    return vacancy.bytes[-1] % SHARDS  # the end of an id is random


def sql_shard(column: str) -> str:
    """The same as an expression of SQL."""
    return f"get_byte(uuid_send({column}), 15) % {SHARDS}"
