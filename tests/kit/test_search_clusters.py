"""Addresses of search clusters."""

import pytest

from hirewire.kit.environment import load_settings
from hirewire.kit.search_clusters import SearchCluster, parse_cluster
from hirewire.kit.settings import SettingsError


def test_all_parts_of_an_address_are_read() -> None:
    url = "https://us%40er:pa%3Ass@a.example:9201,b.example/jobs-1?shards=3&replicas=2&ca=/ca.pem"
    assert parse_cluster(url) == SearchCluster(
        hosts=(("a.example", 9201), ("b.example", 9200)),
        is_encrypted=True,
        login=("us@er", "pa:ss"),
        ca="/ca.pem",
        prefix="jobs-1",
        shards=3,
        replicas=2,
    )
    assert parse_cluster("http://[::1]") == SearchCluster(
        (("::1", 9200),), False, None, None, "hirewire", 1, None
    )
    assert "pa:ss" not in repr(parse_cluster(url))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("opensearch://host", "not an address"),
        ("https://user:secret@", "not an address"),
        ("https://user:secret@host:port", "not an address"),
        ("https://user:secret@a,/x", "not an address"),
        ("https://user:secret@host/Jobs", "the prefix"),
        ("https://user:secret@host/a/b", "the prefix"),
        ("https://user:secret@host/_all", "the prefix"),
        ("https://user:secret@host?shard=2", "unknown option 'shard'"),
        ("https://user:secret@host?shards=0", "shards: a whole number from 1 to 256"),
        ("https://user:secret@host?replicas=10", "replicas: a whole number from 0 to 9"),
        ("http://user:secret@host?ca=/ca.pem", "only https:// has certificates"),
    ],
)
def test_a_wrong_address_stops_the_start_and_is_not_quoted(url: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"HIREWIRE_SEARCH_URL": url})
    assert reason in str(caught.value)
    assert "HIREWIRE_SEARCH_URL" in str(caught.value)
    assert "secret" not in str(caught.value)
