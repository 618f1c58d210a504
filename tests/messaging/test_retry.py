"""The retry schedule: from attempts to delays."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirewire.messaging.retry import RetrySchedule

schedules = st.builds(
    RetrySchedule,
    attempts=st.integers(1, 50),
    first=st.timedeltas(timedelta(0), timedelta(minutes=1)),
    factor=st.floats(1, 10),
    longest=st.timedeltas(timedelta(minutes=1), timedelta(days=1)),
    jitter=st.floats(0, 0.9),
)


def test_the_default_schedule() -> None:
    delays = [RetrySchedule().delay(n, draw=0.5) for n in range(1, 9)]
    seconds = [d.total_seconds() if d else None for d in delays]
    assert seconds == [1, 3, 9, 27, 81, 243, 600, None]


@given(schedules, st.integers(1, 60), st.floats(0, 1, exclude_max=True))
def test_delays_are_bounded_and_end(schedule: RetrySchedule, attempt: int, draw: float) -> None:
    delay = schedule.delay(attempt, draw=draw)
    if attempt >= schedule.attempts:
        assert delay is None
    else:
        assert delay is not None
        assert timedelta(0) <= delay <= schedule.longest * (1 + schedule.jitter)


@given(schedules)
def test_without_jitter_delays_never_shrink(schedule: RetrySchedule) -> None:
    delays = [schedule.delay(n, draw=0.5) for n in range(1, schedule.attempts)]
    seconds = [d.total_seconds() for d in delays if d is not None]
    assert seconds == sorted(seconds)


@pytest.mark.parametrize(
    "wrong", [{"attempts": 0}, {"factor": 0.5}, {"jitter": 1.0}, {"first": timedelta(-1)}]
)
def test_an_invalid_schedule_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"at least|attempts"):
        RetrySchedule(**wrong)  # type: ignore[arg-type]
