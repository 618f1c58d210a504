"""Loads what the services load, and connects to nothing."""

import hirewire.cli.main
from hirewire import assembly

__all__ = ["hirewire"]

for name in assembly.PROCESSES:
    assembly.load(name)
