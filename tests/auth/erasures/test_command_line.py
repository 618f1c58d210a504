"""`hirewire privacy`: what it searches for, and what it says if it cannot search."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner

from hirewire.cli.privacy import privacy_app
from hirewire.operators import privacy
from hirewire.operators.privacy import Findings
from tests.services import SECRET_KEY


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIREWIRE_SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("HIREWIRE_DATABASE_URL", "postgresql://nobody:x@127.0.0.1:9/hirewire")


def _verify(*arguments: str, stdin: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(privacy_app, ["verify", str(uuid4()), *arguments], input=stdin)
    return done.exit_code, done.output


def test_each_line_is_searched_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []

    async def search(_: object, __: UUID, words: Sequence[str]) -> Findings:
        asked.append(words)
        return Findings()

    monkeypatch.setattr(privacy, "search", search)
    file = tmp_path / "words.txt"
    file.write_bytes("\ufeffАнна\r\n\r\n  +7 900 \n".encode())  # as Notepad stores it
    assert _verify("--words", str(file))[0] == 0
    assert _verify("--words", "-", stdin="Анна\n+7 900\n")[0] == 0
    assert asked == [["Анна", "+7 900"]] * 2


def test_what_cannot_be_searched_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1 would say that something was found."""
    file = tmp_path / "words.txt"
    assert _verify("--words", str(file))[0] == 2
    file.write_bytes("Анна".encode("cp1251"))
    assert _verify("--words", str(file))[0] == 2

    async def search(*_: object) -> Findings:
        raise ConnectionRefusedError

    monkeypatch.setattr(privacy, "search", search)
    assert _verify()[0] == 2
