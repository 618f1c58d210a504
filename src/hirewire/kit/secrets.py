"""Encryption of what must not stand readable in a database: signing keys, queued mails.

AES-256-GCM (NIST SP 800-38D) with random nonces. A key for each purpose is derived from
`HIREWIRE_SECRET_KEY` by HKDF-SHA256 (RFC 5869), so a text sealed for one purpose cannot be opened
for another. A sealed text is a version byte, four bytes that name the key, the nonce and the
ciphertext.
"""

import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = b"\x01"
_NAME, _NONCE = 4, 12
_HEAD = len(_VERSION) + _NAME + _NONCE


class NoSecretKey(Exception):
    """`HIREWIRE_SECRET_KEY` is not set."""


class CannotOpen(Exception):
    """The text was sealed with a key that is not set any more, or it was changed."""


@dataclass(frozen=True, slots=True)
class _Key:
    name: bytes
    material: bytes


_keys: tuple[_Key, ...] = ()


def use_keys(setting: str | None) -> None:
    """Set the keys from `HIREWIRE_SECRET_KEY`. Called once, when a process starts."""
    global _keys
    texts = setting.split(",") if setting else []
    _keys = tuple(_key(text.encode()) for text in texts)


def seal(text: str, purpose: str) -> bytes:
    """Encrypt a text. Raises `NoSecretKey`."""
    key = _current()
    nonce = os.urandom(_NONCE)
    head = _VERSION + key.name + nonce
    return head + AESGCM(_derived(key, purpose)).encrypt(nonce, text.encode(), head)


def unseal(sealed: bytes, purpose: str) -> str:
    """The text that was encrypted. Raises `CannotOpen`."""
    head, name = sealed[:_HEAD], sealed[1 : 1 + _NAME]
    key = next((key for key in _keys if hmac.compare_digest(key.name, name)), None)
    if key is None or len(head) < _HEAD or sealed[:1] != _VERSION:
        raise CannotOpen("sealed with a key that HIREWIRE_SECRET_KEY does not name")
    try:
        cipher = AESGCM(_derived(key, purpose))
        return cipher.decrypt(head[-_NONCE:], sealed[_HEAD:], head).decode()
    except InvalidTag:
        raise CannotOpen("the sealed text was changed") from None


def is_current(sealed: bytes) -> bool:
    """Whether it was sealed with the first key; otherwise it can be sealed again."""
    return sealed[1 : 1 + _NAME] == _current().name


def names_of_earlier_keys() -> Sequence[bytes]:
    """The names of the keys after the first; bytes 2 to 5 of a sealed text name its key."""
    return [key.name for key in _keys[1:]]


def marks(text: str, purpose: str) -> Sequence[bytes]:
    """Keyed digests (HMAC-SHA256) of a text, the current key's first, to find it by.

    Who has the database alone cannot try all six-digit codes. Raises `NoSecretKey`.
    """
    _current()
    return [
        hmac.digest(_derived(key, f"mark {purpose}"), text.encode(), hashlib.sha256)
        for key in _keys
    ]


def _current() -> _Key:
    if not _keys:
        raise NoSecretKey("HIREWIRE_SECRET_KEY is not set")
    return _keys[0]


def _key(text: bytes) -> _Key:
    material = hashlib.sha256(text).digest()
    return _Key(hmac.digest(material, b"name", hashlib.sha256)[:_NAME], material)


def _derived(key: _Key, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(key.material)
