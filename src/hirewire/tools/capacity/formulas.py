"""Formulas as text: what is shown to the reader is what was computed."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from hirewire.tools.capacity.quantities import Quantity

Known = Mapping[str, Quantity]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the model."""

    name: str
    formula: str
    """Names of inputs, figures and earlier lines; + - * / **, ceil(), max(), min()."""
    unit: str
    """The unit in which it is shown, and whose dimension it has."""
    what: str
    """What it is, for the reader."""


def names_in(formula: str) -> list[str]:
    """The names that a formula uses, each once, in order."""
    calls = {"ceil", "max", "min"}
    found = [node for node in ast.walk(_parsed(formula)) if isinstance(node, ast.Name)]
    ordered = sorted(found, key=lambda node: node.col_offset)
    return [name for name in dict.fromkeys(node.id for node in ordered) if name not in calls]


def computed(formula: str, known: Known) -> Quantity:
    """The value of a formula. Raises `WrongDimension`, `KeyError` for an unknown name."""
    return _value(_parsed(formula), known)


@cache
def _parsed(formula: str) -> ast.expr:
    return ast.parse(formula, mode="eval").body


def _value(node: ast.expr, known: Known) -> Quantity:
    match node:
        case ast.Constant(value=int() | float() as number):
            return Quantity(float(number))
        case ast.Name(id=name):
            return known[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _joined(_value(left, known), op, _value(right, known))
        case ast.Call(func=ast.Name(id="ceil"), args=[only]):
            return _value(only, known).whole()
        case ast.Call(func=ast.Name(id="max"), args=[one, other]):
            return _value(one, known).larger(_value(other, known))
        case ast.Call(func=ast.Name(id="min"), args=[one, other]):
            return _value(one, known).smaller(_value(other, known))
    raise ValueError(f"not a part of a formula: {ast.dump(node)[:80]}")


def _joined(left: Quantity, op: ast.operator, right: Quantity) -> Quantity:
    match op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left / right
        case ast.Pow():
            return left**right
    raise ValueError(f"no such operation: {type(op).__name__}")
