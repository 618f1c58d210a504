"""How templates are laid out: lines that can be read, which are one line of the page."""

import re
from pathlib import Path

import pytest

from hirewire.web.api.models.auth import Account, Passkeys, TwoStep
from hirewire.web.pages.assets import STATIC
from hirewire.web.pages.templates import rendered, templates_in

TEMPLATES = sorted((STATIC.parent / "templates").rglob("*.html"))
MOST = 140
BESIDE_A_TEXT = 50
"""Characters that may stand on one line with a text that is too long for a line by itself."""


def too_long(template: str) -> list[int]:
    """Lines over 140 characters. A text or an attribute, which cannot be broken, may be longer."""
    return [
        number
        for number, line in enumerate(template.splitlines(), 1)
        if len(line) > MOST
        and len(line) - max(map(len, re.findall(r'"[^"]*"', line)), default=0) > BESIDE_A_TEXT
    ]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_lines_of_templates_can_be_read(path: Path) -> None:
    assert too_long(path.read_text("utf-8")) == [], "break it in a tag, after %}, or before {%-"


def test_that_rule_catches_long_lines() -> None:
    text = "word " * 40
    lines = [
        "<p>" + "x" * (MOST - 3),
        "<p>" + "x" * (MOST - 2),
        "{% if a %}<b>{{ a }}</b>{% endif %}" * 5,
        f'  "{text}") }}}}</p>',
        f'<p class="quiet">{{{{ _("{text}") }}}}</p>{{% if more %}}{{{{ more }}}}{{% endif %}}',
        f'<p {" ".join(f"""data-{n}="{n}" """ for n in range(20))}>',
    ]
    assert too_long("\n".join(lines)) == [2, 3, 5, 6]


def test_a_tag_on_several_lines_is_one_line_of_the_page() -> None:
    source = (
        '<a href="/{{ path }}"\n  class="{{ kind }}"\n    hidden>\n{{- name }}</a>{% if kind %}\n'
        "{{ kind }}{% endif %}\n<pre>curl x \\\n  -d 1\n {{ name }}\n  {{ name }}</pre>\n"
    )
    page = templates_in("en").from_string(source).render(path="p", kind="k", name="A\n  b")
    assert page == (
        '<a href="/p" class="k" hidden>A\n  b</a>k<pre>curl x \\\n  -d 1\n A\n  b\n  A\n  b</pre>'
    )
    with pytest.raises(ZeroDivisionError) as raised:
        templates_in("en").from_string('<a\n  href="b"\n  id="c">\n{{ 1 / n }}').render(n=0)
    assert raised.traceback[-1].lineno + 1 == 4, "the line of the template"


@pytest.mark.parametrize("has_password", [True, False])
def test_an_account_without_a_password_sets_one_before_it_adds_factors(has_password: bool) -> None:
    """New factors are confirmed with it: the account's page offers nothing that must fail."""
    values: dict[str, object] = {
        "mine": Account(id="1", hasPassword=has_password),
        "passkeys": Passkeys(available=True),
        "two_step": TwoStep(),
    }
    for part, address in (("passkeys", "/account/passkeys/new"), ("two_step", "/account/two-step")):
        page = rendered("en", f"parts/account_{part}.html", values)
        assert (f'href="{address}"' in page) is has_password
        assert ("Set a password first" in page) is not has_password
