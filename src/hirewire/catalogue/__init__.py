"""The catalogue of events, from the contracts and the subscriptions: pages, AsyncAPI, schemas.

`docs/events.md` is for people, `docs/asyncapi.json` (AsyncAPI 3.0.0) for programs, and
`docs/schemas/` keeps what was published, so that a change which would break a present reader is
refused.
"""

from hirewire.catalogue.entries import entries
from hirewire.catalogue.files import refusals, stale, write
from hirewire.catalogue.page import COMMAND

__all__ = ["COMMAND", "entries", "refusals", "stale", "write"]
