"""How somebody is reached."""

from collections.abc import Mapping
from typing import Any


def reachable(owner: Mapping[str, Any]) -> dict[str, Any]:
    """The same with its `contacts` as those see them who may, and without `account_email`: while
    the person has named none, it is the address of their account.
    """
    found = dict(owner)
    address = found.pop("account_email", None)
    if not found.get("contacts"):
        own = {"kind": "email", "value": address, "preferred": True}
        found["contacts"] = [own] if address else []
    return found
