"""Kafka's jars: fetched once, and checked."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hirewire.launcher import kafka_jars
from hirewire.launcher.kafka_jars import Jar, KafkaError, KafkaMissing, fetch, find_kafka, listed


@pytest.fixture
def jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Jar]:
    """Jars of a Maven repository in a folder."""
    found = []
    for nth in range(20):
        path = tmp_path / "maven" / "org" / f"{nth}.jar"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes([nth]) * 200_000)
        found.append(Jar(hashlib.sha256(path.read_bytes()).hexdigest(), f"org/{nth}.jar"))
    monkeypatch.setattr(kafka_jars, "MAVEN", (tmp_path / "maven").as_uri())
    return found


def test_several_that_fetch_at_once_get_each_jar_whole(jars: list[Jar], tmp_path: Path) -> None:
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: fetch(tmp_path / "cache", jars), range(5)))
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == sorted(
        one.name for one in jars
    )


def test_what_is_fetched_is_not_fetched_again_unless_it_is_damaged(
    jars: list[Jar], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(tmp_path / "cache", jars)
    damaged = tmp_path / "cache" / jars[3].name
    damaged.write_bytes(damaged.read_bytes()[:-1])
    fetch(tmp_path / "cache", jars)
    assert damaged.stat().st_size == 200_000
    monkeypatch.setattr(kafka_jars, "MAVEN", (tmp_path / "nowhere").as_uri())
    fetch(tmp_path / "cache", jars)


def test_another_file_than_expected_is_refused_by_name_and_not_kept(
    jars: list[Jar], tmp_path: Path
) -> None:
    (tmp_path / "maven" / jars[7].path).write_bytes(b"another")
    with pytest.raises(KafkaError, match=r"org/7\.jar is not the expected file"):
        fetch(tmp_path / "cache", jars)
    kept = {path.name for path in (tmp_path / "cache").iterdir()}
    assert kept <= {one.name for one in jars} - {"7.jar"}


def test_where_nothing_can_be_fetched_the_other_ways_are_named(
    jars: list[Jar], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_jars, "MAVEN", (tmp_path / "nowhere").as_uri())
    with pytest.raises(KafkaMissing, match=r"HIREWIRE_KAFKA_HOME.*HIREWIRE_BROKER_URL"):
        fetch(tmp_path / "cache", jars)


def test_a_folder_without_a_distribution_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_jars, "find_java", lambda: Path("/usr/bin/java"))
    with pytest.raises(KafkaMissing, match="HIREWIRE_KAFKA_HOME: no Kafka in"):
        find_kafka(tmp_path)


def test_the_list_has_each_jar_once_with_a_hash() -> None:
    jars = listed()
    assert len({one.name for one in jars}) == len(jars) > 40
    assert all(len(one.sha256) == 64 and one.path.endswith(".jar") for one in jars)
    assert kafka_jars.version() == "4.1.1"
