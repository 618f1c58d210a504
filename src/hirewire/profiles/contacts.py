"""The contacts of a profile's owner."""

from collections.abc import Sequence

from hirewire.profiles.content import Contact


def reachable(entered: Sequence[Contact] | None, account_email: str | None) -> list[Contact]:
    """The contacts for permitted readers: those that the owner has entered, else the account's
    e-mail address.
    """
    if entered:
        return list(entered)
    return [{"kind": "email", "value": account_email, "preferred": True}] if account_email else []
