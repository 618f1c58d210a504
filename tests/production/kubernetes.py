"""The manifests of `deploy/kubernetes`, as written and as rendered; what their policies permit."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import missing

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("small", "production", "kafka")
Labels = Mapping[str, str]
Document = dict[str, Any]


def written(*folders: str) -> Iterator[Document]:
    """The resources in these folders' files, before any patch."""
    for folder in folders:
        for path in sorted((FOLDER / folder).glob("*.yaml")):
            for document in yaml.safe_load_all(path.read_text()):
                if document.get("kind") not in ("Kustomization", "Component", "all", None):
                    yield document


@cache
def rendered(overlay: str) -> list[Document]:
    """What is applied to a cluster. Skips the test where no tool can render it, unless required."""
    tools = (["kustomize", "build"], ["kubectl", "kustomize"])
    tool = next((one for one in tools if shutil.which(one[0])), None)
    if tool is None:
        missing("kubectl", "neither kustomize nor kubectl is on PATH")
    assert tool is not None
    done = subprocess.run(
        [*tool, str(FOLDER / "overlays" / overlay)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def of_kind(documents: list[Document], *kinds: str) -> dict[str, Document]:
    """The documents of these kinds, by name."""
    return {one["metadata"]["name"]: one for one in documents if one["kind"] in kinds}


def permits(policies: list[Document], source: Labels, target: Labels, port: int) -> bool:
    """Whether pods of one namespace with these labels may open a connection."""
    return _side(policies, "Egress", source, target, port) and _side(
        policies, "Ingress", target, source, port
    )


def _side(policies: list[Document], way: str, own: Labels, other: Labels, port: int) -> bool:
    rules, peers = ("egress", "to") if way == "Egress" else ("ingress", "from")
    chosen = [
        one["spec"]
        for one in policies
        if way in one["spec"]["policyTypes"] and _selects(one["spec"]["podSelector"], own)
    ]
    if not chosen:
        return True
    return any(
        _names(rule, peers, other) and any(_covers(at, port) for at in rule["ports"])
        for spec in chosen
        for rule in spec.get(rules, ())
    )


def _names(rule: Document, peers: str, other: Labels) -> bool:
    """A rule without peers is for the world outside; those of the namespace are named."""
    return any(
        "podSelector" in peer
        and "namespaceSelector" not in peer
        and _selects(peer["podSelector"], other)
        for peer in rule.get(peers, ())
    )


def _covers(at: Document, port: int) -> bool:
    if at["port"] == "http":
        return True
    first = int(at["port"])
    return first <= port <= int(at.get("endPort", first))


def _selects(selector: Document, labels: Labels) -> bool:
    exact = selector.get("matchLabels", {})
    if any(labels.get(name) != value for name, value in exact.items()):
        return False
    for one in selector.get("matchExpressions", ()):
        assert one["operator"] == "In"
        if labels.get(one["key"]) not in one["values"]:
            return False
    return True
