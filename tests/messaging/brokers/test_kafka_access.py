"""Kafka with passwords, TLS and access control: what each service may do, and what is explained."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from confluent_kafka import KafkaError

from hirewire import assembly, provisioning
from hirewire.contracts import auth, profiles, vacancies
from hirewire.launcher.kafka_jars import KafkaMissing
from hirewire.messaging.broker import (
    BrokerMisconfigured,
    BrokerUnavailable,
    Delivery,
    Message,
    Outcome,
    QueueTopology,
)
from hirewire.messaging.brokers.access import ServiceUser
from hirewire.messaging.brokers.kafka import Kafka, cluster, parse_url
from hirewire.messaging.brokers.kafka.access import commands, grant, rules
from hirewire.messaging.brokers.kafka.troubles import Troubles
from tests.certificates import Certificate
from tests.conftest import ensure_kafka, missing, one_worker_at_a_time
from tests.secured_kafka import SecuredKafka

pytestmark = pytest.mark.long
OWNERS = (auth, profiles, vacancies)
"""Their events name them."""
PASSWORDS = {"profiles": "pr0files/@", "vacancies": "vac", "web": "web"}
USERS = [
    ServiceUser("profiles", "", ("resume.updated",), ("user.registered",)),
    ServiceUser("vacancies", "", ("vacancy.published",), ("resume.updated",)),
    ServiceUser("web", "", (), ("user.registered",), has_queue=False),
]
PROFILES = QueueTopology("hirewire.profiles", ("user.registered",))
VACANCIES = QueueTopology("hirewire.vacancies", ("resume.updated",))
PART = QueueTopology("hirewire.profiles.p0", (), keys=("part.profiles.0.#",))
GENERATION = QueueTopology("hirewire.profiles@people-1", ("user.registered",))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def node(scratch: Path) -> AsyncIterator[SecuredKafka]:
    """A node that asks for passwords."""
    ensure_kafka()
    certificates = scratch / "certificates"
    certificates.mkdir(exist_ok=True)  # if pytest-xdist has returned to this module
    made = SecuredKafka(scratch / "secured-kafka", certificates)
    try:
        with one_worker_at_a_time():
            await made.start()
    except KafkaMissing as error:
        missing("kafka", str(error))
    yield made
    made.kill()
    await made.stop()
    made.tokens.close()


@dataclass
class Board:
    """A namespace on the node."""

    node: SecuredKafka
    name: str
    admin: Kafka
    brokers: list[Kafka]

    def of(self, service: str) -> Kafka:
        """A broker with the service's own user."""
        url = self.node.address(
            service, PASSWORDS[service], namespace=self.name, mechanism="SCRAM-SHA-512"
        )
        self.brokers.append(Kafka(url, client=service))
        return self.brokers[-1]


@pytest.fixture
async def board(node: SecuredKafka) -> AsyncIterator[Board]:
    """A namespace with the queues and the users of three services."""
    name = f"t{uuid4().hex[:10]}"
    url = node.address(namespace=name)
    admin = Kafka(url, client="migrate")
    await admin.declare([PROFILES, VACANCIES, PART, GENERATION])
    await grant(parse_url(url), USERS, passwords=PASSWORDS)
    made = Board(node, name, admin, [admin])
    yield made
    for one in made.brokers:
        await one.close()


def note(type: str, *, to: str | None = None, via: str | None = None) -> Message:
    id = str(uuid4())
    return Message(id, type, id, b"{}", {"id": id, "type": type, "source": "/x"}, to=to, via=via)


async def first(broker: Kafka, topology: QueueTopology) -> Delivery:
    async with aclosing(broker.deliveries(topology, limit=1)) as batches:
        [found] = await anext(batches)
        await broker.ack(found)
        return found


async def test_a_service_can_do_all_that_it_needs(board: Board) -> None:
    profiles, vacancies = board.of("profiles"), board.of("vacancies")
    await profiles.declare([PROFILES, PART, GENERATION])
    await board.admin.publish([note("user.registered")])
    for queue in (PROFILES, GENERATION):
        assert (await first(profiles, queue)).user_id == "auth"
        assert (await profiles.stats(queue.queue)).ready == 0
    assert await profiles.publish([note("m", via="part.profiles.0.message")]) == [Outcome.CONFIRMED]
    assert (await first(profiles, PART)).user_id is None
    mine = [note("resume.updated"), note("resume.updated", to="vacancies")]
    assert await profiles.publish(mine) == [Outcome.CONFIRMED] * 2
    assert (await first(vacancies, VACANCIES)).user_id == "profiles"
    async with aclosing(board.of("web").broadcasts(["user.registered"])) as batches:
        assert await anext(batches) == []
        await board.admin.publish([note("user.registered")])
        assert (await anext(batches))[0].routing_key == "user.registered"


async def test_a_service_cannot_publish_for_others(board: Board) -> None:
    """Neither to all nor to one; what is its own, beside it in the batch, is published."""
    profiles = board.of("profiles")
    foreign = [note("user.registered"), note("user.registered", to="profiles")]
    outcomes = await profiles.publish([*foreign, note("resume.updated")])
    assert outcomes == [Outcome.REFUSED, Outcome.REFUSED, Outcome.CONFIRMED]
    assert f"{board.name}.auth: TOPIC_AUTHORIZATION_FAILED" in foreign[0].refusal
    assert (await board.admin.stats(PROFILES.queue)).ready == 0


async def test_a_service_cannot_consume_for_others(board: Board) -> None:
    profiles = board.of("profiles")
    with pytest.raises(BrokerMisconfigured, match=rf"group {board.name}\.vacancies"):
        await first(profiles, VACANCIES)
    with pytest.raises(BrokerMisconfigured, match=rf"topic {board.name}\.vacancies"):
        await anext(profiles.broadcasts(["vacancy.published"]))


async def test_a_service_cannot_declare_or_delete_queues(board: Board) -> None:
    profiles = board.of("profiles")
    more = QueueTopology(PROFILES.queue, ("user.registered", "resume.updated"))
    with pytest.raises(BrokerMisconfigured, match=r"hirewire\.profiles .* migrate"):
        await profiles.declare([more])
    with pytest.raises(BrokerMisconfigured, match=r"hirewire\.vacancies .* migrate"):
        await profiles.delete(VACANCIES.queue)
    await board.admin.publish([note("resume.updated")])
    assert (await board.admin.stats(VACANCIES.queue)).ready == 1


async def test_rights_that_are_not_listed_any_more_are_taken_back(board: Board) -> None:
    profiles = board.of("profiles")
    assert await profiles.publish([note("resume.updated")]) == [Outcome.CONFIRMED]
    less = [ServiceUser("profiles", "", (), ("user.registered",))]
    url = parse_url(board.node.address(namespace=board.name))
    for _ in range(2):
        await grant(url, less, passwords={})
    assert await profiles.publish([note("resume.updated")]) == [Outcome.REFUSED]
    await board.admin.publish([note("user.registered")])
    assert (await first(profiles, PROFILES)).user_id == "auth"
    vacancies = board.of("vacancies")
    assert await vacancies.publish([note("vacancy.published")]) == [Outcome.UNROUTABLE]


async def test_only_an_administrator_grants(board: Board) -> None:
    url = board.node.address("web", PASSWORDS["web"], mechanism="SCRAM-SHA-512")
    with pytest.raises(BrokerMisconfigured, match="access control: CLUSTER_AUTHORIZATION_FAILED"):
        await grant(parse_url(url), USERS, passwords={})


async def test_each_way_to_sign_in(node: SecuredKafka) -> None:
    await grant(parse_url(node.address()), [], passwords={"web": "w/@"})
    for tls in (False, True):
        for user, password, mechanism in (
            ("auth", "plain-auth", "PLAIN"),
            ("web", "w/@", "SCRAM-SHA-512"),
            ("auth", "any", "OAUTHBEARER"),
        ):
            broker = Kafka(node.address(user, password, mechanism=mechanism, tls=tls), client="x")
            await broker.ping()
            await broker.close()


async def test_what_is_wrong_is_named(
    node: SecuredKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 2.0)
    unknown = Certificate(tmp_path, "127.0.0.1").path
    plain, dead = str(node.sasl), node.tokens.url.rpartition(":")[2].partition("/")[0]
    for url, reason in (
        (node.address(password="secret"), "user or password: signing in was refused"),
        (node.address(mechanism="SCRAM-SHA-256"), "mechanism: the cluster has only PLAIN,SCRAM"),
        (node.address(tls=True, ca=unknown), "ca: no authority in it has signed"),
        (node.address(tls=True, ca=tmp_path / "none"), "ca: the file cannot be read"),
        (node.address(tls=True).replace(str(node.tls), plain), "the servers have no TLS"),
        (f"kafka://127.0.0.1:{node.sasl}", "no server keeps the connection"),
        (f"kafka://127.0.0.1:{1}", "nothing listens at 127.0.0.1:1"),
        (node.address("a", mechanism="OAUTHBEARER").replace(dead, "1"), "token_endpoint: Failed"),
    ):
        broker = Kafka(url, client="x")
        with pytest.raises(BrokerUnavailable) as caught:
            await broker.ping()
        await broker.close()
        assert f"HIREWIRE_BROKER_URL: {reason}" in str(caught.value).replace("kafka+ssl: ", "")
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("turned", [False, True])
def test_what_says_most_is_named_in_whichever_order_it_comes(turned: bool) -> None:
    refused = KafkaError(KafkaError._TRANSPORT, "a:9092/bootstrap: Connection refused")
    down = KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down")
    gone = KafkaError(KafkaError._TRANSPORT, "a:9092/bootstrap: Disconnected")
    wrong = KafkaError(KafkaError._AUTHENTICATION, "authentication failed")
    for errors, reason in (
        ([gone, down], "no server keeps the connection"),
        ([gone, refused, down], "nothing listens at a:9092"),
        ([down, wrong, refused], "user or password"),
    ):
        troubles = Troubles()
        for error in errors[::-1] if turned else errors:
            troubles.note(error)
        assert reason in str(troubles.reason())


def test_every_service_may_do_what_the_catalogue_says() -> None:
    address = parse_url("kafka://admin:x@a,b/board")
    users = provisioning.broker_users(dict.fromkeys(assembly.PROCESSES, ""))
    may = {
        user.name: {(one.kind, one.name, one.operations) for one in rules(address, user)}
        for user in users
    }
    for name, found in may.items():
        writes = {topic for kind, topic, operations in found if "Write" in operations}
        own = {f"board.{name}"} if name != "web" else set()
        assert writes == own | ({f"board-to.{name}.p"} if name != "web" else set())
        groups = {group for kind, group, operations in found if kind == "group"}
        assert all(group.startswith(f"board.{name}") for group in groups - {"board.none"})
    assert ("topic", "board.vacancies", ("Read",)) in may["notifications"]
    lines = commands(address, users, principal="User:CN={service}, O=board")
    assert (
        "kafka-acls.sh --bootstrap-server a:9092,b:9092 --add --allow-principal "
        "'User:CN=auth, O=board' --operation Write --topic board.auth"
    ) in lines


def test_the_front_end_knows_whose_events_it_reads() -> None:
    """By itself it has no reason to load them; it would read another topic."""
    code = (
        "from hirewire import assembly\n"
        "from hirewire.messaging.event import EVENTS\n"
        "assembly.application('web', assembly.load_settings({}))\n"
        "assert not [one for one in assembly.gateways()[0].consumes if one not in EVENTS]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
