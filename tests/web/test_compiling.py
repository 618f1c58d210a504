"""The compiler of the templates: pages as Jinja's own makes them, sooner."""

import pytest
from jinja2 import DictLoader, Environment, StrictUndefined, TemplateAssertionError, UndefinedError
from markupsafe import Markup, escape

from hirewire.web.pages.compiling import Compiler, escaped

TEMPLATES = {
    "macros": """
{% set signs = {"<": greet("<")} %}
{% macro item(one, level="h2", sign="<") %}
<{{ level }}>{{ sign }}{{ one.name }}</{{ level }}>
{% endmacro %}
{% macro around(kind) %}<p class="{{ kind }}">{{ caller(kind ~ "'") }}</p>{% endmacro %}
""",
    "base": """
{% block head %}<title>{{ title }}</title>{% endblock %}
{% block body %}{% endblock %}
""",
    "page": """
{% extends "base" %}
{% import "macros" as m with context %}
{% block head %}{{ super() }}{{ self.body() }}{% endblock %}
{% block body %}
{{ m.item(items[0]) }}{{ m.item(items[1], sign="&", level="h3") }}{{ m.signs["<"] }}
{% call(word) m.around(title) %}{{ word }}{{ greet(word) }}{% endcall %}
{% for one in items recursive %}
{{ loop.index }}{{ one.name | upper }}{{ loop(one.parts) }}
{% endfor %}
{% set whole %}{{ title }}<b>{% endset %}
{{ whole }}{{ whole ~ title }}{{ marked }}{{ count }}{{ none }}{{ title | safe }}
{{ title if count > 1 else marked }}{{ [title, marked] | join("<") }}{{ items[5:] }}
{% endblock %}
""",
}
VALUES = {
    "title": """<a href="x">&'""",
    "marked": Markup("<em>"),
    "count": 1,
    "items": [{"name": "O'Neil & Co", "parts": []}, {"name": "<i>", "parts": []}],
}


def _environment(compiler: type[Compiler] | None) -> Environment:
    made = Environment(loader=DictLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    made.globals["greet"] = lambda name: f"<hello {name}>"
    if compiler is not None:
        made.extend(constant={"greet": made.globals["greet"]})
        made.code_generator_class = compiler
    return made


def test_a_page_is_the_same_as_by_jinjas_own_compiler() -> None:
    expected = _environment(None).get_template("page").render(VALUES)
    assert _environment(Compiler).get_template("page").render(VALUES) == expected
    assert "O&#39;Neil &amp; Co" in expected
    assert "<em>" in expected


def test_text_is_escaped_as_markupsafe_does() -> None:
    for character in map(chr, range(0x3000)):
        assert escaped(character) == escape(character)

    class Drawn:
        def __html__(self) -> str:
            return "<svg>"

    class Text(str):
        __slots__ = ()

    values = ("", "a < b & c > \"d\" 'e'", Text("<"), Markup("<b>"), Drawn(), None, 7, 0.5, [0])
    for value in values:
        assert escaped(value) == escape(value)


def test_what_is_missing_is_an_error() -> None:
    made = _environment(Compiler)
    for source in ("{{ absent }}", "{{ absent() }}", "{{ title.absent() }}"):
        with pytest.raises(UndefinedError):
            made.from_string(source).render(VALUES)


def test_calls_that_are_not_compiled_are_refused() -> None:
    for source in ("{{ title.join(*items) }}", "{{ title.format(**items[0]) }}"):
        with pytest.raises(TemplateAssertionError):
            _environment(Compiler).from_string(source)
