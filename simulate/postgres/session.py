"""Sessions: backends that run one statement at a time, wait for each other, and end."""

from collections.abc import Callable, Iterable
from types import GeneratorType
from typing import Any

import asyncpg

from simulate.postgres.engine import Body, Database, Transaction


class Session:
    """A backend: at most one statement at a time, session locks, and an end."""

    def __init__(self, db: "Database", closed: Callable[["Session"], None]) -> None:
        self.db = db
        self.alive = True
        self.doomed = False
        """Its client is gone; the session ends as soon as it does not wait for a lock."""
        self.transaction: Transaction | None = None
        self.waits_for: list[Session] = []
        self.waiters: list[Running] = []
        self.settings: dict[str, str] = {}
        self.pid = db.nextval("pid")
        self.idle_seconds = 0.0
        """Idle seconds after which the session is ended; 0 for never."""
        self._spoke_at = 0.0
        self._closed = closed
        db.sessions[self] = None

    def end_when_idle(self, seconds: float) -> None:
        """``set idle_session_timeout``."""
        watched, self.idle_seconds = bool(self.idle_seconds), seconds
        if not watched:
            self.db.loop.happen(seconds, self._look)

    def _look(self) -> None:
        if not self.alive:
            return
        left = self._spoke_at + self.idle_seconds - self.db.loop.now
        if left <= 0 and self.transaction is None:
            self.end()
        else:
            self.db.loop.happen(max(left, 1.0), self._look)

    def begin(self) -> Transaction:
        """Open the transaction if it is not open yet."""
        if self.transaction is None:
            self.transaction = Transaction(self)
        return self.transaction

    def execute(self, body: Body, parameters: Any, *, single: bool) -> Any:
        """Run a statement; `single` commits it at once.

        Returns its result, or a `Running` that will deliver it.
        """
        self._spoke_at = self.db.loop.now
        transaction = self.transaction or self.begin()
        if transaction.failed:
            raise asyncpg.InFailedSQLTransactionError("current transaction is aborted")
        try:
            result = body(transaction, parameters)
            if type(result) is GeneratorType:
                waits_for = next(result)
                running = Running(self, transaction, result, single=single)
                running.wait(waits_for)
                return running
        except StopIteration as stop:
            result = stop.value
        except asyncpg.PostgresError:
            self.fail(transaction, single=single)
            raise
        if single:
            transaction.end(commit=True)
        return result

    def submit(
        self, body: Body, parameters: Any, answer: Callable[[object, bool], None], *, single: bool
    ) -> None:
        """Run a statement; `answer` gets its result or an exception, now or later."""
        try:
            result = self.execute(body, parameters, single=single)
        except asyncpg.PostgresError as error:
            answer(error, False)
            return
        if type(result) is Running:
            result.answer = answer
        else:
            answer(result, True)

    def fail(self, transaction: Transaction, *, single: bool) -> None:
        """Handle a failed statement."""
        transaction.abort()
        if single:
            transaction.end(commit=False)

    def finish(self, *, commit: bool) -> bool:
        """End the open transaction, if any. False: the response to COMMIT was ROLLBACK."""
        return self.transaction is None or self.transaction.end(commit=commit)

    def try_lock(self, number: int) -> bool:
        """An exclusive advisory lock, re-entrant."""
        holders = self.db.advisory.setdefault(number, {})
        if any(session is not self for session in holders):
            return False
        holders[self] = holders.get(self, 0) + 1
        return True

    def unlock(self, number: int) -> bool:
        """Release the lock once."""
        holders = self.db.advisory.get(number, {})
        if self not in holders:
            return False
        holders[self] -= 1
        if not holders[self]:
            del holders[self]
            self.let_go()
        return True

    def let_go(self) -> None:
        """Something was unlocked: sessions that wait for this one continue, in any order."""
        if self.waiters:
            waiting, self.waiters = self.waiters, []
            self.db.random.shuffle(waiting)
            for running in waiting:
                self.db.loop.happen(0.00001, running.go_on)

    def deadlocked(self, waits_for: "list[Session]") -> bool:
        """Whether one of those waits, directly or indirectly, for this session."""
        seen: list[Session] = []
        ahead = list(waits_for)
        while ahead:
            other = ahead.pop()
            if other is self:
                return True
            if other not in seen:
                seen.append(other)
                ahead += other.waits_for
        return False

    def terminate(self) -> None:
        """The client is gone, or the server ends the session: roll back and unlock everything."""
        if not self.alive:
            return
        if self.waits_for:
            self.doomed = True  # a backend that waits for a lock checks its client only afterwards
            return
        self.end()

    def end(self) -> None:
        """End it now, in whatever state it is."""
        self.alive = False
        if self.transaction is not None:
            self.transaction.end(commit=False)
        for number in list(self.advisory_numbers()):
            self.db.advisory[number].pop(self, None)
        self.waits_for = []
        self.let_go()
        self.db.sessions.pop(self, None)
        self._closed(self)

    def advisory_numbers(self) -> Iterable[int]:
        """The numbers of the advisory locks that it holds."""
        return [number for number, holders in self.db.advisory.items() if self in holders]


class Running:
    """A statement in progress, which may wait for locks."""

    __slots__ = ("answer", "session", "single", "steps", "transaction", "waiting")

    def __init__(
        self, session: Session, transaction: Transaction, steps: Any, *, single: bool
    ) -> None:
        self.session = session
        self.transaction = transaction
        self.steps = steps
        self.answer: Callable[[object, bool], None]
        self.single = single
        self.waiting = False

    def go_on(self) -> None:
        """Run until the next wait, or to the end."""
        session = self.session
        if not session.alive or not self.waiting:
            return
        self.waiting = False
        session.waits_for = []
        try:
            self.wait(next(self.steps))
        except StopIteration as stop:
            self.finish(stop.value)
        except asyncpg.PostgresError as error:
            session.fail(self.transaction, single=self.single)
            self.answer(error, False)
            if session.doomed:
                session.end()

    def wait(self, waits_for: list[Session]) -> None:
        """Continue when one of those sessions has released its lock, unless that is a deadlock."""
        session = self.session
        if session.deadlocked(waits_for):
            self.steps.throw(asyncpg.DeadlockDetectedError("deadlock detected"))
        session.waits_for = waits_for
        self.waiting = True
        for other in waits_for:
            other.waiters.append(self)

    def finish(self, result: object) -> None:
        """Complete the statement."""
        if self.session.doomed:
            self.session.end()
            return
        if self.single:
            self.transaction.end(commit=True)
        self.answer(result, True)
