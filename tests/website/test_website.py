"""The documentation site: complete, and strict about links."""

from pathlib import Path

import pytest

from website.__main__ import ROOT, generate, stage


def test_the_site_is_built_with_the_sources_that_documents_link_to(tmp_path: Path) -> None:
    stage(ROOT, tmp_path / "pages")
    assert generate(tmp_path) == 0
    site = tmp_path / "site"
    handler = "src/hirewire/vacancies/activity/handlers.py"
    assert f"../{handler}/" in (site / "docs" / "architecture" / "index.html").read_text()
    assert "on_resume_updated" in (site / handler / "index.html").read_text()
    assert "0002-postgresql" in (site / "docs" / "decisions" / "index.html").read_text()
    assert "fonts.googleapis.com" not in (site / "index.html").read_text()


def test_links_that_lead_nowhere_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage(ROOT, tmp_path / "pages")
    readme = tmp_path / "pages" / "README.md"
    links = "[a](docs/missing.md) [b](docs/architecture.md#no-such-heading)"
    readme.write_text(f"{readme.read_text()}\n{links}\n")
    assert generate(tmp_path) == 1
    said = capsys.readouterr().err
    assert "page does not exist" in said
    assert "anchor does not exist" in said
