"""`./dev docs`: builds the documentation site, strictly: a broken link is an error.

Zensical takes one folder of Markdown. The documents are next to the sources that they link to, so
they are copied into such a folder first, and each linked source becomes a page.
"""

import argparse
import posixpath
import re
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
CONFIG = Path(__file__).parent / "zensical.toml"
LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)#\s]+)")
SHOWN = {".py": "python", ".toml": "toml", ".yaml": "yaml", ".json": "json", ".sh": "sh"}
ASSETS = {".png", ".svg"}


def main() -> int:
    """Build the site; returns the exit code."""
    parser = argparse.ArgumentParser(prog="./dev docs", description=__doc__)
    parser.add_argument(
        "--to", type=Path, help="folder for the site (.site)", default=ROOT / ".site"
    )
    parser.add_argument("--check", action="store_true", help="build the site without keeping it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hirewire-docs-") as folder:
        work = Path(folder)
        code = build(ROOT, work)
        if code == 0 and not asked.check:
            subprocess.run(["cp", "-rT", str(work / "site"), str(asked.to)], check=True)
            print(f"the site is in {asked.to}: python -m http.server -d {asked.to}")
    return code


def build(root: Path, work: Path) -> int:
    """Build the documents of `root` in the folder `work`; returns the generator's exit code."""
    stage(root, work / "pages")
    return generate(work)


def generate(work: Path) -> int:
    """Build the site from the pages in `work`; returns the exit code. Errors go to stderr."""
    (work / "zensical.toml").write_text(CONFIG.read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        wrong, _, _ = (done.stdout + done.stderr).partition("Traceback (most recent call last)")
        sys.stderr.write(re.sub(r"\x1b\[[0-9;]*m", "", wrong))
    return done.returncode


def stage(root: Path, pages: Path) -> None:
    """Copy the documents and everything they link to into `pages`, with the same paths."""
    documents = sorted(
        [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("examples/*.md")]
    )
    linked: set[PurePosixPath] = set()
    for document in documents:
        place = PurePosixPath(document.relative_to(root).as_posix())
        text = document.read_text(encoding="utf-8")

        def target(match: re.Match[str], place: PurePosixPath = place) -> str:
            found = PurePosixPath(posixpath.normpath(place.parent / match[1]))
            linked.add(found)
            return match[1] + _suffix(root / found)

        _write(pages / place, LINK.sub(target, text))
    for found in linked:
        _stage_target(root, pages, found)


def _suffix(path: Path) -> str:
    """The suffix that a link to this path needs, to lead to its page."""
    if path.is_dir():
        return "/index.md"
    return ".md" if path.is_file() and path.suffix not in {".md", *ASSETS} else ""


def _stage_target(root: Path, pages: Path, found: PurePosixPath) -> None:
    path = root / found
    if path.is_dir():
        names = sorted(p.name for p in path.iterdir() if p.is_file() and p.suffix in (".md", ".py"))
        lines = [f"- [{name}]({name}{_suffix(path / name)})" for name in names]
        _write(pages / found / "index.md", f"# {found}\n\n" + "\n".join(lines) + "\n")
        for name in names:
            if not name.endswith(".md"):
                _stage_target(root, pages, found / name)
    elif path.suffix in ASSETS:
        (pages / found).parent.mkdir(parents=True, exist_ok=True)
        (pages / found).write_bytes(path.read_bytes())
    elif path.is_file() and path.suffix != ".md":
        text = path.read_text(encoding="utf-8").replace("````", "'''")
        kind = SHOWN.get(path.suffix, "text")
        _write(pages / f"{found}.md", f"# {found}\n\n````{kind}\n{text}\n````\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
