"""The files of `vacancies` in an export: applications with their conversations, and hiring."""

from collections.abc import AsyncGenerator, AsyncIterator
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Table, exists, select

from hirewire.contracts.vacancies import VacanciesExported
from hirewire.kit.clock import now
from hirewire.kit.exports.files import (
    LEFT_OUT_EVERYWHERE,
    ExportFile,
    Exports,
    Record,
    Section,
    Subject,
    document,
    streamed,
    whole,
)
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Transactions, Tx
from hirewire.vacancies.applications import queries
from hirewire.vacancies.applications.presenters import presented
from hirewire.vacancies.tables import (
    activity,
    application,
    application_message,
    application_move,
    application_retention,
    calendar_feed,
    card_view,
    company,
    company_logo,
    decision,
    employer_profile,
    imported_vacancy,
    interview,
    recommendation,
    report,
    resume,
    saved_search,
    saved_vacancy,
    search_match,
    vacancy,
)

AT_ONCE = 100
"""The number of applications that are read at once."""


def _of_company(column: ColumnElement[UUID], id: UUID) -> ColumnElement[bool]:
    its = employer_profile.c
    return exists().where(its.company_id == column, its.user_id == id)


def _of_resumes(column: ColumnElement[UUID], id: UUID) -> ColumnElement[bool]:
    return exists().where(resume.c.resume_id == column, resume.c.user_id == id)


def _as_employer(table: Table, id: UUID) -> ColumnElement[bool]:
    """What the person wrote for a company. What others of the company wrote is theirs."""
    return (table.c.user_id == id) & (table.c.side == "employer")


SECTIONS = (
    Section(
        "retention",
        application_retention,
        lambda id: exists().where(
            application.c.id == application_retention.c.application_id,
            application.c.user_id == id,
        ),
        without={"notice_id": "a number that connects two services"},
    ),
    Section("savedVacancies", saved_vacancy, lambda id: saved_vacancy.c.user_id == id),
    Section(
        "savedSearches",
        saved_search,
        lambda id: saved_search.c.user_id == id,
        without={"changed": "a number of the alerts' index"},
    ),
    Section(
        "searchMatches",
        search_match,
        lambda id: exists().where(
            saved_search.c.id == search_match.c.saved_search_id, saved_search.c.user_id == id
        ),
    ),
    Section(
        "recommendations",
        recommendation,
        lambda id: recommendation.c.user_id == id,
        without={
            "state": "the view of an employer, which no candidate sees",
            "dismiss_reason": "the view of an employer, which no candidate sees",
        },
    ),
    Section("views", card_view, lambda id: _of_resumes(card_view.c.resume_id, id)),
    Section("activity", activity, lambda id: activity.c.user_id == id),
    Section("employerProfile", employer_profile, lambda id: employer_profile.c.user_id == id),
    Section("company", company, lambda id: _of_company(company.c.id, id)),
    Section(
        "vacancies",
        vacancy,
        lambda id: _of_company(vacancy.c.company_id, id),
        without={"changed": "a number of the search index"},
    ),
    Section(
        "importedVacancies",
        imported_vacancy,
        lambda id: _of_company(imported_vacancy.c.company_id, id),
    ),
    Section(
        "messagesAsEmployer",
        application_message,
        lambda id: _as_employer(application_message, id),
    ),
    Section("movesAsEmployer", application_move, lambda id: _as_employer(application_move, id)),
    Section(
        "interviews",
        interview,
        lambda id: exists().where(
            application.c.id == interview.c.application_id, application.c.user_id == id
        ),
        without={"proposed_by": "somebody of the company"},
    ),
    Section("interviewsAsEmployer", interview, lambda id: interview.c.proposed_by == id),
    Section(
        "calendar",
        calendar_feed,
        lambda id: calendar_feed.c.user_id == id,
        without={
            "mark": "a digest of the secret",
            "secret": "whoever has it reads the interviews; a page shows it",
            "reads": "a number that limits reads",
            "hour_at": "a number that limits reads",
        },
    ),
    Section(
        "reports",
        report,
        lambda id: report.c.user_id == id,
        without={"network": "a keyed digest that limits reports"},
    ),
    Section(
        "decisions",
        decision,
        lambda id: _of_company(decision.c.company_id, id),
        without={"operator_id": "somebody else"},
    ),
)
ELSEWHERE = {
    application.name: "applications",
    company_logo.name: "company-logo.webp",
}
"""Tables that are exported in another way, with the member of `jobs.json` or the file."""
LEFT_OUT = LEFT_OUT_EVERYWHERE | {
    "resume": "an anonymous copy of resumes for employers; `profiles` exports the resumes",
    "comparable": "resumes and vacancies, packed for matching; the originals are exported",
    "kit.mail": "codes for the address of a company: no mail of this service has other content",
    "blocked_user": "whether an operator has blocked the person, which the account says",
    "operator": "who runs the board, which the account says",
    "reported": "how many people have reported something",
    "company_code": "a code that was mailed, as a keyed digest",
    "vacancy_import": "numbers of rows, which limit imports",
    "company_mail": "digests of addresses, which limit mails",
}
"""Tables with rows of a person that are not exported, and why."""
WORDS = {
    "en": {"application": "Application", "invitation": "Invitation", "you": "You"},
    "ru": {"application": "Отклик", "invitation": "Приглашение", "you": "Вы"},
}
"""The labels of texts for reading."""


async def files(transactions: Transactions, subject: Subject) -> AsyncGenerator[ExportFile]:
    """`jobs.json`, `letters.txt`, `messages.txt`, and the logo of the company."""
    async with transactions() as tx:
        yield ExportFile("jobs.json", _jobs(tx, subject))
        yield ExportFile("letters.txt", _letters(tx, subject))
        yield ExportFile("messages.txt", _messages(tx, subject))
        logo = await tx.execute(
            select(company_logo.c.image).where(
                _of_company(company_logo.c.company_id, subject.user_id)
            )
        )
        if (row := logo.first()) is not None:
            yield ExportFile("company-logo.webp", whole(row.image))


async def _jobs(tx: Tx, subject: Subject) -> AsyncGenerator[bytes]:
    sections = {one.name: one.rows(tx, subject.user_id) for one in SECTIONS}
    async for piece in document(applications=_applications(tx, subject), **sections):
        yield piece


async def _rows(tx: Tx, subject: Subject) -> AsyncIterator[list[Row[Any]]]:
    """The person's applications, the latest first, some at a time."""
    after = None
    while rows := await queries.sent_by(
        tx, subject.user_id, queries.About(), limit=AT_ONCE, after=after
    ):
        yield rows
        after = rows[-1].id


async def _applications(tx: Tx, subject: Subject) -> AsyncIterator[Record]:
    """The applications as the applicant sees them, with all messages."""
    async for rows in _rows(tx, subject):
        moves = await queries.moves_of(tx, [row.id for row in rows])
        for row in rows:
            shown = presented(row, moves[row.id], "applicant")
            messages = [
                {
                    "id": one.id,
                    "side": one.side,
                    "mine": one.user_id == subject.user_id,
                    "text": one.text,
                    "sentAt": one.sent_at,
                }
                async for one in streamed(tx, _written(row.id))
            ]
            yield shown.model_dump(mode="json", by_alias=True) | {"messages": messages}


def _written(application_id: UUID) -> Select[Any]:
    its = application_message.c
    chosen = select(application_message).where(its.application_id == application_id)
    return chosen.order_by(its.sent_at, its.id)


async def _letters(tx: Tx, subject: Subject) -> AsyncGenerator[bytes]:
    async for rows in _rows(tx, subject):
        for row in rows:
            if row.letter is not None:
                yield _text(_heading(row, subject), row.letter)


async def _messages(tx: Tx, subject: Subject) -> AsyncGenerator[bytes]:
    async for rows in _rows(tx, subject):
        for row in rows:
            heading = _heading(row, subject)
            async for one in streamed(tx, _written(row.id)):
                mine = one.side == "applicant"
                who = WORDS[subject.language]["you"] if mine else row.company_name
                if heading:
                    yield _text(heading)
                    heading = ""
                yield _text(f"{one.sent_at:%Y-%m-%d %H:%M} UTC · {who}", one.text)


def _heading(row: Row[Any], subject: Subject) -> str:
    """Names the application, underlined."""
    origin = "invitation" if row.origin == "invitation" else "application"
    kind = WORDS[subject.language][origin]
    line = f"{kind} · {row.created_at:%Y-%m-%d} · {row.vacancy_title} · {row.company_name}"
    return f"{line}\n{'=' * len(line)}"


def _text(*paragraphs: str) -> bytes:
    return "".join(chain.from_iterable((one, "\n\n") for one in paragraphs)).encode()


async def _made(tx: Tx, export_id: UUID, user_id: UUID) -> None:
    record(tx, VacanciesExported(export_id=export_id, user_id=user_id, made_at=now()))


EXPORTS = Exports(files, _made)
