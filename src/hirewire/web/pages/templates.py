"""The templates: compiled for each language, with its texts and the icons as constants."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.visitor import NodeTransformer

from hirewire.web.i18n.words import words
from hirewire.web.pages.assets import STATIC, asset, icon
from hirewire.web.pages.pictures import hue, initials

SHARED = "fields.html"
"""The macros that every template has, as `f`."""


class _Compiler(CodeGenerator):
    """Calls the constant functions of a template when it is compiled, not when it is rendered."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802
        constant: Mapping[str, Callable[..., str]] = self.environment.constant  # type: ignore[attr-defined]
        super().visit_Template(_Folding(constant).visit(node), frame)


class _Folding(NodeTransformer):
    """Replaces calls of these functions whose arguments are constants by their results."""

    def __init__(self, functions: Mapping[str, Callable[..., str]]) -> None:
        self._functions = functions

    def visit_Call(self, node: nodes.Call, *args: Any, **kwargs: Any) -> nodes.Node:  # noqa: N802
        self.generic_visit(node, *args, **kwargs)
        function = (
            self._functions.get(node.node.name) if isinstance(node.node, nodes.Name) else None
        )
        given = [one.value for one in node.args if isinstance(one, nodes.Const)]
        if function is None or len(given) < len(node.args) or node.kwargs:
            return node
        return nodes.Const(function(*given), lineno=node.lineno)


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
    made.code_generator_class = _Compiler
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
