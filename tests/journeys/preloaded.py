"""Loads what the services load, and connects to nothing."""

import gc
import os

os.environ.pop("COLUMNS", None)  # otherwise a console would keep it: each program brings its own

import hirewire.cli.main
from hirewire import assembly
from hirewire.vacancies.recommendations.facts import prepare
from hirewire.vacancies.skills.index import typeahead
from hirewire.web.pages.templates import templates_in
from tests.hashing import use_passwords

__all__ = ["hirewire"]

for name in assembly.PROCESSES:
    assembly.load(name)
use_passwords("cheap")
prepare()
typeahead().find("zz", 1)  # this also computes the stems of all names
for lang in ("en", "ru"):
    for template in templates_in(lang).list_templates():
        templates_in(lang).get_template(template)
gc.collect()
gc.freeze()  # else each forked process would scan all objects, and copy their pages
