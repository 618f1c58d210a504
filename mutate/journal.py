"""The journal of a long run: one line per verdict, so that an interrupted run can continue."""

from pathlib import Path


def enter(path: Path, name: str, by: str | None, seconds: float, note: str = "") -> None:
    """Append a verdict: the mutant's name, ``killed`` or ``survived``, seconds, test or note."""
    word = "survived" if by is None else "killed"
    with path.open("a") as file:
        file.write(f"{name}\t{word}\t{seconds:.1f}\t{by or note}\n")


def judged(path: Path) -> dict[str, bool]:
    """The mutants with a verdict, and whether their last line says that they were killed."""
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    return {name: word == "killed" for name, word, *_ in lines}
