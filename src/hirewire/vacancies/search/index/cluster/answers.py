"""The cluster's errors as the search's own."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from opensearchpy import NotFoundError, OpenSearchException, TransportError

from hirewire.kit.search_clusters import ANSWER_SECONDS
from hirewire.messaging.background import describe
from hirewire.vacancies.search.index.engine import SearchNotReady, SearchUnavailable

log = structlog.get_logger(__name__)

WRITE_SECONDS = 60.0
RETRY_SECONDS = 5
PAUSE_SECONDS = 1.0
"""How long searches are refused after one that was not answered."""
_FAULTS = range(400, 500)
"""Status codes of requests that are wrong, but for those of `_PASSING`."""
_PASSING = (401, 403, 404, 408, 429)


class Breaker:
    """Refuses searches for a while after one that was not answered, but for one that tries.

    A search that waits occupies a connection to the database: if all of them waited for a frozen
    cluster, other requests would get none.
    """

    def __init__(self) -> None:
        self._closed_until = 0.0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask the cluster in the block. Raises `SearchUnavailable`, at once if it is away."""
        now = time.monotonic()
        if now < self._closed_until:
            raise SearchUnavailable(retry_after=RETRY_SECONDS)
        if self._closed_until:
            self._closed_until = now + ANSWER_SECONDS  # this one tries, the others do not wait
        try:
            with answered("search"):
                yield
        except SearchNotReady:
            self._closed_until = 0.0
            raise
        except SearchUnavailable:
            self._closed_until = time.monotonic() + PAUSE_SECONDS
            raise
        self._closed_until = 0.0


@contextmanager
def answered(purpose: str) -> Iterator[None]:
    """Raises `SearchUnavailable` for errors of the cluster and of the network.

    Those of a wrong request pass: they are ours.
    """
    try:
        yield
    except NotFoundError as error:
        if "index_not_found" not in str(error.error):
            raise
        raise SearchNotReady(retry_after=1) from None
    except (OpenSearchException, OSError, TimeoutError) as error:
        status = error.status_code if isinstance(error, TransportError) else None
        if status in _FAULTS and status not in _PASSING:
            raise
        log.warning("search cluster does not answer", purpose=purpose, error=describe(error))
        raise SearchUnavailable(retry_after=RETRY_SECONDS) from None
