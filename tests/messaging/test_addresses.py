"""Addresses that name several database servers."""

import pytest

from hirewire.assembly import load_settings
from hirewire.kit.settings import SettingsError
from hirewire.messaging.addresses import servers_of, split_hosts


@pytest.mark.parametrize(
    ("given", "servers"),
    [
        ("postgresql://u:p%40@a:5433/x", [("a", 5433)]),
        ("postgresql://u:p%40@a,b:5433/x", [("a", 5432), ("b", 5433)]),
        ("postgresql://u:p%40@[::1],[fe80::1]:6/x", [("::1", 5432), ("fe80::1", 6)]),
        ("postgresql://u:p%40@a,b,c/x?sslmode=require", [("a", 5432), ("b", 5432), ("c", 5432)]),
    ],
)
def test_each_server_has_an_address(given: str, servers: list[tuple[str, int]]) -> None:
    found = servers_of(split_hosts(given))
    assert [(one.host, one.port) for one in found] == servers
    assert {(one.username, one.password, one.database) for one in found} == {("u", "p@", "x")}
    assert {one.query.get("sslmode") for one in found} == {
        "require" if "sslmode" in given else None
    }


def test_settings_take_several_servers() -> None:
    url = "postgresql://u:p@a,b:5433/board"
    settings = load_settings({"HIREWIRE_DATABASE_URL": url, "HIREWIRE_BROKER_URL": url})
    for address in (settings.service_database("auth"), settings.broker_address()):
        assert [(one.host, one.port) for one in servers_of(address)] == [("a", 5432), ("b", 5433)]


@pytest.mark.parametrize("places", ["a,b:x", "a,:5432", "a:1,b:2,"])
def test_a_malformed_list_of_servers_is_named(places: str) -> None:
    with pytest.raises(SettingsError, match="HIREWIRE_DATABASE_URL"):
        load_settings({"HIREWIRE_DATABASE_URL": f"postgresql://u:p@{places}/board"})


def test_a_direct_address_alone_is_refused() -> None:
    given = {"HIREWIRE_DATABASE_DIRECT_URL": "postgresql://u:p@a/x"}
    with pytest.raises(
        SettingsError, match=r"HIREWIRE_DATABASE_DIRECT_URL: .*HIREWIRE_DATABASE_URL"
    ):
        load_settings(given)


def test_one_address_given_twice_needs_no_pooler() -> None:
    url = "postgresql://u:p@a/x"
    settings = load_settings({"HIREWIRE_DATABASE_URL": url, "HIREWIRE_DATABASE_DIRECT_URL": url})
    assert settings.shared_database("auth") is None
