"""Which events a webhook may get, how a company's are found, and what of them passes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

Owner: TypeAlias = Literal["company", "board"]
OffReason: TypeAlias = Literal["by_hand", "failing", "gone"]

PURPOSE = "webhook"
"""What secrets are sealed for."""
LEASE = timedelta(seconds=60)
"""How long a claimed lane is left to its process: longer than an attempt takes."""
LARGEST = 1024 * 1024
"""Bytes of a request."""
LONGEST_MEMBER = 1000
"""Characters of a member that passes in a larger event."""
PING = "webhook.ping"
"""Type of the message that tries a webhook. It is no event of the catalogue."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An event that webhooks of companies may get."""

    company: str
    """The member that names the company which the event concerns."""
    members: Sequence[str]
    """The members that pass: what the company can read through the API."""


_VACANCY = ("vacancyId", "companyId", "version")
_APPLICATION = ("applicationId", "vacancyId", "companyId", "resumeId")
_INTERVIEW = (*_APPLICATION, "interviewId", "version")
_MATCH = ("recommendationId", "vacancyId", "companyId", "resumeId")
FOR_COMPANIES: Mapping[str, Offer] = {
    "vacancy.published": Offer("companyId", (*_VACANCY, "title")),
    "vacancy.updated": Offer("companyId", (*_VACANCY, "title")),
    "vacancy.paused": Offer("companyId", _VACANCY),
    "vacancy.closed": Offer("companyId", (*_VACANCY, "reason")),
    "application.submitted": Offer("companyId", (*_APPLICATION, "origin", "submittedAt")),
    "application.stage_changed": Offer(
        "companyId", (*_APPLICATION, "previousStage", "stage", "applicantState", "reason")
    ),
    "application.message_sent": Offer("companyId", (*_APPLICATION, "side")),
    "interview.proposed": Offer(
        "companyId", (*_INTERVIEW, "timeZone", "minutes", "slots", "calledOff")
    ),
    "interview.chosen": Offer(
        "companyId", (*_INTERVIEW, "timeZone", "minutes", "startsAt", "place")
    ),
    "interview.declined": Offer("companyId", (*_INTERVIEW, "wantsOtherTimes", "calledOff")),
    "interview.cancelled": Offer("companyId", (*_INTERVIEW, "side", "reason", "calledOff")),
    "interview.abandoned": Offer(
        "companyId",
        (
            *("applicationId", "vacancyId", "companyId", "interviewId", "version"),
            *("timeZone", "minutes", "calledOff"),
        ),
    ),
    "recommendation.created": Offer(
        "companyId", (*_MATCH, "score", "resumeVersion", "vacancyVersion", "ruleset")
    ),
    "recommendation.withdrawn": Offer("companyId", (*_MATCH, "reason")),
}
"""What a company may get. The applicant's account (`userId`) never passes: resumes are anonymous
until their owner applies, and the API names a resume only.
"""
FOR_THE_BOARD = frozenset(
    {
        *FOR_COMPANIES,
        *("user.registered", "user.role_changed", "user.blocked", "employer.profile.created"),
        *("profile.updated", "resume.updated", "application.anonymised", "moderation.decided"),
    }
)
"""What operators may get, without the members that an event calls personal."""
NEVER = frozenset(
    {
        # Keys, and what opens accounts.
        *("signing_key.published", "user.email_changed", "session.ended"),
        # A receiver would keep the ids of people who have left.
        "user.erased",
        *(f"user.erasure_done.{name}" for name in ("profiles", "vacancies", "notifications")),
        # The services' own work with one person's copies and questions.
        *("user.export_requested", "user.export_finished", "user.retention_notified"),
        *(f"{name}.exported" for name in ("profiles", "vacancies", "notifications")),
        *("resumes.retention_due", "applications.retention_due", "notice.created"),
    }
)
"""Events that must never be offered. One that is in no list is not offered either."""


def offered(owner: Owner) -> Sequence[str]:
    """The events that such a webhook can be for, in order."""
    return sorted(FOR_COMPANIES if owner == "company" else FOR_THE_BOARD)


def for_company(type: str, body: Mapping[str, object]) -> Mapping[str, object]:
    """What of an event's body a company gets."""
    return {name: body[name] for name in FOR_COMPANIES[type].members if name in body}


def key_of(owner: str, key: str) -> str:
    """The key in whose order deliveries are sent: two services may use the same id."""
    return f"{owner}:{key}"


def message_id(event_id: UUID) -> str:
    """The header `webhook-id`: the same in all attempts, and to all webhooks."""
    return f"msg_{event_id}"


def is_too_long(failing_seconds: float, days: float) -> bool:
    """Whether a webhook has failed for so long that it is switched off."""
    return failing_seconds >= days * 86400


def company_of(type: str, body: Mapping[str, object]) -> UUID | None:
    """The company that an event concerns; None for an event that no company gets."""
    offer = FOR_COMPANIES.get(type)
    return None if offer is None else UUID(str(body[offer.company]))


def payload(type: str, at: datetime, data: Mapping[str, object]) -> str:
    """The body of a request, as Standard Webhooks 1.0 recommends it: type, timestamp and data.

    Of a larger event the long members are left out, and it says so.
    """
    moment = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    whole = {"type": type, "timestamp": moment, "data": dict(data)}
    text = _json(whole)
    if len(text.encode()) <= LARGEST:
        return text
    short = {name: value for name, value in data.items() if len(_json(value)) <= LONGEST_MEMBER}
    return _json({**whole, "data": short, "truncated": True})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
