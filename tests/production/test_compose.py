"""compose.yaml and Dockerfile agree with the code."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.memory import FORMULA
from hirewire.assembly import PROCESSES, SERVICES, PlatformSettings
from hirewire.launcher.platform import LIBRARIES

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
CONTAINERS: dict[str, Any] = COMPOSE["services"]
EXAMPLE = (ROOT / "deploy" / "example.env").read_text()
PORTS = {name: PlatformSettings.model_fields[f"{name}_port"].default for name in PROCESSES}


def test_there_is_a_container_for_each_process() -> None:
    assert set(CONTAINERS) == {
        *("postgres", "rabbitmq", "kafka", "migrate", "proxy", "mailpit"),
        *PROCESSES,
    }
    assert CONTAINERS["mailpit"]["profiles"] == ["dev"]
    assert CONTAINERS["kafka"]["profiles"] == ["kafka"]
    others = [one for name, one in CONTAINERS.items() if name not in ("kafka", "mailpit")]
    assert all("profiles" not in one for one in others)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_service_is_served_checked_and_restarted(name: str) -> None:
    container = CONTAINERS[name]
    assert container["command"] == ["serve", name]
    assert f":{PORTS[name]}/health/ready" in container["healthcheck"]["test"][-1]
    assert container["restart"] == "unless-stopped"
    assert container["read_only"] is True
    assert "ports" not in container


@pytest.mark.parametrize("name", PROCESSES)
def test_only_our_own_network_is_trusted_about_client_addresses(name: str) -> None:
    [subnet] = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert CONTAINERS[name]["environment"]["HIREWIRE_TRUSTED_PROXIES"] == subnet["subnet"]


def test_only_the_proxy_is_reachable_from_outside() -> None:
    open_to_all = {
        name
        for name, container in CONTAINERS.items()
        if any(not port.startswith("127.0.0.1:") for port in container.get("ports", ()))
    }
    assert open_to_all == {"proxy"}
    assert "web:8000" in (ROOT / "deploy" / "Caddyfile").read_text()


def test_only_pages_are_redirected_to_https() -> None:
    text = (ROOT / "deploy" / "Caddyfile").read_text()
    assert "auto_https disable_redirects" in text
    plain = text.partition("\nhttp:// {")[2]
    api, pages = plain.split("handle {")
    assert re.search(r"handle /api/\* \{\s+respond .* 403", api)
    assert "redir https://{host}{uri} 308" in pages
    assert "reverse_proxy" not in plain


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_its_dependencies_and_uses_its_own_credentials(name: str) -> None:
    container = CONTAINERS[name]
    assert container["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert container["depends_on"]["rabbitmq"]["condition"] == "service_healthy"
    broker = container["environment"]["HIREWIRE_BROKER_URL"]
    user = f"{name}:${{RABBITMQ_{name.upper()}_PASSWORD}}"
    assert broker == f"${{BROKER_URL:-amqp://{user}@rabbitmq:5672/%2F}}"
    assert container["depends_on"]["kafka"] == {"condition": "service_healthy", "required": False}
    assert f'"{name}": ' in CONTAINERS["migrate"]["environment"]["HIREWIRE_RABBITMQ_PASSWORDS"]
    assert (
        CONTAINERS["web"]["environment"][f"HIREWIRE_{name.upper()}_URL"]
        == f"http://{name}:{PORTS[name]}"
    )


def test_the_chosen_kafka_is_the_broker_of_all() -> None:
    kafka = CONTAINERS["kafka"]
    assert "ports" not in kafka
    assert "CLIENTS://kafka:9092" in kafka["environment"].values()
    assert "\n#COMPOSE_PROFILES=kafka\n#BROKER_URL=kafka://kafka:9092\n" in EXAMPLE
    for name in ("migrate", *PROCESSES):
        address = CONTAINERS[name]["environment"]["HIREWIRE_BROKER_URL"]
        assert address.startswith("${BROKER_URL:-amqp://")


def test_memory_limits_follow_the_documented_formula() -> None:
    limit = CONTAINERS["vacancies"]["mem_limit"]
    [default] = re.findall(r"\$\{VACANCIES_MEMORY:-(\d+)m\}", limit)
    assert FORMULA.most(100_000, 100_000) <= int(default) <= 1.5 * FORMULA.most(100_000, 100_000)
    text = (ROOT / "docs" / "operations.md").read_text()
    assert f"{FORMULA.base} MiB" in text
    assert f"{FORMULA.vacancy} bytes" in text
    assert f"{FORMULA.resume} bytes" in text
    assert f"{FORMULA.merging} times" in text
    sizes = re.findall(r"^\| ([\d,]+) \| ([\d,]+) MiB \| `(\d+)m`", text, re.MULTILINE)
    assert [size for size, _, _ in sizes] == ["10,000", "100,000", "1,000,000"]
    for size, most, advised in sizes:
        count = int(size.replace(",", ""))
        assert most == f"{FORMULA.most(count, count):,.0f}"
        assert FORMULA.most(count, count) <= int(advised)
    assert f"| `{default}m`, the default of `compose.yaml` |" in text
    assert f"#VACANCIES_MEMORY={default}m" in EXAMPLE


def test_search_indexes_survive_the_container() -> None:
    container = CONTAINERS["vacancies"]
    folder = container["environment"]["HIREWIRE_SEARCH_DIR"]
    [volume] = container["volumes"]
    assert volume.endswith(f":{folder}")
    assert volume.split(":")[0] in COMPOSE["volumes"]
    # A volume gets the owner of the folder in the image; otherwise root.
    assert re.search(
        rf"install --directory --owner hirewire .*{folder}$",
        (ROOT / "Dockerfile").read_text(),
        re.MULTILINE,
    )


def test_every_named_setting_exists() -> None:
    named = set(re.findall(r"HIREWIRE_\w+", (ROOT / "compose.yaml").read_text()))
    named |= set(re.findall(r"HIREWIRE_\w+", (ROOT / "Dockerfile").read_text()))
    fields = {f"HIREWIRE_{field.upper()}" for field in PlatformSettings.model_fields}
    assert named <= fields


def test_no_password_is_in_it_and_an_unset_one_stops_the_start() -> None:
    text = (ROOT / "compose.yaml").read_text()
    demanded = set(re.findall(r"\$\{(\w+):\?", text))
    used = set(re.findall(r"\$\{(\w+)", text))
    optional = set(re.findall(r"\$\{(\w+):-", text))
    assert used == demanded | optional
    assert {name for name in used if name.endswith("PASSWORD")} <= demanded
    assert demanded <= set(re.findall(r"^(\w+)=", EXAMPLE, re.MULTILINE))
    assert "guest" not in text


def test_the_image_has_the_settings_of_libraries() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert {f"{name}={value}" for name, value in LIBRARIES.items()} <= set(text.split())


def test_the_image_runs_as_an_unprivileged_user() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^USER 10001$", text, re.MULTILINE)
    assert "--require-hashes" in text
    assert 'ENTRYPOINT ["python", "-m", "hirewire"]' in text


def repeated_keys(node: yaml.Node | None) -> list[str]:
    """The keys that stand twice in one mapping: YAML forbids them, and most parsers keep one."""
    if isinstance(node, yaml.SequenceNode):
        return [key for one in node.value for key in repeated_keys(one)]
    if not isinstance(node, yaml.MappingNode):
        return []
    names = [str(key.value) for key, _ in node.value]
    found = [
        f"{name} in line {node.start_mark.line + 1}" for name in names if names.count(name) > 1
    ]
    return found + [key for _, value in node.value for key in repeated_keys(value)]


def test_no_key_stands_twice() -> None:
    assert repeated_keys(yaml.compose((ROOT / "compose.yaml").read_text())) == []
    assert repeated_keys(yaml.compose("a: {b: 1, c: 2, b: 3}")) == ["b in line 1"] * 2
