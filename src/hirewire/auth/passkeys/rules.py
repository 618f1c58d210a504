"""What passkeys of this site are: the options for browsers, and the checks of their answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

MOST_PASSKEYS = 20
LONGEST_NAME = 60
CHALLENGE_LIFE = timedelta(minutes=5)
MOST_CHALLENGES = 300
"""Unanswered challenges of sign-ins from one network; the machine itself is not limited."""


class NotAccepted(Exception):
    """The answer is malformed, of another site, not signed with this passkey or without a check of
    the person.
    """


@dataclass(frozen=True, slots=True)
class Site:
    """The site that passkeys are bound to ("relying party")."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that a browser has made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


def site_of(public_url: str) -> Site | None:
    """The site at this address; None where browsers have no passkeys.

    They need a name, not an IP address, and https, except for `localhost`.
    """
    parts = urlsplit(public_url)
    host = (parts.hostname or "").encode("idna").decode()
    is_local = host == "localhost" or host.endswith(".localhost")
    if _is_address(host) or not (parts.scheme == "https" or is_local):
        return None
    usual = {"https": 443, "http": 80}[parts.scheme]
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return Site(host, f"{parts.scheme}://{host}{port}")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


# The library takes 9 MiB and a tenth of a second, so only processes that see a passkey load it.


def options_to_add(
    site: Site, user_id: bytes, email: str, challenge: bytes, known: Sequence[bytes]
) -> Mapping[str, Any]:
    """The options of `navigator.credentials.create`; authenticators with a `known` key refuse."""
    from webauthn import generate_registration_options
    from webauthn.helpers import options_to_json_dict
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = generate_registration_options(
        rp_id=site.id,
        rp_name="Hirewire",
        user_name=email,
        user_id=user_id,
        challenge=challenge,
        timeout=_milliseconds(CHALLENGE_LIFE),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=id) for id in known],
    )
    return options_to_json_dict(options)


def options_to_sign_in(site: Site, challenge: bytes) -> Mapping[str, Any]:
    """The options of `navigator.credentials.get`; the person chooses among their passkeys."""
    from webauthn import generate_authentication_options
    from webauthn.helpers import options_to_json_dict
    from webauthn.helpers.structs import UserVerificationRequirement

    options = generate_authentication_options(
        rp_id=site.id,
        challenge=challenge,
        timeout=_milliseconds(CHALLENGE_LIFE),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def challenge_in(credential: str) -> bytes:
    """The challenge that an answer claims to answer. Raises `NotAccepted`."""
    from webauthn.helpers import base64url_to_bytes, parse_client_data_json

    try:
        sent = base64url_to_bytes(json.loads(credential)["response"]["clientDataJSON"])
        client_data = parse_client_data_json(sent)
    except Exception as error:  # the library raises errors of many kinds for malformed input
        raise NotAccepted(type(error).__name__) from None
    if client_data.cross_origin:
        raise NotAccepted("from a frame in a page of another site")
    return client_data.challenge


def named_in(credential: str) -> tuple[bytes, bytes | None]:
    """The id of the passkey that an answer names, and its owner. Raises `NotAccepted`."""
    from webauthn.helpers import parse_authentication_credential_json

    try:
        found = parse_authentication_credential_json(credential)
    except Exception as error:
        raise NotAccepted(type(error).__name__) from None
    return found.raw_id, found.response.user_handle


def added(site: Site, credential: str, challenge: bytes) -> NewPasskey:
    """The passkey in an answer to `options_to_add`. Raises `NotAccepted`."""
    from webauthn import verify_registration_response

    try:
        found = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except Exception as error:
        raise NotAccepted(str(error)) from None
    return NewPasskey(found.credential_id, found.credential_public_key, found.sign_count)


def sign_count_of(site: Site, credential: str, challenge: bytes, public_key: bytes) -> int:
    """The counter in an answer that this passkey has signed. Raises `NotAccepted`.

    The counter is judged by `is_copied`, once it is known that the signature is right.
    """
    from webauthn import verify_authentication_response

    try:
        found = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as error:
        raise NotAccepted(str(error)) from None
    return found.new_sign_count


def is_copied(before: int, counter: int) -> bool:
    """Whether a counter has not grown, as of two copies of one key. Many keys always have zero."""
    return (before > 0 or counter > 0) and counter <= before


def _milliseconds(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)
