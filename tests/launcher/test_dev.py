"""The script `./dev` before anything is installed."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def dev(*arguments: str, **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        [str(ROOT / "dev"), *arguments],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_without_arguments_it_prints_every_command() -> None:
    code, output = dev()
    cases = re.findall(r"^    ([a-z |-]+)\)", (ROOT / "dev").read_text(), re.MULTILINE)
    commands = {name.strip() for case in cases for name in case.split("|")}
    listed = {line.split()[0] for line in output.splitlines()[1:]}
    assert code == 0
    assert {"run", "demo", "test", "check", "bench", "lock", "clean", "format"} <= listed
    assert listed <= commands | {"hirewire"}


def test_an_unknown_command_is_an_error() -> None:
    code, output = dev("chek")
    assert (code, "no command 'chek'" in output) == (1, True)


@pytest.mark.parametrize(
    ("fails", "says"),
    [
        ("import venv", "apt-get install python3-venv"),
        ("version_info", r"Python 3\.11 or later is needed"),
    ],
)
def test_missing_requirements_are_named(tmp_path: Path, fails: str, says: str) -> None:
    """With a Python that lacks the venv module, and with one that is too old."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "dirname", "cksum", "cat", "mkdir", "readlink", "env"):
        (programs / name).symlink_to(f"/usr/bin/{name}")
    python = programs / "python3"
    python.write_text(f'#!/bin/bash\ncase "$*" in *"{fails}"*) exit 1 ;; esac\nexit 0\n')
    python.chmod(0o755)
    venv = tmp_path / "venv"
    code, output = dev("run", PATH=str(programs), HIREWIRE_VENV=str(venv), PYTHON="")
    assert code == 1
    assert re.search(says, output), output
    assert not list(venv.glob(".*.installed"))
