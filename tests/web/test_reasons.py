"""How the reasons of a match are shown."""

import pytest

from hirewire.web.api.models.vacancies import Reason
from hirewire.web.i18n.words import words
from hirewire.web.pages.templates import templates_in


@pytest.mark.parametrize(
    ("language", "mark"), [("en", "from the text of the job"), ("ru", "из текста вакансии")]
)
def test_reasons_say_what_is_read_from_the_text(language: str, mark: str) -> None:
    source = '{% import "fields.html" as f with context %}{{ f.reason(w, one) }}'
    template = templates_in(language).from_string(source)
    for presumed in (True, False):
        reason = Reason(part="skill", about="SQL", verdict="met", points=0.2, presumed=presumed)
        assert (mark in template.render(w=words(language), one=reason)) == presumed
