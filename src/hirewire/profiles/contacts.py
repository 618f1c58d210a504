"""The contacts of a profile's owner."""

from collections.abc import Mapping
from typing import Any


def reachable(owner: Mapping[str, Any]) -> dict[str, Any]:
    """The owner's data with `contacts` for permitted readers, and without `account_email`.

    If the owner has entered no contacts, the account's e-mail address is the only one.
    """
    person = dict(owner)
    address = person.pop("account_email", None)
    if not person.get("contacts"):
        own = {"kind": "email", "value": address, "preferred": True}
        person["contacts"] = [own] if address else []
    return person
