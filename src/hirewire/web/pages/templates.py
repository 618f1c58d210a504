"""The templates: compiled for each language, with its texts and the icons as constants."""

import re
from collections.abc import Iterable
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from hirewire.web.i18n.words import words
from hirewire.web.pages.assets import STATIC, asset, icon
from hirewire.web.pages.compiling import Compiler
from hirewire.web.pages.pictures import hue, initials

SHARED = "fields.html"
"""The macros that every template has, as `f`."""


@cache
def templates_in(lang: str) -> Environment:
    """The templates in a language."""
    made = Environment(
        loader=FileSystemLoader(STATIC.parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[_Continued],
    )
    said = words(lang)
    made.globals.update(asset=asset, icon=icon, initials=initials, hue=hue, w=said, _=said.text)
    made.globals.update(gettext=said.text, ngettext=said.plural, pgettext=said.in_context)
    made.extend(constant={"_": said.text, "pgettext": said.in_context, "icon": icon})
    made.code_generator_class = Compiler
    return made


def rendered(lang: str, template: str, values: dict[str, object]) -> str:
    """A template in a language, with these values and the shared macros as `f`."""
    environment = templates_in(lang)
    macros = environment.get_template(SHARED).make_module(values)
    return environment.get_template(template).render(values, f=macros)


class _Continued(Extension):
    """Lines of a tag: an indented one that begins with a small letter is what comes after a space.

    So that a long tag stands on several lines of a template, and on one line of the page.
    """

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        """The tokens of a template, with such lines joined."""
        for token in stream:
            is_html = token.type == "data"
            text = re.sub(r"\n  +(?=[a-z])", " ", token.value) if is_html else token.value
            yield Token(token.lineno, token.type, text)
