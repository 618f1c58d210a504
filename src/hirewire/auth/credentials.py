"""What its slices share of credentials: which addresses are one account, and password hashes.

Hashes are argon2id, made off the event loop, a bounded number at a time.
"""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from email_validator import EmailNotValidError, ValidatedEmail, validate_email
from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

from hirewire.auth.passwords import prepared

# OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 passes, 1 lane is the least.
_hasher = PasswordHash((Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1),))
_nobody = _hasher.hash("nobody has this password")
_workers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")


def normalised_email(text: str) -> str:
    """The address as it is kept and shown. Raises `ValueError` that says what is wrong.

    Its syntax only (RFC 5321, 6531): whether the domain takes mail is not asked of the network.
    """
    return _parsed(text).normalized


def _parsed(text: str) -> ValidatedEmail:
    try:
        # `.test` is set aside for testing (RFC 6761), which people also do with a job board.
        return validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None


def email_key(text: str) -> str:
    """What makes two spellings one account: upper and lower case, the Unicode form and the domain's
    encoding (IDN, here as punycode) are no difference. Everything else is: `straße` is not
    `strasse`.

    Text that is no address has a key as well, which no account has.
    """
    try:
        found = _parsed(text)
    except ValueError:
        return _lower(text.strip())
    return f"{_lower(found.local_part)}@{(found.ascii_domain or found.domain).lower()}"


def _lower(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


async def hash_password(password: str) -> str:
    """The hash to keep, in PHC form."""
    return await asyncio.get_running_loop().run_in_executor(_workers, _hasher.hash, password)


async def password_fits(password: str, hashed: str | None) -> bool:
    """Whether it is the password. Without a hash the same work is done, and the answer is no."""
    if await _verified(prepared(password), hashed or _nobody):
        return hashed is not None
    # Hashes of earlier times were made with spaces as they had been typed.
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
