"""The language that a request prefers, and times in a language."""

from datetime import datetime

from babel.dates import format_datetime

from hirewire.kit.clock import local
from hirewire.kit.mail.letters import Language


def preferred(accept_language: str) -> Language:
    """The language that `Accept-Language` (RFC 9110) prefers: `ru` or `en`. Without one, `en`."""
    weights = {"ru": 0.0, "en": 0.001}
    for part in accept_language.split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.split("-")[0].lower()
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        if language in weights:
            weights[language] = max(weights[language], weight)
    return "ru" if weights["ru"] > weights["en"] else "en"


def moment_in_words(moment: datetime, language: str) -> str:
    """The day and the time in the board's time zone, whose name follows."""
    there = local(moment)
    return f"{format_datetime(there, 'd MMMM y, HH:mm', locale=language)} {there:%Z}"
