"""Where a private Kafka node's program comes from: a distribution, or jars of Maven Central.

The jars and their hashes are in `kafka.jars`. They are fetched once, into a cache of the user, and
checked at each start.
"""

import hashlib
import os
import shutil
import tempfile
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hirewire.launcher.process import make_folder

MAVEN = "https://repo1.maven.org/maven2"
LIST = Path(__file__).with_name("kafka.jars")
AT_ONCE = 8
ANSWER_SECONDS = 30.0


class KafkaError(Exception):
    """The private node cannot be started; the message gives the reason."""


class KafkaMissing(KafkaError):
    """This machine has no Java, or the jars cannot be fetched."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; or set HIREWIRE_BROKER_URL=kafka://… to a cluster elsewhere")


@dataclass(frozen=True, slots=True)
class Jar:
    """A line of the list."""

    sha256: str
    path: str
    """Its path in Maven Central."""

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Program:
    """What a node is started with."""

    java: Path
    class_path: str


def find_java() -> Path | None:
    """The program `java`."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home, "bin"))) if home else None
    found = found or shutil.which("java")
    return Path(found) if found else None


def cache_folder() -> Path:
    """Where fetched jars are kept: for root, where the node's system user can read them."""
    default = Path("/var/cache") if os.geteuid() == 0 else Path.home() / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or default) / "hirewire" / f"kafka-{version()}"


def version() -> str:
    """The version of Kafka in the list."""
    return next(one.path.split("/")[-2] for one in listed() if one.name.startswith("kafka_"))


def listed() -> list[Jar]:
    """The jars of the list, in the order of the class path."""
    return listed_in(LIST)


def listed_in(path: Path) -> list[Jar]:
    """The jars in the file of a list."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return [Jar(*line.split()) for line in lines]


def find_kafka(home: Path | None) -> Program:
    """The program in a distribution's folder; without one, of fetched jars.

    Raises `KafkaMissing`, and `KafkaError` for a jar that is another one than expected.
    """
    java = find_java()
    if java is None:
        raise KafkaMissing(
            "Java 17 or later is not installed. On Debian or Ubuntu: apt-get install "
            "default-jre-headless"
        )
    if home is not None:
        libraries = home.resolve() / "libs"
        if not any(libraries.glob("kafka_*.jar")):
            raise KafkaMissing(f"HIREWIRE_KAFKA_HOME: no Kafka in {libraries}")
        return Program(java, f"{libraries}/*")
    folder = cache_folder()
    fetch(folder, listed())
    return Program(java, ":".join(str(folder / one.name) for one in listed()))


def is_fetched() -> bool:
    """Whether the jars are in the cache."""
    return not _missing(cache_folder(), listed())


def fetch(folder: Path, jars: Sequence[Jar]) -> None:
    """Fetch the jars that are missing. Several processes may do so at once.

    Raises `KafkaMissing`, and `KafkaError` for a jar that is another one than expected.
    """
    missing = _missing(folder, jars)
    if not missing:
        return
    try:
        make_folder(folder, for_others=os.geteuid() == 0)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda one: _fetch(folder, one), missing))
    except OSError as error:
        raise KafkaMissing(
            f"Kafka's jars cannot be fetched from {MAVEN} into {folder} ({error}): set "
            "HIREWIRE_KAFKA_HOME to the folder of a Kafka distribution"
        ) from None


def _missing(folder: Path, jars: Sequence[Jar]) -> list[Jar]:
    return [one for one in jars if _hash_of(folder / one.name) != one.sha256]


def _hash_of(path: Path) -> str | None:
    with suppress(OSError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return None


def _fetch(folder: Path, jar: Jar) -> None:
    """Fetch a jar under a name of our own, and give it its name once it is known to be right."""
    url = f"{MAVEN}/{jar.path}"
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")
    part = Path(name)
    try:
        with (
            open(descriptor, "wb") as file,
            urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer,  # noqa: S310
        ):
            shutil.copyfileobj(answer, file)
        if _hash_of(part) != jar.sha256:
            raise KafkaError(f"{url} is not the expected file: its SHA-256 is another one")
        part.chmod(0o644)
        part.replace(folder / jar.name)
    finally:
        part.unlink(missing_ok=True)
