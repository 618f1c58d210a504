"""Compiles the templates to code that does for each page only what differs between pages."""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape


def escaped(value: object) -> str:
    """The text that `markupsafe.escape` makes of a value, sooner: most texts need no change."""
    if type(value) is Markup:
        return value
    if type(value) is str and not (
        "&" in value or "<" in value or ">" in value or '"' in value or "'" in value
    ):
        return value
    return escape(value)


class Compiler(CodeGenerator):
    """Makes the code of a template, which does less for a page than Jinja's own.

    Constant functions are called now, and others as they are: no function of the templates takes
    Jinja's context, and a list of jobs has hundreds of calls.
    """

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802
        """The module of a template."""
        constant: Mapping[str, Callable[..., str]] = self.environment.constant  # type: ignore[attr-defined]
        self.writeline(f"from {__name__} import {escaped.__name__}")
        super().visit_Template(_Folding(constant).visit(node), frame)

    def visit_Call(  # noqa: N802
        self, node: nodes.Call, frame: Frame, forward_caller: bool = False
    ) -> None:
        """A plain call. `forward_caller`: with the body of a `call` block as `caller`."""
        if node.dyn_args or node.dyn_kwargs:
            self.fail("calls with * or ** are not compiled", node.lineno)
        self.visit(node.node, frame)
        self.write("(")
        for argument in (*node.args, *node.kwargs):
            self.visit(argument, frame)
            self.write(", ")
        self.write("caller=caller)" if forward_caller else ")")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        """The beginning of a value that is put out: all templates escape."""
        self.write(f"{escaped.__name__}(")


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
