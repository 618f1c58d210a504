"""Addresses as operators and logs see them."""

import re

_ADDRESS = re.compile(r"([^\s<>@,;:\"']?)[^\s<>@,;:\"']*@([^\s<>@,;:\"']+)")


def masked(text: str) -> str:
    """The text with only the first letter and the domain of each address: `a***@example.org`."""
    return _ADDRESS.sub(r"\1***@\2", text)
