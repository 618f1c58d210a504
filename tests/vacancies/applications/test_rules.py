"""The state machine of applications, for any order of moves."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, get_args
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirewire.vacancies.applications import rules
from hirewire.vacancies.applications.rules import (
    OPEN,
    ApplicantState,
    Origin,
    Progress,
    Stage,
)
from hirewire.vacancies.parties import Asker, Party

STAGES: tuple[Stage, ...] = get_args(Stage)
CLOSED = [stage for stage in STAGES if stage not in OPEN]
PARTIES: tuple[Party, ...] = get_args(Party)
progresses = st.builds(
    Progress,
    stage=st.sampled_from(STAGES),
    origin=st.sampled_from(get_args(Origin)),
    viewed=st.booleans(),
    accepted=st.booleans(),
)


def after(at: Progress, what: str) -> Progress:
    """The state after this move; the same as before if it is not allowed."""
    actions = {action for party in PARTIES for action in rules.allowed_actions(at, party)}
    if what == "accept" and what in actions:
        return replace(at, accepted=True)
    if what == "withdraw" and what in actions:
        return replace(at, stage="discard_by_applicant")
    if what == "view":
        return replace(at, viewed=True)
    for stage in rules.allowed_stages(at, "employer"):
        if stage == what:
            return replace(at, stage=stage, viewed=True)
    return at


@given(progresses, st.lists(st.sampled_from([*STAGES, "accept", "withdraw", "view"]), max_size=30))
def test_no_move_leaves_a_closed_state(at: Progress, moves: list[str]) -> None:
    for move in moves:
        following = after(at, move)
        if not at.is_open:
            assert following.stage == at.stage
        if following.stage == "hired" != at.stage:
            assert at.stage == "offer"
        if following.stage != at.stage and at.is_pending:
            assert following.stage in ("discard_by_employer", "discard_by_applicant")
        at = following


@given(progresses)
def test_the_applicant_always_sees_a_state(at: Progress) -> None:
    state = rules.applicant_state(at)
    assert state in get_args(ApplicantState)
    ends = {"hired", "declined", "withdrawn", "closed"}
    assert (state in ends) is not at.is_open
    assert (state in ("sent", "viewed")) <= (at.origin == "response" and at.stage == "response")


@given(progresses, st.sampled_from(PARTIES))
def test_allowed_moves_are_consistent(at: Progress, party: Party) -> None:
    actions, stages = rules.allowed_actions(at, party), rules.allowed_stages(at, party)
    assert bool(actions) is at.is_open
    assert at.stage not in stages
    assert ("discard" in actions) is ("discard_by_employer" in stages)
    assert ("move" in actions) is any(stage in OPEN for stage in stages)
    assert "discard_by_applicant" not in stages
    assert "discard_vacancy_closed" not in stages


@pytest.mark.parametrize("stage", CLOSED)
@pytest.mark.parametrize("party", PARTIES)
def test_a_closed_application_allows_no_moves(stage: Stage, party: Party) -> None:
    at = Progress(stage, "response", viewed=True, accepted=True)
    assert rules.allowed_stages(at, party) == []
    assert rules.allowed_actions(at, party) == []


def test_every_open_stage_goes_to_every_other() -> None:
    for stage in OPEN:
        at = Progress(stage, "response", viewed=True, accepted=True)
        expected = {*OPEN, "discard_by_employer"} - {stage}
        expected |= {"hired"} if stage == "offer" else set()
        assert set(rules.allowed_stages(at, "employer")) == expected
        assert rules.allowed_stages(at, "applicant") == []


@pytest.mark.parametrize(
    ("stage", "origin", "viewed", "accepted", "expected"),
    [
        ("response", "response", False, True, "sent"),
        ("response", "response", True, True, "viewed"),
        ("response", "invitation", True, False, "invited"),
        ("response", "invitation", False, True, "in_progress"),
        ("consider", "response", True, True, "in_progress"),
        ("assessment", "response", True, True, "in_progress"),
        ("phone_interview", "response", True, True, "invited"),
        ("interview", "invitation", True, True, "invited"),
        ("offer", "response", True, True, "offer"),
        ("hired", "response", True, True, "hired"),
        ("discard_by_employer", "invitation", False, False, "declined"),
        ("discard_by_applicant", "invitation", False, False, "withdrawn"),
        ("discard_vacancy_closed", "response", False, True, "closed"),
    ],
)
def test_what_the_applicant_sees(
    stage: Stage, origin: Origin, viewed: bool, accepted: bool, expected: str
) -> None:
    assert rules.applicant_state(Progress(stage, origin, viewed, accepted)) == expected


def test_contacts_are_open_from_yes_to_withdrawal() -> None:
    yes = Progress("response", "invitation", viewed=True, accepted=True)
    assert yes.contacts_open
    assert replace(yes, stage="discard_by_employer").contacts_open
    assert not replace(yes, stage="discard_by_applicant").contacts_open
    assert not replace(yes, accepted=False).contacts_open


@pytest.mark.parametrize(
    ("accepted", "stage", "visible", "shown"),
    [
        (True, "response", False, "as_it_is"),
        (True, "offer", True, "as_it_is"),
        (True, "discard_by_applicant", False, "as_it_was"),
        (True, "discard_by_applicant", True, "as_it_was"),
        (True, "discard_by_employer", True, "as_it_was"),
        (True, "hired", False, "as_it_was"),
        (False, "response", True, "as_it_is"),
        (False, "response", False, None),
        (False, "discard_by_applicant", True, "as_it_is"),
        (False, "discard_by_applicant", False, None),
    ],
)
def test_which_resume_an_employer_sees(
    accepted: bool, stage: Stage, visible: bool, shown: str | None
) -> None:
    at = Progress(stage, "invitation", viewed=True, accepted=accepted)
    assert rules.resume_shown(at, "employer", visible) == shown
    assert rules.resume_shown(at, "applicant", visible) == "as_it_is"


@pytest.mark.parametrize(
    ("state", "snapshot", "gone"),
    [
        ("visible", None, False),
        ("visible", {}, False),
        ("unseen", {"status": "hidden"}, False),
        ("unseen", {"hiddenFrom": ["a"]}, True),
        ("unseen", None, True),
        ("deleted", None, True),
    ],
)
def test_a_hidden_resume_without_content_was_deleted(
    state: str, snapshot: dict[str, Any] | None, gone: bool
) -> None:
    assert rules.is_gone(state, snapshot) is gone


def test_a_vacancy_takes_applications_while_it_is_open() -> None:
    today = date(2026, 5, 2)
    assert rules.takes_applications("published", False, None, today)
    assert rules.takes_applications("published", False, today, today)
    assert not rules.takes_applications("published", False, today - timedelta(days=1), today)
    assert not rules.takes_applications("paused", False, None, today)
    assert not rules.takes_applications("published", True, None, today)
    assert [
        s for s in ("draft", "published", "paused", "closed") if rules.takes_answers(s, False)
    ] == [
        "published",
        "paused",
    ]


def test_nobody_decides_on_their_own_application() -> None:
    company, user = uuid4(), uuid4()
    assert Asker(user, company).party(user, company) == "applicant"
    assert Asker(uuid4(), company).party(user, company) == "employer"
    assert Asker(uuid4(), None).party(user, company) is None
    assert Asker(uuid4(), uuid4()).party(user, company) is None


START = datetime(2026, 5, 2, tzinfo=UTC)


def line(minute: int, side: str, stage: str, **more: object) -> SimpleNamespace:
    values: dict[str, object] = {"comment": None, "shared": False, "reason": None}
    values |= {"user_id": uuid4(), "api_key": None} | more
    at = START + timedelta(minutes=minute)
    return SimpleNamespace(
        created_at=at, side=side, from_stage="response", to_stage=stage, **values
    )


@given(st.lists(st.tuples(st.sampled_from(STAGES), st.booleans(), st.booleans()), max_size=20))
def test_the_applicants_history_holds_no_secret(
    moves: list[tuple[Stage, bool, bool]],
) -> None:
    application = SimpleNamespace(origin="response", viewed_at=None, accepted_at=START)
    lines = [line(0, "applicant", "response")]
    for minute, (stage, spoken, shared) in enumerate(moves, start=1):
        comment = ("shared" if shared else "private") if spoken else None
        lines.append(line(minute, "employer", stage, comment=comment, shared=shared))
    seen = rules.history(application, lines, "applicant")
    assert {move.to_stage for move in seen} | {move.from_stage for move in seen} == {None}
    assert {move.comment for move in seen} <= {None, "shared"}
    assert all(move.user_id is None for move in seen if move.side == "employer")
    for before, move in pairwise(seen):
        assert move.comment is not None or move.applicant_state != before.applicant_state
    assert len(rules.history(application, lines, "employer")) == len(lines)


def test_a_move_that_changes_nothing_for_the_applicant_is_no_line_of_theirs() -> None:
    application = SimpleNamespace(
        origin="response", viewed_at=START + timedelta(minutes=1), accepted_at=START
    )
    lines = [
        line(0, "applicant", "response"),
        line(2, "employer", "consider"),
        line(3, "employer", "assessment"),
        line(4, "employer", "interview", comment="Monday", shared=True),
        line(5, "employer", "phone_interview", comment="Tuesday", shared=True),
        line(6, "employer", "discard_by_employer", reason="salary", comment="no"),
    ]
    seen = rules.history(application, lines, "applicant")
    assert [(move.applicant_state, move.comment, move.reason) for move in seen] == [
        ("sent", None, None),
        ("in_progress", None, None),
        ("invited", "Monday", None),
        ("invited", "Tuesday", None),
        ("declined", None, "salary"),
    ]
