"""E-mail address keys and password hashes, shared by the features of `auth`.

Hashes are argon2id. Two worker threads compute them, outside the event loop.
"""

import asyncio
import ctypes
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from email_validator import EmailNotValidError, ValidatedEmail, validate_email
from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic_core import PydanticCustomError

from hirewire.auth.passwords import prepared
from hirewire.kit.settings import Settings

# The minimum of the OWASP Password Storage Cheat Sheet: argon2id, 19 MiB, 2 passes, 1 lane.
MEMORY_KIB = 19 * 1024
_hasher = PasswordHash((Argon2Hasher(memory_cost=MEMORY_KIB, time_cost=2, parallelism=1),))
_nobody = _hasher.hash("nobody has this password")
_workers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's `mallopt`."""


def normalised_email(text: str) -> str:
    """The address in the form that is stored and shown. Raises `ValueError` with the reason.

    Checks the syntax only (RFC 5321, 6531), not whether the domain accepts mail.
    """
    return _parsed(text).normalized


def _parsed(text: str) -> ValidatedEmail:
    try:
        # `.test` is reserved for testing (RFC 6761), and people test job boards too.
        return validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise PydanticCustomError("email_invalid", str(error)) from None


def email_key(text: str) -> str:
    """The key that all spellings of one account's address share.

    Case, the Unicode form and the domain's encoding (IDN, here as punycode) make no difference.
    Everything else does: `straße` is not `strasse`. Text that is not an address has a key too,
    which no account has.
    """
    try:
        address = _parsed(text)
    except ValueError:
        return _lower(text.strip())
    return f"{_lower(address.local_part)}@{(address.ascii_domain or address.domain).lower()}"


def _lower(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


async def hash_password(password: str) -> str:
    """The hash to store, in PHC form."""
    return await asyncio.get_running_loop().run_in_executor(_workers, _hasher.hash, password)


async def password_fits(password: str, hashed: str | None) -> bool:
    """Whether the password matches. Without a hash, returns False after the same amount of work."""
    if await _verified(prepared(password), hashed or _nobody):
        return hashed is not None
    # Older hashes were computed with the spaces as typed.
    as_typed = unicodedata.normalize("NFC", password)
    if hashed is None or as_typed == prepared(password):
        return False
    return await _verified(as_typed, hashed)


async def _verified(password: str, hashed: str) -> bool:
    try:
        return await asyncio.get_running_loop().run_in_executor(
            _workers, _hasher.verify, password, hashed
        )
    except PwdlibError:
        return False


def keep_memory_of_hashes(_: Settings) -> None:
    """Make glibc keep the memory of a hash for the next one: `MEMORY_KIB` for each worker.

    Pages that go back to the system after each hash add more than half to the time of argon2.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, MEMORY_KIB * 1024 * 3 // 2)
        libc.mallopt(M_TRIM_THRESHOLD, MEMORY_KIB * 1024 * 3)
