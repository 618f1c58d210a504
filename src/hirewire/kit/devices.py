"""What a person recognises a device by: its browser and its system."""

import re

LONGEST = 40
_BROWSERS = (
    *(("YaBrowser/", "Yandex Browser"), ("Edg", "Edge"), ("OPR/", "Opera")),
    *(("Vivaldi/", "Vivaldi"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox")),
    *(("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari")),
)
"""Marks in a `User-Agent`; the first one counts, since most browsers also name others."""
_SYSTEMS = (
    *(("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows")),
    *(("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")),
)


def device(user_agent: str) -> str | None:
    """The browser and the system, such as `Firefox · Windows`; of a program, its name.

    None without any. Versions are left out, and signs by which a mail client would make a link of
    a program's name, since anybody can choose it.
    """
    known = [
        next((name for mark, name in names if mark in user_agent), None)
        for names in (_BROWSERS, _SYSTEMS)
    ]
    if known[0] is not None:
        return " · ".join(name for name in known if name)
    program = user_agent.partition("/")[0].strip()
    return re.sub(r"[^A-Za-z0-9 _-]", "", program)[:LONGEST] or None
