"""The documents agree with the code."""

import re
from pathlib import Path

import pytest

from hirewire.assembly import SERVICES, PlatformSettings, service, subscribers

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text()):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| `HIREWIRE_(\w+)` \| (\S+) \|", text, re.MULTILINE)
    documented = {name.lower(): default.strip("`") for name, default in rows}
    assert set(documented) == set(PlatformSettings.model_fields)
    for name, field in PlatformSettings.model_fields.items():
        default = {} if field.default_factory else field.default
        assert documented[name] == ("–" if default is None else str(default)), name


@pytest.mark.parametrize("name", SERVICES)
def test_the_table_of_services_matches_the_code(name: str) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    [row] = re.findall(rf"^\| `{name}` \|.*$", text, re.MULTILINE)
    published, received = row.split("|")[3:5]
    page = service(name)
    assert set(re.findall(r"`([\w.]+)`", published)) == {e.name for e in page.publishes}
    assert set(re.findall(r"`([\w.]+)`", received)) == set(page.consumes)


def test_decisions_fit_one_screen() -> None:
    records = list((ROOT / "docs" / "decisions").glob("*.md"))
    assert records
    for path in records:
        assert len(path.read_text().splitlines()) <= 40, path.name


def test_everything_that_is_consumed_is_published() -> None:
    published = {event.name for name in SERVICES for event in service(name).publishes}
    assert set(subscribers()) <= published
