"""Why a cluster cannot be reached: the library's calls say no more than that they got no answer."""

import re
import time
from dataclasses import dataclass, field

from confluent_kafka import KafkaError

REMEMBERED_SECONDS = 60.0
SETTING = "HIREWIRE_BROKER_URL"
_WITHOUT_REASON = frozenset(
    {KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN}
)


@dataclass(slots=True)
class Troubles:
    """What the clients of one address report beside their answers."""

    _last: tuple[float, KafkaError] | None = field(default=None)

    def note(self, error: KafkaError) -> None:
        """Called by the library, in whichever thread calls it."""
        now, known = time.monotonic(), self._last
        is_old = known is None or now - known[0] > REMEMBERED_SECONDS
        if is_old or (known and _weight(error) >= _weight(known[1])):
            self._last = (now, error)

    def reason(self) -> str | None:
        """What is probably wrong, if something was reported lately."""
        if self._last is None or time.monotonic() - self._last[0] > REMEMBERED_SECONDS:
            return None
        return reason_of(self._last[1])


def is_without_reason(error: KafkaError) -> bool:
    """Whether it says only that nobody answered."""
    return error.code() in _WITHOUT_REASON


def _weight(error: KafkaError) -> int:
    """How much it says: after a refused connection, that all servers are down says less."""
    if reason_of(error) is None:
        return 0
    if error.code() == KafkaError._ALL_BROKERS_DOWN:
        return 1
    return 2 if is_without_reason(error) else 3


def reason_of(error: KafkaError) -> str | None:
    """What is probably wrong, and which part of the setting says it."""
    text = error.str()
    if error.code() in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED):
        if "OAUTHBEARER token" in text:
            return f"{SETTING}: token_endpoint: {text.partition('token: ')[2] or text}"[:300]
        if found := re.search(r"supported mechanisms: ([\w,-]*)", text):
            return f"{SETTING}: mechanism: the cluster has only {found[1] or 'none'}"
        return f"{SETTING}: user or password: signing in was refused"
    if error.code() == KafkaError._SSL:
        if "certificate verify failed" in text:
            return f"{SETTING}: ca: no authority in it has signed the servers' certificates"
        return f"{SETTING}: kafka+ssl: no TLS with these servers: {text}"[:300]
    if error.code() == KafkaError._INVALID_ARG and "ssl.ca.location" in text:
        return f"{SETTING}: ca: the file cannot be read"
    if error.code() == KafkaError._RESOLVE:
        return f"{SETTING}: {text.partition(': ')[2]}"[:300]
    if "to a PLAINTEXT broker" in text:
        return f"{SETTING}: kafka+ssl: the servers have no TLS at this port: kafka://"
    if "Connection refused" in text:
        return f"{SETTING}: nothing listens at {text.partition('/bootstrap')[0].rpartition('/')[2]}"
    if error.code() == KafkaError._ALL_BROKERS_DOWN:
        return f"{SETTING}: no server keeps the connection: kafka+ssl:// or kafka://, with a user?"
    return None
