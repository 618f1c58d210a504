"""The site that passkeys are bound to."""

import pytest

from hirewire.auth.passkeys import rules
from hirewire.auth.passkeys.rules import Site


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("https://jobs.example.org", Site("jobs.example.org", "https://jobs.example.org")),
        ("https://Jobs.Example.org:443", Site("jobs.example.org", "https://jobs.example.org")),
        (
            "https://jobs.example.org:8443/b",
            Site("jobs.example.org", "https://jobs.example.org:8443"),
        ),
        ("https://работа.рф", Site("xn--80aac6chp.xn--p1ai", "https://xn--80aac6chp.xn--p1ai")),
        ("http://localhost:8000", Site("localhost", "http://localhost:8000")),
        ("http://127.0.0.1:8000", None),
        ("https://[::1]:8000", None),
        ("http://jobs.example.org", None),
    ],
)
def test_the_site_of_an_address(address: str, site: Site | None) -> None:
    assert rules.site_of(address) == site


@pytest.mark.parametrize(
    ("before", "counter", "is_copied"),
    [(0, 0, False), (0, 1, False), (1, 2, False), (2, 2, True), (2, 1, True), (2, 0, True)],
)
def test_a_counter_has_to_grow(before: int, counter: int, is_copied: bool) -> None:
    assert rules.is_copied(before, counter) is is_copied
