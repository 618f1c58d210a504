"""Loads what the services load, and connects to nothing."""

import os

os.environ.pop("COLUMNS", None)  # otherwise a console would keep it: each program brings its own

import hirewire.cli.main
from hirewire import assembly
from hirewire.vacancies.recommendations.facts import prepare
from hirewire.vacancies.skills.index import typeahead

__all__ = ["hirewire"]

for name in assembly.PROCESSES:
    assembly.load(name)
prepare()
typeahead().find("zz", 1)  # this also computes the stems of all names
