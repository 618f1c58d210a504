"""What its slices share of credentials: which addresses are one account, and password hashes.

Hashes are argon2id, made off the event loop, a bounded number at a time.
"""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from email_validator import EmailNotValidError, validate_email
from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

# OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 passes, 1 lane is the least.
_hasher = PasswordHash((Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1),))
_nobody = _hasher.hash("nobody has this password")
_workers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")


def normalised_email(text: str) -> str:
    """The address as it is kept and shown. Raises `ValueError` that says what is wrong.

    Its syntax only (RFC 5321, 6531): whether the domain takes mail is not asked of the network.
    """
    try:
        # `.test` is set aside for testing (RFC 6761), which people also do with a job board.
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    return found.normalized


def email_key(text: str) -> str:
    """What makes two spellings one account: case, Unicode form, the domain's encoding do not.

    Text that is no address has a key as well, which no account has.
    """
    try:
        text = normalised_email(text)
    except ValueError:
        text = text.strip()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


async def hash_password(password: str) -> str:
    """The hash to keep, in PHC form."""
    return await asyncio.get_running_loop().run_in_executor(_workers, _hasher.hash, password)


async def password_fits(password: str, hashed: str | None) -> bool:
    """Whether it is the password. Without a hash the same work is done, and the answer is no."""
    password = unicodedata.normalize("NFC", password)
    try:
        fits = await asyncio.get_running_loop().run_in_executor(
            _workers, _hasher.verify, password, hashed or _nobody
        )
    except PwdlibError:
        return False
    return fits and hashed is not None
