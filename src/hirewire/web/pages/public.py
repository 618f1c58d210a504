"""Calls for pages that everybody may see."""

from hirewire.web.api.services import Answer
from hirewire.web.sessions import SignInFirst, Visitor


async def public(who: Visitor, path: str) -> Answer:
    """A public resource, with the user's own data if they are signed in. Raises `Unavailable`."""
    if who.is_signed_in:
        try:
            return await who.call("vacancies", "GET", path)
        except SignInFirst:  # the session is over; the page is public
            pass
    return await who.services.call("vacancies", "GET", path, client=who.address)
