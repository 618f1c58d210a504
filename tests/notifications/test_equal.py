"""Notices equal events: whatever is repeated, split and mixed on the way."""

import random
from collections import Counter
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.broker import Delivery
from hirewire.messaging.testing import consume, recorded
from tests.notifications.conftest import Board

STEPS = (
    ("response", "consider", "in_progress"),
    ("consider", "assessment", "in_progress"),  # the applicant sees no change
    ("assessment", "interview", "invited"),
    ("interview", "offer", "offer"),
)
ENDS = (
    ("discard_by_employer", "declined", None),
    ("discard_by_applicant", "withdrawn", None),
    ("discard_vacancy_closed", "closed", "expired"),
)


class Story:
    """Random applications and matches, and the notices that they are worth."""

    def __init__(self, board: Board, seed: int) -> None:
        self.board, self.chance = board, random.Random(seed)
        self.by_key: list[list[Delivery]] = []
        self.expected: Counter[tuple[UUID, str, str | None]] = Counter()
        self.messages, self.written = Counter[UUID](), Counter[UUID]()
        for _ in range(8):
            board.application = uuid4()
            self.by_key.append(self._application())
        self.vacancies = [uuid4() for _ in range(3)]
        self.left: dict[UUID, set[UUID]] = {one: set() for one in self.vacancies}
        for _ in range(4):
            self.by_key.append(self._matches(uuid4()))

    def _company(self, kind: str, detail: str | None = None) -> None:
        for one in (self.board.carla, self.board.dan):
            self.expected[one, kind, detail] += 1

    def _anna(self, kind: str, detail: str | None = None) -> None:
        self.expected[self.board.anna, kind, detail] += 1

    def _application(self) -> list[Delivery]:
        board, events = self.board, []
        is_invitation = self.chance.random() < 0.5
        if is_invitation:
            events += [board.moved(None, "response", "invited"), board.submitted("invitation")]
            events += [board.moved("response", "response", "in_progress")]
            self._anna("invitation")
            self._company("application_answered", "accepted")
        else:
            events += [board.submitted(), board.moved(None, "response", "sent")]
            self._company("application_received")
        steps = STEPS[: self.chance.randint(0, len(STEPS))]
        seen = "in_progress" if is_invitation else "sent"
        for before, after, state in steps:
            events.append(board.moved(before, after, state))
            if state != seen:
                self._anna("application_moved", state)
            seen = state
            if self.chance.random() < 0.5:
                events.append(board.written("employer"))
                self.messages[board.application] += 1
            if self.chance.random() < 0.5:
                events.append(board.written("applicant"))
                self.written[board.application] += 1
        stage = steps[-1][1] if steps else "response"
        end, state, reason = self.chance.choice(ENDS)
        events.append(board.moved(stage, end, state, reason))
        if end == "discard_by_applicant":
            self._company("application_answered", "withdrawn")
        elif end == "discard_by_employer":
            self._anna("application_moved", "declined")
        else:
            self._anna("vacancy_closed", "expired")
        return [board.sent(one) for one in events]

    def _matches(self, resume: UUID) -> list[Delivery]:
        events: list[Delivery] = []
        for vacancy in self.vacancies:
            for _ in range(self.chance.randint(0, 3)):
                match = self.board.matched(resume=resume, vacancy=vacancy)
                events.append(self.board.sent(match))
                self.left[vacancy].add(resume)
                if self.chance.random() < 0.5:
                    events.append(self.board.sent(self.board.unmatched(match)))
                    self.left[vacancy].discard(resume)
        return events

    async def deliver(self) -> None:
        """Each key in order, all keys mixed, in batches of any size, some of them twice."""
        waiting = [list(one) for one in self.by_key if one]
        consumer, again = self.board.service.messaging.consumer, list[Delivery]()
        while waiting:
            batch: list[Delivery] = []
            for _ in range(self.chance.randint(1, 12)):
                if not waiting:
                    break
                key = self.chance.choice(waiting)
                batch.append(key.pop(0))
                waiting = [one for one in waiting if one]
            await consume(consumer, *batch)
            again += [one for one in batch if self.chance.random() < 0.3]
            if self.chance.random() < 0.3:
                await consume(consumer, *again)


@pytest.mark.parametrize("seed", range(3))
async def test_notices_equal_events(board: Board, seed: int) -> None:
    story = Story(board, seed)
    await story.deliver()
    assert await board.rows("select count(*) from messaging.open_message") == [(0,)]
    found: Counter[tuple[UUID, str, str | None]] = Counter()
    counts: dict[tuple[UUID, UUID], int] = {}
    messages: dict[tuple[UUID, UUID], int] = {}
    rows = await board.rows(
        "select user_id, kind, detail, about_id, count, withdrawn_at from notice"
    )
    for user_id, kind, detail, about_id, count, withdrawn_at in rows:
        if kind == "message":
            messages[user_id, about_id] = count
        elif about_id is None:
            found[user_id, kind, detail] += 1
        elif withdrawn_at is None:
            counts[user_id, about_id] = count
        else:
            assert count == 0
    assert found == story.expected
    assert messages == {
        (who, about): n
        for who, by_application in (
            (board.anna, story.messages),
            (board.carla, story.written),
            (board.dan, story.written),
        )
        for about, n in by_application.items()
    }
    expected = {vacancy: len(resumes) for vacancy, resumes in story.left.items() if resumes}
    for one in (board.carla, board.dan):
        assert {about: n for (who, about), n in counts.items() if who == one} == expected
    by_resume = Counter(one for resumes in story.left.values() for one in resumes)
    assert {about: n for (who, about), n in counts.items() if who == board.anna} == by_resume
    assert len(await recorded(board.service.engine, "notice.created")) == len(rows)
