"""The client of `auth`: accounts and sessions."""

from typing import ClassVar
from urllib.parse import quote

from pydantic import JsonValue

from hirewire.web.api.answers import Answer
from hirewire.web.api.client import Client, Typed, answer_of, refusal_or
from hirewire.web.api.models.auth import (
    Account,
    ApiKey,
    Begun,
    Consent,
    Erasure,
    Export,
    ExportLink,
    Identity,
    MadeApiKey,
    MadeToken,
    NewSecret,
    OpenExport,
    Passkey,
    PasskeyOptions,
    Passkeys,
    PersonalToken,
    Provider,
    Receipt,
    RecoveryCodes,
    SecurityEvent,
    Session,
    Tokens,
    TwoStep,
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

    async def change_locale(self, changes: Typed) -> Answer[None]:
        """Change the language of mails, or the time zone."""
        return await self._do("PATCH", "/me", changes)

    async def register(
        self,
        email: str,
        password: str,
        consent: str | None = None,
        time_zone: str | None = None,
    ) -> Answer[Account]:
        """Create an account; `consent` is the version of the privacy notice that was agreed to."""
        body = {"email": email, "password": password}
        body |= {"consent": consent} if consent else {}
        body |= {"timeZone": time_zone} if time_zone else {}
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

    async def change_email(self, email: str, password: str) -> Answer[None]:
        """Ask for another address; a mail to it confirms it."""
        return await self._do("POST", "/email", {"email": email, "password": password})

    async def confirm_email_by_link(self, token: str) -> Answer[None]:
        """Change the address with the token of the link; a refusal with 410 for an invalid one."""
        return refusal_or(None, await self._post("/email/confirm", {"token": token}))

    async def confirm_email_by_code(self, code: str) -> Answer[None]:
        """Change the visitor's address with the code of the mail."""
        return await self._do("POST", "/email/confirm", {"code": code})

    async def cancel_email(self) -> Answer[None]:
        """Forget the address that the visitor has asked for."""
        return await self._do("DELETE", "/email")

    async def change_password(
        self, current: str, password: str, *, revokes_tokens: bool = False
    ) -> Answer[None]:
        """Change the password; all other sessions end."""
        body: Typed = {"current": current, "password": password, "revokeTokens": revokes_tokens}
        return await self._do("POST", "/password", body)

    async def sessions(self) -> Answer[Items[Session]]:
        """The visitor's sessions."""
        return await self._get(Items[Session], "/sessions")

    async def end_session(self, id: str) -> Answer[None]:
        """End one of the visitor's sessions."""
        return await self._do("DELETE", f"/sessions/{id}")

    async def end_other_sessions(self) -> Answer[None]:
        """End all sessions of the visitor but this one."""
        return await self._do("DELETE", "/sessions")

    async def consents(self) -> Answer[Items[Consent]]:
        """What the visitor has agreed to, the latest first."""
        return await self._get(Items[Consent], "/consents")

    async def agree(self, version: str) -> Answer[None]:
        """Agree to a version of the privacy notice; a refusal with 422 if it is not current."""
        return await self._do("POST", "/consents", {"consent": version})

    async def exports(self) -> Answer[Items[Export]]:
        """The visitor's exports, the newest first."""
        return await self._get(Items[Export], "/exports")

    async def ask_export(self) -> Answer[Export]:
        """Ask for a copy of all data."""
        return await self._send(Export, "POST", "/exports")

    async def export_link(self) -> Answer[ExportLink]:
        """A link to the export that is ready; a refusal with 404 without one."""
        return await self._send(ExportLink, "POST", "/exports/link")

    async def open_export(self, token: str, *, download: bool = False) -> Answer[OpenExport]:
        """Open an export with the token of a link; a refusal with 410 for an invalid one."""
        body: Typed = {"token": token, "download": download}
        return await self._send(OpenExport, "POST", "/exports/open", body)

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

    async def api_keys(self) -> Answer[Items[ApiKey]]:
        """The API keys of the visitor's company."""
        return await self._get(Items[ApiKey], "/api-keys")

    async def make_api_key(self, key: Typed) -> Answer[MadeApiKey]:
        """Make an API key."""
        return await self._send(MadeApiKey, "POST", "/api-keys", key)

    async def rotate_api_key(self, id: str, rotation: Typed) -> Answer[MadeApiKey]:
        """Give an API key a new text."""
        return await self._send(MadeApiKey, "POST", f"/api-keys/{id}/rotate", rotation)

    async def revoke_api_key(self, id: str) -> Answer[None]:
        """Revoke an API key."""
        return await self._do("DELETE", f"/api-keys/{id}")

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

    async def sign_up_with(self, provider: str, ticket: str, consent: str) -> Answer[Tokens]:
        """Create the account of somebody new at a provider, and sign in."""
        path, body = f"/providers/{quote(provider)}/sign-up", {"ticket": ticket, "consent": consent}
        return answer_of(Tokens, await self._post(path, body))

    async def begin_connecting(self, provider: str, password: str | None) -> Answer[Begun]:
        """Begin to connect the visitor's account to a provider."""
        body = {"password": password}
        return await self._send(Begun, "POST", f"/identities/{quote(provider)}/begin", body)

    async def connect(self, provider: str, brought: Typed) -> Answer[None]:
        """Connect the visitor's account with what the browser brings back."""
        return await self._do("POST", f"/identities/{quote(provider)}/finish", brought)

    async def identities(self) -> Answer[Items[Identity]]:
        """The identities at providers that the visitor's account is connected to."""
        return await self._get(Items[Identity], "/identities")

    async def disconnect(self, id: str) -> Answer[None]:
        """Disconnect an identity."""
        return await self._do("DELETE", f"/identities/{id}")

    async def delete_account(self, password: str) -> Answer[Receipt]:
        """Delete the visitor's account; all sessions end."""
        return await self._send(Receipt, "DELETE", "/me", {"password": password})

    async def erasure(self, receipt: str) -> Answer[Erasure]:
        """A receipt, which anybody reads who knows it."""
        return await self._get(Erasure, f"/erasures/{receipt}")

    async def complete_login(self, ticket: str, code: str) -> Answer[Tokens]:
        """Start the session of a login that was refused with a ticket; 410 if it has expired."""
        body = {"ticket": ticket, "code": code}
        return answer_of(Tokens, await self._post("/login/second-factor", body))

    async def passkey_sign_in_options(self) -> Answer[PasskeyOptions]:
        """What a passkey signs to sign in."""
        return answer_of(PasskeyOptions, await self._post("/login/passkey/options", {}))

    async def sign_in_with_passkey(self, credential: JsonValue) -> Answer[Tokens]:
        """Start a session with a passkey's answer; a refusal with 401 or 410 otherwise."""
        body = {"credential": credential}
        return answer_of(Tokens, await self._post("/login/passkey", body))

    async def passkeys(self) -> Answer[Passkeys]:
        """The visitor's passkeys."""
        return await self._get(Passkeys, "/passkeys")

    async def passkey_options(self, password: str) -> Answer[PasskeyOptions]:
        """What a new passkey is made with."""
        return await self._send(PasskeyOptions, "POST", "/passkeys/options", {"password": password})

    async def add_passkey(self, credential: JsonValue, name: str | None) -> Answer[Passkey]:
        """Add a passkey that the browser has made."""
        body = {"credential": credential, "name": name}
        return await self._send(Passkey, "POST", "/passkeys", body)

    async def rename_passkey(self, id: str, name: str) -> Answer[Passkey]:
        """Rename a passkey."""
        return await self._send(Passkey, "PATCH", f"/passkeys/{id}", {"name": name})

    async def remove_passkey(self, id: str, password: str) -> Answer[None]:
        """Remove a passkey."""
        return await self._do("POST", f"/passkeys/{id}/remove", {"password": password})

    async def two_step(self) -> Answer[TwoStep]:
        """Whether the visitor has turned two-step sign-in on."""
        return await self._get(TwoStep, "/two-step")

    async def begin_two_step(self, password: str) -> Answer[NewSecret]:
        """Make a secret for the visitor's app."""
        return await self._send(NewSecret, "POST", "/two-step", {"password": password})

    async def confirm_two_step(self, code: str) -> Answer[RecoveryCodes]:
        """Turn two-step sign-in on with the first code of the app."""
        return await self._send(RecoveryCodes, "POST", "/two-step/confirm", {"code": code})

    async def renew_recovery_codes(self, password: str, code: str) -> Answer[RecoveryCodes]:
        """Make new recovery codes."""
        body = {"password": password, "code": code}
        return await self._send(RecoveryCodes, "POST", "/two-step/recovery-codes", body)

    async def turn_two_step_off(self, password: str, code: str) -> Answer[None]:
        """Turn two-step sign-in off."""
        return await self._do("POST", "/two-step/off", {"password": password, "code": code})

    async def _post(self, path: str, body: Typed) -> Reply:
        """Call without the visitor's token, since the body contains the credentials."""
        return await self._call("POST", path, body, is_personal=False)
