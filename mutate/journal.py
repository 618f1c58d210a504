"""The journal of a long run: a line for each verdict, so that the run can be continued."""

from pathlib import Path


def enter(path: Path, name: str, by: str | None, seconds: float, note: str = "") -> None:
    """Add a verdict: the mutant's name, ``killed`` or ``survived``, seconds, the test or a note."""
    word = "survived" if by is None else "killed"
    with path.open("a") as file:
        file.write(f"{name}\t{word}\t{seconds:.1f}\t{by or note}\n")


def judged(path: Path) -> dict[str, bool]:
    """The mutants that were judged, and whether they were killed according to their last line."""
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    return {name: word == "killed" for name, word, *_ in lines}
