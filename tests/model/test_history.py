"""Histories that Hypothesis makes up, played on the real messaging and on a simple model at once.

A history is a list of steps: transactions that commit or roll back, relays that publish, are
refused, cut off or frozen, readers that handle, fail, are killed, retry and give up, replays,
a cutover, barriers. After each step no reader may have an effect doubled, out of order or from
nowhere. At the end of each, once nothing fails any more, nothing may be missing, and the audit must
say so.

`HIREWIRE_TEST_MODEL_HISTORIES` sets how many histories; given, they are new ones in each run.
`HIREWIRE_TEST_MODEL_SHRINKS` has a failing one made shorter, which takes minutes.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.model.events import TYPES, Fault
from tests.model.reader import Reader
from tests.model.world import Databases, World

HISTORIES = int(os.environ.get("HIREWIRE_TEST_MODEL_HISTORIES", "6"))
SHRINKS = "HIREWIRE_TEST_MODEL_SHRINKS" in os.environ
STEPS = 40
STEP_SECONDS = 30.0

small = st.integers(0, 2)
places = st.integers(0, 5)
faults: st.SearchStrategy[Fault] = st.sampled_from(
    ("fails", "rejects", "later", "database", "hangs")
)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop of the machine's own: its rules are plain functions."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture(scope="module")
def databases(loop: asyncio.AbstractEventLoop, postgres_url: str) -> Iterator[Databases]:
    """The services' databases."""
    made = loop.run_until_complete(Databases.make(postgres_url))
    yield made
    loop.run_until_complete(made.dispose())


class History(RuleBasedStateMachine):
    """The steps that there are."""

    loop: asyncio.AbstractEventLoop
    databases: Databases

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.databases)

    def do(self, step: Awaitable[object]) -> None:
        """Play one step to its end."""
        self.loop.run_until_complete(asyncio.wait_for(step, STEP_SECONDS))

    @initialize()
    def begin_all(self) -> None:
        self.do(self.world.start())

    @property
    def open(self) -> int:
        """How many transactions are open."""
        return len(self.world.transactions)

    def chosen(self, reader: int) -> Reader:
        """One of the readers."""
        return self.world.readers[reader % len(self.world.readers)]

    @rule(events=st.lists(st.tuples(small, st.booleans()), min_size=1, max_size=6))
    def write(self, events: list[tuple[int, bool]]) -> None:
        async def step() -> None:
            await self.world.begin()
            for page, wiped in events:
                self.world.record(self.world.transactions[-1], page, wiped)
            await self.world.commit(self.world.transactions[-1])

        self.do(step())

    @precondition(lambda self: self.open < 3)
    @rule(page=small, wiped=st.booleans())
    def begin(self, page: int, wiped: bool) -> None:
        self.do(self.world.begin())
        self.world.record(self.world.transactions[-1], page, wiped)

    @precondition(lambda self: self.open)
    @rule(which=small, page=small, wiped=st.booleans())
    def record_more(self, which: int, page: int, wiped: bool) -> None:
        self.world.record(self.world.transactions[which % self.open], page, wiped)

    @precondition(lambda self: self.open)
    @rule(which=small)
    def commit(self, which: int) -> None:
        self.do(self.world.commit(self.world.transactions[which % self.open]))

    @precondition(lambda self: self.open)
    @rule(which=small)
    def roll_back(self, which: int) -> None:
        self.do(self.world.roll_back(self.world.transactions[which % self.open]))

    @rule(which=st.integers(0, 1), steps=st.integers(1, 2))
    def relay(self, which: int, steps: int) -> None:
        self.do(self.world.relay(which, steps))

    @rule(which=st.integers(0, 1), refused=st.sets(places, min_size=1, max_size=3))
    def relay_is_refused(self, which: int, refused: set[int]) -> None:
        self.world.broker.refused = refused
        self.do(self.world.relay(which, 1))

    @rule(which=st.integers(0, 1), taken=places, later=st.booleans())
    def relay_is_cut_off(self, which: int, taken: int, later: bool) -> None:
        self.world.broker.breaks_after, self.world.broker.arrives_later = taken, later
        self.do(self.world.relay(which, 1))

    @rule(which=st.integers(0, 1), taken=st.none() | places)
    def leader_freezes(self, which: int, taken: int | None) -> None:
        self.do(self.world.freeze_leader(which, taken=taken))

    @rule()
    def leader_loses_its_session(self) -> None:
        self.do(self.world.end_relay_sessions())

    @precondition(lambda self: self.world.broker.under_way)
    @rule()
    def what_was_under_way_arrives(self) -> None:
        self.world.broker.let_arrive()

    @rule()
    def time_passes(self) -> None:
        self.do(self.world.let_time_pass())

    @rule(reader=small, most=st.integers(1, 20))
    def consume(self, reader: int, most: int) -> None:
        self.do(self.chosen(reader).consume(most))

    @rule(reader=small, most=st.integers(1, 20))
    def consume_without_ack(self, reader: int, most: int) -> None:
        self.world.broker.loses_ack = True
        self.do(self.chosen(reader).consume(most))
        self.world.broker.calm()

    @rule(reader=small)
    def another_process_stands_by(self, reader: int) -> None:
        async def step() -> None:
            self.chosen(reader).start()
            await asyncio.sleep(0.01)

        self.do(step())

    @precondition(lambda self: any(len(r.consumers) > 1 for r in self.world.readers))
    @rule(reader=small)
    def process_is_killed(self, reader: int) -> None:
        if len(self.chosen(reader).consumers) > 1:
            self.do(self.chosen(reader).kill())

    @rule(reader=small)
    def reader_is_disconnected(self, reader: int) -> None:
        self.world.broker.disconnect(self.chosen(reader).topology.queue)

    @rule(reader=small, attempts=st.integers(1, 4))
    def retry(self, reader: int, attempts: int) -> None:
        for _ in range(attempts):
            self.do(self.chosen(reader).retry())

    @rule(reader=small, second=st.booleans(), ahead=st.integers(-3, 5), fault=faults)
    def handler_will_fail(self, reader: int, second: bool, ahead: int, fault: Fault) -> None:
        number = max(1, self.world.last_number + ahead)
        self.chosen(reader).faults[(second, number)] = fault

    @rule(
        events=st.lists(st.tuples(small, st.booleans()), min_size=2, max_size=6),
        failing=places,
        second=st.booleans(),
        fault=faults,
    )
    def one_of_many_fails(
        self, events: list[tuple[int, bool]], failing: int, second: bool, fault: Fault
    ) -> None:
        number = self.world.last_number + 1 + failing % len(events)
        self.world.reader.faults[(second, number)] = fault
        self.write_and_consume(events)

    @rule(events=st.lists(st.tuples(small, st.booleans()), min_size=1, max_size=6))
    def write_and_consume(self, events: list[tuple[int, bool]]) -> None:
        self.write(events)
        self.do(self.world.relay(0, 2))
        self.do(self.world.relay(1, 2))
        self.do(self.world.reader.consume(20))

    @rule(reader=small)
    def handlers_are_repaired(self, reader: int) -> None:
        self.chosen(reader).faults.clear()

    @rule(reader=small)
    def dead_letters_are_tried_again(self, reader: int) -> None:
        self.do(self.world.replay_dead(self.chosen(reader)))

    @rule(reader=small, which=places)
    def failed_one_is_discarded(self, reader: int, which: int) -> None:
        self.do(self.world.discard(self.chosen(reader), which))

    @rule()
    def barrier_is_asked_for(self) -> None:
        self.do(self.world.ask_barrier())

    @rule(reader=small, types=st.sampled_from((TYPES[:1], TYPES[1:], TYPES)), cutover=st.booleans())
    def replay_is_asked_for(self, reader: int, types: tuple[str, ...], cutover: bool) -> None:
        self.do(self.world.replay(self.chosen(reader), types, cutover=cutover))

    @rule(reader=small, page=small)
    def cutover_of_one_key(self, reader: int, page: int) -> None:
        key = str(self.world.pages[page])
        self.do(self.world.replay(self.chosen(reader), TYPES, cutover=True, key=key))

    @precondition(lambda self: len(self.world.readers) == 1)
    @rule()
    def second_reader_joins(self) -> None:
        self.do(self.world.join())

    @invariant()
    def effects_are_the_beginning_of_the_log(self) -> None:
        self.do(self.world.check())

    @invariant()
    def barriers_stand_behind_what_they_say(self) -> None:
        self.do(self.world.check_barriers())

    def teardown(self) -> None:
        """Let everything come to rest, unless the history has failed already."""
        try:
            if sys.exc_info()[0] is None:
                self.do(self.world.come_to_rest())
        finally:
            self.do(self.world.stop())


@pytest.mark.timeout(0)
def test_no_history_breaks_a_promise(loop: asyncio.AbstractEventLoop, databases: Databases) -> None:
    History.loop, History.databases = loop, databases
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            derandomize="HIREWIRE_TEST_MODEL_HISTORIES" not in os.environ,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink) if SHRINKS else (Phase.generate,),
            report_multiple_bugs=False,
            database=None,
        ),
    )
