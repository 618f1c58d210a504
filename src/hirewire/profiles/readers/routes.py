"""Routes for employers who read resumes, and for candidates who see who has read theirs."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from hirewire.kit.errors import NotFound
from hirewire.kit.http import (
    Caller,
    MaybeCaller,
    Page,
    PageParams,
    RequestTx,
    page_of,
    place_of_id,
)
from hirewire.kit.models import Answer
from hirewire.kit.openapi import media, refuses
from hirewire.kit.tokens import Principal
from hirewire.messaging.transaction import Tx
from hirewire.profiles import pdf
from hirewire.profiles.errors import NoSuchResume
from hirewire.profiles.presenters import (
    ExpectedSalary,
    KnownSkill,
    Position,
    SectionEntry,
    ShownCertificate,
    ShownContact,
    ShownLink,
    ShownProject,
    SpokenLanguage,
    Study,
)
from hirewire.profiles.readers import commands, queries, rules
from hirewire.profiles.sections import more

router = APIRouter(prefix="/api/profiles", tags=["readers"])


class NotOpen(NotFound):
    """Resume not found, or the candidate has not shared it with your company."""

    code = "resume_not_open"


class NotShared(NotFound):
    """This link does not exist or was revoked."""

    code = "link_not_found"


class _Whole(Answer):
    """The parts of a resume that other people read."""

    version: int
    headline: str | None
    title: str | None
    summary: str | None
    area: str | None
    relocation: bool
    employment_types: list[str]
    work_formats: list[str]
    salary: ExpectedSalary | None
    skills: list[KnownSkill]
    languages: list[SpokenLanguage]
    certificates: list[ShownCertificate]
    links: list[ShownLink]
    projects: list[ShownProject]
    more: dict[str, list[SectionEntry]]
    """Imported sections by name, as in `/api/profiles/resumes/{id}`. A share link does not show
    `references`.
    """
    experience: list[Position]
    education: list[Study]
    updated_at: datetime


class Candidate(_Whole):
    """A resume with name and contacts, as companies see it."""

    resume_id: UUID
    full_name: str | None
    """Null if the name is an e-mail address and contacts are not shared."""
    contacts: list[ShownContact]
    """Empty after the application was withdrawn, and so are `links`."""
    as_of: datetime | None
    """When the stored copy was made; null for the current resume."""


class CandidateName(Answer):
    """A resume and the name of its candidate."""

    resume_id: UUID
    full_name: str
    """The e-mail address until the candidate has entered a name, if contacts are shared."""


class CandidateNames(Answer):
    """The candidates' names for the resumes that are shared with the company."""

    items: list[CandidateName]


class SharedResume(_Whole):
    """A resume as shown at its share link, without the profile's links.

    Name and contacts are included only if the owner chose so (`linkShows`).
    """

    full_name: str | None
    """Null if the owner does not share it, or has not entered one yet."""
    contacts: list[ShownContact]


class Reader(Answer):
    """A company that a resume is shared with."""

    company_id: UUID
    company_name: str | None
    open: bool
    """Whether the company reads the current resume; otherwise it reads a stored copy."""
    opened_at: datetime
    first_read_at: datetime | None
    last_read_at: datetime | None
    times: int


@router.get("/candidates")
async def names(
    tx: RequestTx, caller: Caller, resume: Annotated[list[UUID], Query(max_length=300)]
) -> CandidateNames:
    """The candidates' names for these resumes, where they are shared with your company.

    Other resumes are left out. This does not count as reading a resume.
    """
    company_id = await queries.company_of(tx, caller.user_id)
    names = await queries.names(tx, resume, company_id) if company_id else []
    items = [CandidateName(resume_id=id, full_name=name) for id, name in names]
    return CandidateNames(items=items)


@router.get("/candidates/{resume_id}", responses=refuses(NotOpen))
async def read(resume_id: UUID, tx: RequestTx, caller: Caller) -> Candidate:
    """The full resume of a candidate who applied to your company or accepted its invitation.

    The current resume while an application is open, afterwards the resume as it was when it was
    opened to your company. Contacts are hidden if the candidate has withdrawn.
    """
    opened = await _opened(tx, caller, resume_id)
    content = opened.content
    shown = {
        "resume_id": resume_id,
        "as_of": opened.as_of,
        "links": [*content["profile_links"], *content["links"]],
        "more": more(content["imported"] or {}),
    }
    return Candidate.model_validate(content | shown)


@router.get(
    "/candidates/{resume_id}/pdf",
    response_class=Response,
    responses=media("application/pdf") | refuses(NotOpen),
)
async def read_as_pdf(resume_id: UUID, tx: RequestTx, caller: Caller) -> Response:
    """The same resume as a PDF."""
    content = (await _opened(tx, caller, resume_id)).content
    return pdf.PdfAnswer(content, content["locale"])


@router.get("/shared/{key}", responses=refuses(NotShared))
async def read_shared(key: str, tx: RequestTx, response: Response, _: MaybeCaller) -> SharedResume:
    """A resume by its share link, for anyone who has the link. Must not be indexed or cached."""
    content = await queries.shared(tx, key)
    if content is None:
        raise NotShared
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "no-store"
    shows_name = "name" in content["link_shows"]
    content["full_name"] = rules.name_without_contacts(content["full_name"]) if shows_name else None
    if "contacts" not in content["link_shows"]:
        content["contacts"] = []
    sections = more(content["imported"] or {})
    sections.pop("references", None)  # other people's names and contacts
    return SharedResume.model_validate(content | {"more": sections})


@router.get("/resumes/{resume_id}/readers", responses=refuses(NoSuchResume))
async def readers(
    resume_id: UUID,
    tx: RequestTx,
    caller: Caller,
    page: PageParams,
    request: Request,
    response: Response,
) -> Page[Reader]:
    """The companies your resume is shared with, and when they read it."""
    if not await queries.is_own(tx, resume_id, caller.user_id):
        raise NoSuchResume
    after = place_of_id(page.after)
    rows = await queries.readers(tx, resume_id, limit=page.limit + 1, after=after)
    return page_of(rows, page, request, response, Reader, cursor=lambda row: (row.company_id,))


async def _opened(tx: Tx, caller: Principal, resume_id: UUID) -> queries.Opened:
    company_id = await queries.company_of(tx, caller.user_id)
    opened = await queries.opened(tx, resume_id, company_id) if company_id else None
    if opened is None or company_id is None:
        raise NotOpen
    await commands.note_reading(tx, resume_id, company_id)
    return opened
