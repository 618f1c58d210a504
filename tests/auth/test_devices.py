"""What a session is recognised by."""

import pytest

from hirewire.auth.networks import coarse
from hirewire.kit.devices import LONGEST, device

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0"


@pytest.mark.parametrize(
    ("user_agent", "known"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36", "Chrome · Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {CHROME} Safari/537.36 Edg/141.0", "Edge · Windows"),
        (
            f"Mozilla/5.0 (X11; Linux x86_64) {CHROME} YaBrowser/25.8 Safari/537.36",
            "Yandex Browser · Linux",
        ),
        (f"Mozilla/5.0 (Linux; Android 16; Pixel 9) {CHROME} Mobile", "Chrome · Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
            "Version/18.6 Mobile/15E148 Safari/604.1",
            "Safari · iPhone",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Firefox/143.0",
            "Firefox · macOS",
        ),
        ("python-httpx/0.28.1", "python-httpx"),
        ("You won: www.evil.example", "You won wwwevilexample"),
        ("x" * 300, "x" * LONGEST),
        ("", None),
        ("/1.0", None),
    ],
)
def test_devices(user_agent: str, known: str | None) -> None:
    assert device(user_agent) == known


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("", None),
        ("unix", None),
    ],
)
def test_coarse_networks(address: str, network: str | None) -> None:
    assert coarse(address) == network
