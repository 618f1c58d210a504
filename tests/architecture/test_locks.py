"""The locked dependencies."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def pins_of(lock: str) -> set[str]:
    lines = (ROOT / lock).read_text().splitlines()
    return {line.split()[0] for line in lines if "==" in line and line[0].isalnum()}


def test_whoever_installs_the_tools_has_what_the_services_need() -> None:
    needed = pins_of("requirements.lock")
    assert len(needed) > 50
    assert needed <= pins_of("requirements-dev.lock")
