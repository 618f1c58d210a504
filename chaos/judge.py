"""Judges a world at rest: compares everything written with everything that took effect."""

import time
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from chaos.verify import Effect, Verdict, Written, repeats, verdict
from chaos.world import World, eventually
from hirewire.messaging.broker import BrokerUnavailable, queue_of
from hirewire.operators.auditing import Report

_WRITTEN = "select event_id, place, nth from written"
_EFFECTS = "select event_id, place, nth, late from effect order by n"
_DISCARDED = "select event_id from messaging.open_message where state = 'discarded'"
_OPEN = "select count(*) from messaging.open_message where state <> 'discarded'"


async def unrest(world: World) -> str:
    """What is unsent, queued or unresolved, with counts; empty when nothing is."""
    found = []
    if unsent := await world.sql("writer", "select count(*) from messaging.outbox"):
        found.append(f"{unsent} unsent")
    for reader in world.readers:
        if unresolved := await world.sql(reader, _OPEN):
            found.append(f"{reader}: {unresolved} unresolved")
    for name in map(queue_of, world.readers):
        if not await world.cluster.is_empty(name):
            found.append(f"{name} is not empty")
        if not await world.cluster.is_consumed(name):
            found.append(f"{name} has no consumer")
    return ", ".join(found)


async def at_rest(world: World, seconds: float, when: str) -> None:
    """Wait until nothing is unsent, queued or unresolved.

    Raises `TimeoutError` with what was not, and how many messages waited meanwhile.
    """
    last = "no answer"
    waited: list[str] = []
    every = time.monotonic()

    async def rests() -> bool:
        nonlocal last, every
        last = await unrest(world)
        if last and time.monotonic() >= every:
            every += seconds / 8
            with suppress(BrokerUnavailable, RuntimeError):
                for name in map(queue_of, world.readers):
                    waited.append(f"{await world.cluster.waiting(name):,}")
        return not last

    try:
        await eventually(rests, seconds, "at rest")
    except TimeoutError as error:
        raise TimeoutError(
            f"not at rest in {seconds:g} s {when}: {last}; waiting meanwhile: {'; '.join(waited)}"
        ) from error


async def judge(world: World) -> Verdict:
    """The verdict on all readers. Raises `AssertionError` if a handler's state is wrong."""
    written = await written_in(world)
    found = [await _judge_reader(world, reader, written) for reader in world.readers]
    return Verdict(
        events=len(written),
        lost=sum(one.lost for one in found),
        duplicated=sum(one.duplicated for one in found),
        reordered=sum(one.reordered for one in found),
        late=sum(one.late for one in found),
        invented=sum(one.invented for one in found),
    )


async def written_in(world: World) -> list[Written]:
    """All committed events."""
    rows = await world.rows("writer", _WRITTEN)
    return [Written(UUID(str(r["event_id"])), r["place"], r["nth"]) for r in rows]


async def effects_in(world: World, reader: str) -> list[Effect]:
    """All effects at a reader, in commit order."""
    rows = await world.rows(reader, _EFFECTS)
    return [Effect(UUID(str(r["event_id"])), r["place"], r["nth"], r["late"]) for r in rows]


async def consumed_but_forgotten(world: World) -> set[UUID]:
    """Effects of events that their owner no longer has, as far as no operator has accepted them."""
    found: set[UUID] = set()
    for reader in world.readers:
        found |= {effect.event_id for effect in await effects_in(world, reader)} & world.forgotten
    return found - world.accepted


async def given_up(world: World, reader: str = "reader") -> set[UUID]:
    """Events that were discarded on purpose."""
    return {UUID(str(row["event_id"])) for row in await world.rows(reader, _DISCARDED)}


async def _judge_reader(world: World, reader: str, written: Sequence[Written]) -> Verdict:
    known = {event.event_id for event in written}
    effects = [e for e in await effects_in(world, reader) if e.event_id not in world.forgotten]
    asked = set(world.repeats)
    again = [e for e in effects if e.event_id not in known and (e.place, e.nth) in asked]
    repeated = {effect.event_id for effect in again}
    once = [effect for effect in effects if effect.event_id not in repeated]
    given = await given_up(world, reader)
    found = verdict(written, once, given, world.late)
    more = repeats(world.repeats if reader == "reader" else (), again)
    newest: dict[str, int] = {}
    for event in written:
        if event.event_id not in given:
            newest[event.place] = max(event.nth, newest.get(event.place, 0))
    rows = await world.rows(reader, "select place, nth from state")
    wrong = {row["place"] for row in rows if row["nth"] != newest.get(row["place"])}
    wrong -= {place for place, _ in world.repeats}  # the last effect was that of an old event
    if (len(rows) != len(newest) or wrong) and not found.lost:
        raise AssertionError(f"{reader}: the state of {len(wrong)} places is not the newest")
    return Verdict(
        events=found.events,
        lost=found.lost + more.lost,
        duplicated=found.duplicated + more.duplicated,
        reordered=found.reordered,
        late=found.late,
        invented=found.invented,
    )


def untruths(report: Report, written: int, readers: Sequence[str]) -> list[str]:
    """False statements of a clean report: it must include every event and every reader."""
    account = report.accounts.get("writer")
    if account is None:
        return ["the report lacks the writer"]
    found = []
    if account.recorded != written:
        found.append(f"{account.recorded} recorded, but {written} are committed")
    for reader in readers:
        line = account.lines.get(reader)
        expected = line.expected if line is not None else 0
        if expected != written:
            found.append(f"{reader}: {expected} expected, but {written} are committed")
    return found
