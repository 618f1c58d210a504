"""Addresses of the running platform: written by `hirewire run`, read by other commands."""

import json
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import psutil

from hirewire.kit.settings import Settings
from hirewire.launcher.process import hold, is_held, write_private


@dataclass(frozen=True)
class RunningPlatform:
    """Addresses of the platform that runs in a data directory."""

    pid: int
    public_url: str
    database_url: str
    broker_url: str
    rabbitmq_management_url: str | None = None
    broker_urls: dict[str, str] = field(default_factory=dict)
    """The broker's address for each service that has its own broker user."""
    operator_token: str | None = None
    secret_key: str | None = None
    smtp_url: str | None = None


def write_state(data_dir: Path, platform: RunningPlatform) -> None:
    """Write `<data_dir>/run/platform.json`, with mode 0600: it contains passwords."""
    path = _path(data_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(platform), file)
    temporary.replace(path)


def read_state(data_dir: Path) -> RunningPlatform | None:
    """The platform running there; None if there is none.

    A running platform holds a lock: its process id may belong to another process by now, and in a
    container it is always the same.
    """
    try:
        if not is_held(_path(data_dir).parent):
            return None
        return RunningPlatform(**json.loads(_path(data_dir).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def running_data_dirs() -> list[Path]:
    """The data directories of all platforms that this user runs, found by their open locks."""
    found = set()
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "run" not in words or not any("hirewire" in word for word in words):
            continue
        with suppress(psutil.Error, OSError):
            paths = [Path(file.path) for file in process.open_files()]
            found |= {path.parent.parent for path in paths if path.parts[-2:] == ("run", "lock")}
    return sorted(folder for folder in found if read_state(folder) is not None)


def hold_state(data_dir: Path) -> IO[str]:
    """Lock `data_dir` against other platforms until the result is closed. Raises `FolderInUse`."""
    folder = _path(data_dir).parent
    folder.mkdir(parents=True, exist_ok=True)
    return hold(folder)


def clear_state(data_dir: Path) -> None:
    """Remove the state: nothing runs there any more."""
    _path(data_dir).unlink(missing_ok=True)


def found_settings(settings: Settings, data_dir: Path, service: str | None = None) -> Settings:
    """`settings`, with the addresses of the platform running in `data_dir` where none are set."""
    state = read_state(data_dir) if settings.database_url is None else None
    if state is None:
        return settings
    broker = state.broker_urls.get(service or "", state.broker_url)
    return settings.model_copy(
        update={
            "database_url": state.database_url,
            "broker_url": settings.broker_url or broker,
            "rabbitmq_management_url": settings.rabbitmq_management_url
            or state.rabbitmq_management_url,
            "public_url": state.public_url,
            "operator_token": settings.operator_token or state.operator_token,
            "secret_key": settings.secret_key or state.secret_key,
            "smtp_url": settings.smtp_url or state.smtp_url,
        }
    )


def broker_passwords(data_dir: Path, names: Iterable[str]) -> dict[str, str]:
    """Passwords of the broker's users: generated once, stored in a file of mode 0600."""
    path = data_dir / "broker-passwords.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    passwords = {name: known.get(name) or secrets.token_urlsafe(24) for name in names}
    if passwords != known:
        data_dir.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(passwords, file)
    return passwords


def operator_token(data_dir: Path) -> str:
    """The operators' token: generated once, stored in a file of mode 0600."""
    return _generated(data_dir / "operator-token")


def secret_key(data_dir: Path) -> str:
    """The key that encrypts secrets in the databases: generated once, in a file of mode 0600."""
    return _generated(data_dir / "secret-key")


def _generated(path: Path) -> str:
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32))
    return path.read_text()


def _path(data_dir: Path) -> Path:
    return data_dir / "run" / "platform.json"
