"""A private copy of the project, in which mutants are applied one after another."""

import compileall
import shutil
from pathlib import Path
from py_compile import PycInvalidationMode

from mutate.catalogue import Mutant

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("src", "tests")
"""What the tests of the core need, in addition to pyproject.toml."""


class Tree:
    """A copy of the project under `folder`; the project itself is never changed."""

    def __init__(self, folder: Path, root: Path = ROOT) -> None:
        self.folder, self._root = folder, root
        for part in PARTS:
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(root / part, folder / part, ignore=ignored)
        shutil.copy(root / "pyproject.toml", folder)
        # By content instead of time: a mutant may have the original's length and nearly its time.
        compileall.compile_dir(
            folder / "src", quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH
        )

    def apply(self, mutant: Mutant) -> None:
        """Apply a mutant; `restore` reverts it. Raises `DoesNotApply`."""
        path = self.folder / mutant.file
        path.write_text(mutant.applied_to(path.read_text()))

    def restore(self, mutant: Mutant) -> None:
        """Restore the mutated file from the project."""
        shutil.copyfile(self._root / mutant.file, self.folder / mutant.file)
