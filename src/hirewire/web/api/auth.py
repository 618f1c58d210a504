"""The client of `auth`: accounts and sessions."""

from typing import ClassVar
from urllib.parse import quote

from hirewire.web.api.answers import Answer
from hirewire.web.api.client import Client, Typed, answer_of, refusal_or
from hirewire.web.api.models.auth import (
    Account,
    Begun,
    Identity,
    MadeToken,
    PersonalToken,
    Provider,
    SecurityEvent,
    Session,
    Tokens,
)
from hirewire.web.api.models.base import Items
from hirewire.web.api.services import Reply


class Auth(Client):
    """The service `auth`."""

    name: ClassVar[str] = "auth"
    root: ClassVar[str] = "/api/auth"

    async def me(self) -> Answer[Account]:
        """The visitor's account."""
        return await self._get(Account, "/me")

    async def register(self, email: str, password: str) -> Answer[Account]:
        """Create an account."""
        body = {"email": email, "password": password}
        return answer_of(Account, await self._post("/register", body))

    async def log_in(self, email: str, password: str) -> Answer[Tokens]:
        """Start a session; a refusal with 401 for wrong credentials."""
        body = {"email": email, "password": password}
        return answer_of(Tokens, await self._post("/login", body))

    async def refresh(self, token: str) -> Answer[Tokens]:
        """Continue a session; a refusal with 401 if it has ended."""
        return answer_of(Tokens, await self._post("/refresh", {"refreshToken": token}))

    async def log_out(self, token: str) -> None:
        """End a session. It may have ended already."""
        await self._post("/logout", {"refreshToken": token})

    async def forgot(self, email: str) -> Answer[None]:
        """Ask for a mail with a link for a new password."""
        return refusal_or(None, await self._post("/password/forgot", {"email": email}))

    async def reset(self, token: str, password: str) -> Answer[None]:
        """Set a new password with the token of the link; a refusal with 410 for an invalid one."""
        body = {"token": token, "password": password}
        return refusal_or(None, await self._post("/password/reset", body))

    async def verify_by_link(self, token: str) -> Answer[None]:
        """Verify an address with the token of the link; a refusal with 410 for an invalid one."""
        return refusal_or(None, await self._post("/email/verify", {"token": token}))

    async def verify_by_code(self, code: str) -> Answer[None]:
        """Verify the visitor's address with the code of the mail."""
        return await self._do("POST", "/email/verify", {"code": code})

    async def send_verification(self) -> Answer[None]:
        """Send the mail with the code again."""
        return await self._do("POST", "/email/verification")

    async def change_password(self, current: str, password: str) -> Answer[None]:
        """Change the password; all other sessions end."""
        return await self._do("POST", "/password", {"current": current, "password": password})

    async def sessions(self) -> Answer[Items[Session]]:
        """The visitor's sessions."""
        return await self._get(Items[Session], "/sessions")

    async def end_session(self, id: str) -> Answer[None]:
        """End one of the visitor's sessions."""
        return await self._do("DELETE", f"/sessions/{id}")

    async def end_other_sessions(self) -> Answer[None]:
        """End all sessions of the visitor but this one."""
        return await self._do("DELETE", "/sessions")

    async def security_log(
        self, limit: int, after: str | None = None
    ) -> Answer[Items[SecurityEvent]]:
        """What happened to the visitor's account, the latest first."""
        query = {"limit": str(limit), "after": after}
        return await self._get(Items[SecurityEvent], "/security-log", query)

    async def tokens(self) -> Answer[Items[PersonalToken]]:
        """The visitor's personal access tokens."""
        return await self._get(Items[PersonalToken], "/tokens")

    async def make_token(self, token: Typed) -> Answer[MadeToken]:
        """Make a personal access token."""
        return await self._send(MadeToken, "POST", "/tokens", token)

    async def revoke_token(self, id: str) -> Answer[None]:
        """Revoke a personal access token."""
        return await self._do("DELETE", f"/tokens/{id}")

    async def providers(self) -> Answer[Items[Provider]]:
        """The providers that people can sign in with."""
        return answer_of(Items[Provider], await self._call("GET", "/providers", is_personal=False))

    async def begin_sign_in(self, provider: str) -> Answer[Begun]:
        """Begin a sign-in at a provider."""
        return answer_of(Begun, await self._post(f"/providers/{quote(provider)}/begin", {}))

    async def finish_sign_in(self, provider: str, brought: Typed) -> Answer[Tokens]:
        """Sign in with what the browser brings back from a provider."""
        path = f"/providers/{quote(provider)}/finish"
        return answer_of(Tokens, await self._call("POST", path, brought, is_personal=False))

    async def begin_connecting(self, provider: str) -> Answer[Begun]:
        """Begin to connect the visitor's account to a provider."""
        return await self._send(Begun, "POST", f"/identities/{quote(provider)}/begin")

    async def connect(self, provider: str, brought: Typed) -> Answer[None]:
        """Connect the visitor's account with what the browser brings back."""
        return await self._do("POST", f"/identities/{quote(provider)}/finish", brought)

    async def identities(self) -> Answer[Items[Identity]]:
        """The identities at providers that the visitor's account is connected to."""
        return await self._get(Items[Identity], "/identities")

    async def disconnect(self, id: str) -> Answer[None]:
        """Disconnect an identity."""
        return await self._do("DELETE", f"/identities/{id}")

    async def _post(self, path: str, body: Typed) -> Reply:
        """Call without the visitor's token, since the body contains the credentials."""
        return await self._call("POST", path, body, is_personal=False)
