"""Commands that verify a company, and that end it."""

import hmac
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, TypedDict, cast
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import ColumnElement, Row, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hirewire.kit import audit_log
from hirewire.kit.audit_log import Subject
from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.kit.errors import AppError, FieldError, Invalid, Kind, NotFound
from hirewire.kit.mail import queue
from hirewire.kit.mail.letters import LANGUAGES, Language, Letter
from hirewire.kit.quotas import seconds_to_wait
from hirewire.kit.secrets import marks
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.authority import only_company_of
from hirewire.vacancies.tables import company, company_code, company_mail
from hirewire.vacancies.verifying import rules

PURPOSE = "company code"
LOST = {"verified_at": None, "verified_by": None, "verified_domain": None}


class NoSuchCompany(NotFound):
    """Company not found."""

    code = "company_not_found"


class NoOwnDomain(AppError):
    """The company needs a website at a domain of its own."""

    slug = "no-own-domain"
    code = "no_own_domain"
    kind = Kind.CONFLICT


class TooManyCompanyCodes(AppError):
    """Too many codes were sent; try again later."""

    slug = "too-many-company-codes"
    code = "too_many_company_codes"
    kind = Kind.TOO_MANY


class WrongCompanyCode(AppError):
    """This code is wrong or has expired; ask for a new one."""

    slug = "wrong-company-code"
    code = "wrong_company_code"
    kind = Kind.GONE


class NotChanged(AppError):
    """The company is verified already, or it is not verified."""

    slug = "not-changed"
    code = "not_changed"
    kind = Kind.CONFLICT


class Texts(TypedDict):
    """The texts of a mail in one language."""

    subject: str
    lines: list[str]
    button: str
    after: list[str]


@cache
def _texts() -> Mapping[str, Mapping[str, Texts]]:
    source = files("hirewire.vacancies.verifying").joinpath("texts.toml").read_text("utf-8")
    return cast(Mapping[str, Mapping[str, Texts]], tomllib.loads(source))


async def send_code(
    tx: Tx, company_id: UUID, user_id: UUID, address: str, language: str | None
) -> None:
    """Mail a code to an address at the domain of the company's website. Earlier ones stop working.

    Raises `NoOwnDomain`, `Invalid` for another domain and for free-mail domains,
    `TooManyCompanyCodes`.
    """
    row = await _locked(tx, company_id)
    domain = rules.own_domain(row.site)
    if domain is None or domain in rules.FREE_MAIL:
        raise NoOwnDomain
    to = _checked(address, domain)
    moment = now()
    mark = marks(to.casefold(), "address of a company")[0]
    await _admit(tx, company_id, mark, moment)
    code = f"{secrets.randbelow(10**rules.DIGITS):0{rules.DIGITS}}"
    values = {
        "domain": domain,
        "code_mark": _marks(company_id, domain, code)[0],
        "attempts": 0,
        "sent_at": moment,
    }
    row_of_code = upsert(company_code).values(company_id=company_id, **values)
    await tx.execute(row_of_code.on_conflict_do_update(index_elements=["company_id"], set_=values))
    letter = letter_with_code(to, language, code)
    expires_at = moment + rules.CODE_LIFE
    await queue.send(tx, "company_code", letter, user_id=user_id, expires_at=expires_at)


def _checked(address: str, domain: str) -> str:
    """The address, at the company's domain."""
    try:
        found = validate_email(address.strip(), check_deliverability=False)
    except EmailNotValidError:
        raise Invalid(
            errors=[FieldError("#/address", "invalid address", "email_invalid")]
        ) from None
    its = (found.ascii_domain or "").lower()
    if its in rules.FREE_MAIL:
        raise Invalid(errors=[FieldError("#/address", "everybody gets one there", "free_mail")])
    if its != domain:
        detail = f"must be at {domain}"
        raise Invalid(errors=[FieldError("#/address", detail, "other_domain", {"domain": domain})])
    return found.normalized


async def _admit(tx: Tx, company_id: UUID, mark: bytes, moment: datetime) -> None:
    """Raise `TooManyCompanyCodes` if the company or the address has reached its limit."""
    its = company_mail.c
    await lock(tx, f"company mail {mark.hex()}")
    quotas: Sequence[tuple[ColumnElement[bool], int, timedelta]] = (
        (its.company_id == company_id, rules.OF_COMPANY, rules.COMPANY_WINDOW),
        (its.address == mark, rules.TO_ADDRESS, rules.ADDRESS_WINDOW),
    )
    for whose, most, window in quotas:
        if seconds := await seconds_to_wait(tx, its.sent_at, whose, most=most, window=window):
            raise TooManyCompanyCodes(retry_after=seconds)
    await tx.execute(delete(company_mail).where(its.sent_at <= moment - rules.ADDRESS_WINDOW))
    sent = insert(company_mail).values(company_id=company_id, address=mark, sent_at=moment)
    await tx.execute(sent)


def _marks(company_id: UUID, domain: str, code: str) -> Sequence[bytes]:
    return marks(f"{company_id} {domain} {code}", PURPOSE)


def letter_with_code(to: str, language: str | None, code: str) -> Letter:
    """The mail with the code of a company."""
    chosen: Language = next((one for one in LANGUAGES if one == language), "en")
    # Without the company's name: it could say anything to people who never asked.
    said = _texts()["company_code"][chosen]
    return Letter(
        to=to,
        language=chosen,
        subject=said["subject"],
        lines=said["lines"],
        code=code,
        button=(said["button"], "/employer/company#verified"),
        after=said["after"],
    )


async def confirm(tx: Tx, company_id: UUID, code: str) -> bool:
    """Verify the company if this is the code of the last mail. A wrong code is counted.

    After `MOST_ATTEMPTS` wrong ones no code is right any more, nor after the website has changed.
    Returns a bool, so that the transaction commits.
    """
    row = await _locked(tx, company_id)
    its, moment = company_code.c, now()
    found = await tx.execute(
        select(company_code).where(
            its.company_id == company_id,
            its.sent_at > moment - rules.CODE_LIFE,
            its.attempts < rules.MOST_ATTEMPTS,
        )
    )
    sent = found.first()
    if sent is None or sent.domain != rules.own_domain(row.site):
        return False
    right = _marks(company_id, sent.domain, code)
    if not any(hmac.compare_digest(sent.code_mark, mark) for mark in right):
        counted = update(company_code).where(its.company_id == company_id)
        await tx.execute(counted.values(attempts=its.attempts + 1))
        return False
    await tx.execute(delete(company_code).where(its.company_id == company_id))
    await _set(tx, company_id, verified_at=moment, verified_by="mail", verified_domain=sent.domain)
    return True


async def verify_by_hand(tx: Tx, operator_id: UUID, company_id: UUID, why: str) -> None:
    """Verify a company as an operator. Raises `NoSuchCompany`, `NotChanged`."""
    row = await _locked(tx, company_id)
    if row.verified_at is not None:
        raise NotChanged
    await _set(tx, company_id, verified_at=now(), verified_by="operator", verified_domain=None)
    await _note(tx, operator_id, company_id, "company_verified", why)


async def revoke(tx: Tx, operator_id: UUID, company_id: UUID, why: str) -> None:
    """End the verification of a company. A code that was sent does not work any more.

    Raises `NoSuchCompany`, `NotChanged`.
    """
    row = await _locked(tx, company_id)
    if row.verified_at is None:
        raise NotChanged
    await tx.execute(delete(company_code).where(company_code.c.company_id == company_id))
    ended = update(company).where(company.c.id == company_id)
    await tx.execute(ended.values(**LOST, mark_lost="revoked"))
    await _note(tx, operator_id, company_id, "company_unverified", why)


async def _locked(tx: Tx, company_id: UUID) -> Row[Any]:
    chosen = select(company).where(company.c.id == company_id).with_for_update(key_share=True)
    row = (await tx.execute(chosen)).first()
    if row is None:
        raise NoSuchCompany
    return row


async def _set(tx: Tx, company_id: UUID, **values: object) -> None:
    changed = update(company).where(company.c.id == company_id)
    await tx.execute(changed.values(**values, mark_lost=None))


async def _note(tx: Tx, operator_id: UUID, company_id: UUID, act: str, why: str) -> None:
    await audit_log.record(tx, act, Subject("company", str(company_id)), by=operator_id, why=why)


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete the codes of a company that only this user acts for, as the user is erased; returns
    how many rows. Runs before `employers` forgets whose company it is.
    """
    company_id = await only_company_of(tx, user_id)
    if company_id is None:
        return 0
    records = 0
    for table in (company_code, company_mail):
        gone = await tx.execute(delete(table).where(table.c.company_id == company_id))
        records += gone.rowcount
    return records
