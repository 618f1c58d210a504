"""The Kubernetes manifests and the systemd units agree with the code and with compose.yaml."""

import json
import re
from typing import Any

import pytest
import yaml

from hirewire import __version__, assembly, provisioning
from hirewire.assembly import MANIFESTS, PROCESSES, SERVICES, PlatformSettings
from hirewire.kit.service import END_SECONDS
from hirewire.launcher.serving import SHUTDOWN_SECONDS
from hirewire.messaging.brokers.kafka import parse_url
from hirewire.messaging.brokers.kafka.access import rules
from hirewire.messaging.runtime import Options
from tests.production.kubernetes import FOLDER, OVERLAYS, ROOT, of_kind, permits, rendered, written

CONTAINERS: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
PORTS = {one.name: one.port for one in MANIFESTS}
SOURCES = [path.read_text() for path in sorted(FOLDER.rglob("*")) if path.is_file()]
UNITS = [path for path in sorted((ROOT / "deploy" / "systemd").rglob("*")) if path.is_file()]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
NAME = "app.kubernetes.io/name"
WORKLOADS = ("Deployment", "StatefulSet")


def spec_of(workload: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = workload["spec"]["template"]["spec"]
    return found


def test_every_named_setting_exists() -> None:
    texts = [*SOURCES, *(unit.read_text() for unit in UNITS)]
    named = {name for text in texts for name in re.findall(r"HIREWIRE_[A-Z_]+[A-Z]", text)}
    assert len(named) > 10
    assert named <= {f"HIREWIRE_{field.upper()}" for field in PlatformSettings.model_fields}


def test_each_process_has_a_workload_and_an_address() -> None:
    documents = list(written("base"))
    workloads, services = of_kind(documents, *WORKLOADS), of_kind(documents, "Service")
    assert set(workloads) == {*PROCESSES, *(f"{name}-worker" for name in SERVICES)}
    assert set(services) == set(PROCESSES)
    for name, workload in workloads.items():
        [container] = spec_of(workload)["containers"]
        service = name.removesuffix("-worker")
        role = [] if name == "web" else ["--role", "worker" if "-" in name else "api"]
        assert container["args"] == ["serve", service, *role]
        assert container["ports"] == [{"name": "http", "containerPort": PORTS[service]}]
    for name, address in services.items():
        assert address["spec"]["ports"][0]["port"] == PORTS[name]
        selected = address["spec"]["selector"]
        assert selected == workloads[name]["spec"]["template"]["metadata"]["labels"]
        if name != "web":
            url = f"HIREWIRE_{name.upper()}_URL=http://{name}:{PORTS[name]}\n"
            assert url in (FOLDER / "base" / "settings.env").read_text()


def test_probes_ask_for_paths_that_exist() -> None:
    asked = {path for text in SOURCES for path in re.findall(r"/health/\w+|/metrics", text)}
    asked.discard("/health/ready")  # in a comment that says why it is not asked for
    assert asked == {"/health/live", "/health/serving", "/metrics"}
    service = (ROOT / "src/hirewire/kit/health.py").read_text()
    assert all(f'router.get("{path}")' in service for path in asked)
    web = (ROOT / "src/hirewire/web/app.py").read_text()
    assert all(f'router.get("{path}")' in web for path in ("/health/live", "/metrics"))


def test_versions_and_limits_are_those_of_compose() -> None:
    engines = list(written("components/rabbitmq", "components/postgres", "components/kafka"))
    assert (
        of_kind(engines, "RabbitmqCluster")["rabbitmq"]["spec"]["image"]
        == (CONTAINERS["rabbitmq"]["image"])
    )
    postgres = of_kind(engines, "Cluster")["postgres"]["spec"]["imageName"]
    [major] = re.findall(r"^postgres:(\d+)-", CONTAINERS["postgres"]["image"])
    assert re.search(rf"/postgresql:{major}\.\d+-", postgres)
    kafka = of_kind(engines, "Kafka")["kafka"]["spec"]["kafka"]["version"]
    assert CONTAINERS["kafka"]["image"] == f"apache/kafka:{kafka}"
    for overlay in OVERLAYS:
        text = (FOLDER / "overlays" / overlay / "kustomization.yaml").read_text()
        assert f"newTag: {__version__}}}" in text
    for overlay in OVERLAYS:
        for name, one in of_kind(rendered(overlay), *WORKLOADS).items():
            limit = CONTAINERS[name.removesuffix("-worker")]["mem_limit"]
            [megabytes] = re.findall(r"(\d+)m\b", limit)
            [container] = spec_of(one)["containers"]
            assert container["resources"]["limits"] == {"memory": f"{megabytes}Mi"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_runs_is_confined_probed_and_ends_in_peace(overlay: str) -> None:
    documents = rendered(overlay)
    running = of_kind(documents, *WORKLOADS)
    jobs = of_kind(documents, "Job")
    cron = of_kind(documents, "CronJob")["audit"]["spec"]["jobTemplate"]
    for name, one in {**running, **jobs, "audit": cron}.items():
        spec = spec_of(one)
        assert spec["enableServiceLinks"] is False, "HIREWIRE_… variables would stop the start"
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*spec["containers"], *spec.get("initContainers", ())]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }
            assert "memory" in container["resources"]["limits"]
            defined: set[str] = set()
            for variable in container["env"]:
                used = set(re.findall(r"\$\((\w+)\)", variable.get("value", "")))
                assert used <= defined, f"{name}: {variable['name']} stands before {used}"
                defined.add(variable["name"])
    for name, one in running.items():
        spec = spec_of(one)
        [container] = spec["containers"]
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()
        assert len(spec["topologySpreadConstraints"]) == 2
        pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
        needed = pause + SHUTDOWN_SECONDS + Options().drain_seconds + END_SECONDS
        assert spec["terminationGracePeriodSeconds"] >= needed
        if name != "web":
            [waits] = spec["initContainers"]
            assert waits["args"] == ["migrate", "--wait", name.removesuffix("-worker")]
    budgets = of_kind(documents, "PodDisruptionBudget")
    assert set(running) <= set(budgets)
    for name, one in running.items():
        labels = one["spec"]["template"]["metadata"]["labels"]
        assert budgets[name]["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_small_has_one_of_each_and_production_three() -> None:
    small = of_kind(rendered("small"), *WORKLOADS)
    assert set(small) == set(PROCESSES)
    assert all(one["spec"]["replicas"] == 1 for one in small.values())
    assert all(
        spec_of(one)["containers"][0]["args"][-1] == "all"
        for name, one in small.items()
        if name != "web"
    )
    for overlay in ("production", "kafka"):
        documents = rendered(overlay)
        running, scaled = of_kind(documents, *WORKLOADS), of_kind(documents, "ScaledObject")
        assert set(scaled) == set(running)
        assert all("replicas" not in one["spec"] for one in running.values())
        assert all(one["spec"]["minReplicaCount"] == 3 for one in scaled.values())
        assert of_kind(documents, "Cluster")["postgres"]["spec"]["instances"] == 3
    nodes = of_kind(rendered("production"), "RabbitmqCluster")["rabbitmq"]["spec"]["replicas"]
    assert nodes == 3


def test_workers_are_scaled_by_metrics_that_exist_and_not_past_their_partitions() -> None:
    documents = rendered("production")
    scaled = of_kind(documents, "ScaledObject")
    [settings] = [one for one in documents if one["metadata"]["name"].startswith("settings-")]
    partitions = dict(
        part.split("=") for part in settings["data"]["HIREWIRE_PARTITIONS"].split(",")
    )
    metrics = (ROOT / "src/hirewire/messaging/metrics.py").read_text()
    for name in SERVICES:
        spec = scaled[f"{name}-worker"]["spec"]
        assert spec["maxReplicaCount"] == int(partitions[name])
        queries = [one["metadata"].get("query", "") for one in spec["triggers"]]
        used = [found for query in queries for found in re.findall(r"hirewire_\w+", query)]
        assert used == ["hirewire_outbox_age_seconds", "hirewire_handler_lag_seconds"]
        assert all(f'"{one}"' in metrics for one in used)
        queue = re.compile(spec["triggers"][2]["metadata"]["queueName"])
        assert all(queue.match(found) for found in (f"hirewire.{name}", f"hirewire.{name}.p3"))
        assert not queue.match(f"hirewire.{name}@seen-2")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_postgresql_has_connections_for_all_of_them(overlay: str) -> None:
    documents = rendered(overlay)
    [settings] = [one for one in documents if one["metadata"]["name"].startswith("settings-")]
    pool = int(settings["data"].get("HIREWIRE_DATABASE_POOL", 10))
    scaled = of_kind(documents, "ScaledObject")
    most = sum(
        scaled[name]["spec"]["maxReplicaCount"] if scaled else one["spec"]["replicas"]
        for name, one in of_kind(documents, *WORKLOADS).items()
        if name != "web"
    )
    cluster = of_kind(documents, "Cluster")["postgres"]["spec"]["postgresql"]["parameters"]
    assert most * 2 * pool + 20 <= int(cluster["max_connections"])


def pods(overlay: str) -> dict[str, dict[str, str]]:
    """The labels of each kind of pod: ours, and those that the operators make."""
    documents = rendered(overlay)
    found = {
        name: one["spec"]["template"]["metadata"]["labels"]
        for name, one in of_kind(documents, *WORKLOADS, "Job").items()
    }
    cron = of_kind(documents, "CronJob")["audit"]["spec"]["jobTemplate"]["spec"]
    found["audit"] = cron["template"]["metadata"]["labels"]
    broker = {"strimzi.io/cluster": "kafka"} if overlay == "kafka" else {NAME: "rabbitmq"}
    return {**found, "broker": broker, "postgres": {"cnpg.io/cluster": "postgres"}}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_policies_are_the_picture_of_the_architecture(overlay: str) -> None:
    """Only `web` calls services; services meet at the broker, and each has its database."""
    labels = pods(overlay)
    policies = list(of_kind(rendered(overlay), "NetworkPolicy").values())
    amqp, admin = (9093, 8443) if overlay == "kafka" else (5672, 15672)
    workers = [name for name in labels if name.endswith("-worker")]
    expected = {(caller, name, PORTS[name]) for caller in ("web", "audit") for name in SERVICES}
    expected |= {(name, "postgres", 5432) for name in (*SERVICES, *workers, "migrate", "audit")}
    expected |= {(name, "broker", amqp) for name in (*PROCESSES, *workers, "migrate")}
    expected |= {("postgres", "postgres", 5432), ("postgres", "postgres", 8000)}
    if overlay == "kafka":
        expected |= {("broker", "broker", 9090), ("broker", "broker", 9091)}
    else:
        expected |= {("migrate", "broker", admin), ("broker", "broker", 25672)}
    ports = {*PORTS.values(), 5432, 8000, amqp, admin, 25672, 9090, 9091}
    found = {
        (source, target, port)
        for source in labels
        for target in labels
        for port in ports
        if permits(policies, labels[source], labels[target], port)
    }
    assert found == expected


def test_kafkas_users_may_do_what_their_events_need_and_no_more() -> None:
    assembly.load_contracts()
    users = of_kind(list(written("components/kafka")), "KafkaUser")
    assert set(users) == {*PROCESSES, "migrate", "keda"}
    address = parse_url("kafka://kafka-kafka-bootstrap:9093/hirewire")
    for user in provisioning.broker_users(dict.fromkeys(PROCESSES, "")):
        found = [
            (
                acl["resource"]["type"],
                acl["resource"]["name"],
                acl["resource"].get("patternType") == "prefix",
                tuple(acl["operations"]),
            )
            for acl in users[user.name]["spec"]["authorization"]["acls"]
        ]
        expected = [
            (rule.kind, rule.name, rule.is_prefix, rule.operations) for rule in rules(address, user)
        ]
        assert sorted(found) == sorted(expected), user.name


def test_no_secret_is_in_the_manifests_and_the_document_makes_each() -> None:
    referred: set[tuple[str, str]] = set()
    for overlay in OVERLAYS:
        assert not of_kind(rendered(overlay), "Secret")
        text = json.dumps(rendered(overlay))
        refs = re.findall(r'"secretKeyRef": (\{[^}]*\})', text)
        referred |= {(one["name"], one["key"]) for one in map(json.loads, refs)}
    made_by_operators = {"postgres-app", "rabbitmq-default-user"} | {
        one["metadata"]["name"] for one in written("components/kafka") if one["kind"] == "KafkaUser"
    }
    for name, key in referred:
        if name not in made_by_operators:
            [command] = re.findall(rf"create secret generic {name} (.*?)\n\n", OPERATIONS, re.S)
            assert f"--from-literal={key}=" in command or f"--from-file={key}=" in command
    assert not re.search(r"://\w+:[^$\s]+@", "\n".join(SOURCES)), "a password in an address"


@pytest.mark.parametrize("name", ["hirewire@.service", "hirewire-migrate.service"])
def test_a_unit_is_hardened(name: str) -> None:
    text = (ROOT / "deploy" / "systemd" / name).read_text()
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="):
        assert f"\n{line}\n" in text
    assert "User=hirewire" in text or "DynamicUser=yes" in text
