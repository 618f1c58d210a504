"""How background tasks run: steps until there is nothing to do, then a wait for a wake-up."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger(__name__)


class Wake:
    """A coalescing wake-up call."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def __call__(self) -> None:
        """Wake whoever waits, or make the next wait return at once."""
        self._event.set()

    def take(self) -> bool:
        """Whether there was a call since the last wait or take."""
        called = self._event.is_set()
        self._event.clear()
        return called

    async def wait(self, at_most: float) -> None:
        """Return when woken, or after `at_most` seconds."""
        try:
            async with asyncio.timeout(at_most):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()


async def run_steps(
    name: str,
    step: Callable[[], Awaitable[bool]],
    wake: Wake,
    *,
    idle: float = 1.0,
    longest_pause: float = 5.0,
) -> None:
    """Run `step` for ever: again at once while it says it found work, else after a wake.

    A step that raises is logged and tried again, after a pause that grows to `longest_pause` s.
    """
    failures = 0
    while True:
        try:
            found = await step()
            failures = 0
        except Exception as error:
            failures += 1
            log.warning("step failed", task=name, failures=failures, error=describe(error))
            await asyncio.sleep(min(0.1 * 2 ** min(failures, 10), longest_pause))
            continue
        if not found:
            await wake.wait(idle)


def describe(error: BaseException) -> str:
    """An error as one line for a log: its type, and its first line unless that may hold data.

    Database errors quote rows and parameters, which may be personal: of those only the type and
    the server's own message are kept.
    """
    original = getattr(error, "orig", None)
    cause = getattr(original, "__cause__", None) or original or error
    try:
        text = str(getattr(cause, "message", None) or cause).partition("\n")[0]
    except Exception:  # an error may be anybody's class
        text = "its text cannot be had"
    return f"{type(cause).__name__}: {text}"[:500]
