"""The cluster's errors as the search's own."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from opensearchpy import NotFoundError, OpenSearchException, TransportError

from hirewire.messaging.background import describe
from hirewire.vacancies.search.index.engine import SearchNotReady, SearchUnavailable

log = structlog.get_logger(__name__)

WRITE_SECONDS = 60.0
RETRY_SECONDS = 5
_FAULTS = range(400, 500)
"""Status codes of requests that are wrong, but for those of `_PASSING`."""
_PASSING = (401, 403, 404, 408, 429)


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
