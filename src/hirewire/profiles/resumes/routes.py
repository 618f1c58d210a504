"""Routes for the caller's own resumes. Another user's resume gives 404."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic.alias_generators import to_camel

from hirewire.esco import dictionary
from hirewire.kit import rows
from hirewire.kit.answers import forget_answers
from hirewire.kit.clock import today
from hirewire.kit.http import (
    Caller,
    EmailNotVerified,
    Idempotency,
    IdempotencyKey,
    Once,
    Page,
    PageParams,
    RequestTx,
    check_verified,
    page_of,
    place_of_id,
    transactions_of,
)
from hirewire.kit.models import Body as SentBody
from hirewire.kit.openapi import Responses, refuses
from hirewire.places.gazetteer import gazetteer
from hirewire.profiles import pdf
from hirewire.profiles.content import Fields
from hirewire.profiles.cv import process, reader
from hirewire.profiles.cv.process import BadFile, BusyReading
from hirewire.profiles.errors import NoSuchResume
from hirewire.profiles.resumes import (
    commands,
    exports,
    importing,
    jsonresume,
    models,
    queries,
    rules,
)
from hirewire.profiles.resumes.documents import BadDocument, check_complete, check_document, within
from hirewire.profiles.resumes.models import (
    Education,
    Experience,
    ImportedResume,
    ReadResume,
    Resume,
)
from hirewire.profiles.sections import more

IMPORT_PATH, READ_PATH = "/api/profiles/resumes/import", "/api/profiles/resumes/read"
IMPORT_ALL_PATH = "/api/profiles/resumes/import-all"
LARGEST_IMPORT = 8 * 1024 * 1024
EXPORTED: Responses = {
    200: {
        "description": "A JSON Resume 1.0.0 or a PDF.",
        "content": {"application/json": {"schema": {"type": "object"}}, "application/pdf": {}},
    }
}
FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("application/pdf", "application/octet-stream")
        },
    }
}
ONE = "/{id:uuid}"
"""A path with a UUID, so that `/import` does not match it: other methods there get 405."""
router = APIRouter(prefix="/api/profiles/resumes", tags=["resumes"])
Place = Annotated[int | None, Query(ge=0)]
Strict = Annotated[
    bool, Query(description="Refuse the document if values cannot be read; errors name them.")
]
Document = Annotated[
    dict[str, Any],  # not JsonValue: `check_document` checks the form
    Body(
        description="A JSON Resume with at least a name, experience or education. Unknown"
        " members are kept.",
        examples=[{"basics": {"name": "Ann Lee", "label": "Developer"}, "work": []}],
    ),
]


@router.get("")
async def list_(
    tx: RequestTx, caller: Caller, query: PageParams, request: Request, response: Response
) -> Page[Resume]:
    """Your resumes, newest first."""
    after = place_of_id(query.after)
    rows = await queries.resumes_of(tx, caller.user_id, limit=query.limit + 1, after=after)
    items = await queries.items_of(tx, [row.id for row in rows])
    resumes = [_resume(queries.WholeResume(row, *items[row.id])) for row in rows]
    return page_of(resumes, query, request, response, Resume, cursor=lambda row: (row.id,))


@router.post("", status_code=201, responses=refuses(commands.TooMany, EmailNotVerified))
async def create(
    body: models.NewResume, tx: RequestTx, caller: Caller, once: Once, request: Request
) -> Resume:
    """Create a resume."""
    if body.status == "published":
        check_verified(request, caller)

    async def make() -> Resume:
        return _resume(await commands.create(tx, caller.user_id, _values(body)))

    return await once(Resume, make)


@router.post("/import", status_code=201, responses=refuses(commands.TooMany, BadDocument))
async def import_(
    body: Document, tx: RequestTx, caller: Caller, once: Once, strict: Strict = False
) -> ImportedResume:
    """Create a resume from a JSON Resume 1.0.0, up to 8 MiB. An export returns all of it.

    Values that cannot be read are left out of the resume and listed in `leftOut`.
    """
    check_document(body)

    async def make() -> ImportedResume:
        made, left_out = await importing.import_document(tx, caller.user_id, body)
        if strict:
            check_complete(left_out)
        return ImportedResume(
            **dict(_resume(made)),
            left_out=[models.LeftOut.model_validate(part) for part in left_out],
        )

    return await once(ImportedResume, make)


@router.post("/import-all", responses=refuses(EmailNotVerified))
async def import_all(
    body: models.ResumesToImport,
    request: Request,
    caller: Caller,
    idempotency_key: IdempotencyKey = None,
) -> models.ResumesImported:
    """Create all the resumes that you have elsewhere: up to 50, up to 8 MiB.

    Each row has its key there: what was imported before stays as you have it here, so an import can
    be repeated. Rows that are wrong do not stop the others; each has its answer.
    """
    # No transaction is open meanwhile: large documents may take seconds.
    checked = await asyncio.to_thread(_checked, body.resumes)
    right = rows.right(checked)
    if any(row.changes.get("status", "draft") != "draft" for row in right):
        check_verified(request, caller)
    async with transactions_of(request)() as tx:

        async def make() -> models.ResumesImported:
            stored = await importing.import_rows(tx, caller.user_id, right)
            each = zip(body.resumes, rows.together(checked, stored), strict=True)
            answers = [_done(sent, one) for sent, one in each]
            return models.ResumesImported(**dict(rows.count(answers)), rows=answers)

        once = Idempotency(request, tx, idempotency_key, caller)
        return await once(models.ResumesImported, make)


@router.post("/read", responses=refuses(BadFile, BusyReading), openapi_extra=FILE_BODY)
async def read_file(request: Request, caller: Caller) -> ReadResume:
    """Read a CV: a PDF or a DOCX of up to 5 MiB and 30 pages. Nothing is saved.

    The answer is a draft for a person to check; the import saves the corrected draft.
    """
    lines = await process.lines_of(caller.user_id, await request.body())
    draft = await asyncio.to_thread(reader.read, lines, is_city=_is_city, is_skill=_is_skill)
    jsonresume.name_levels(draft["document"])
    return ReadResume.model_validate(draft)


@router.get(ONE, responses=refuses(NoSuchResume))
async def read(id: UUID, tx: RequestTx, caller: Caller) -> Resume:
    """One resume."""
    row = await queries.resume_of(tx, caller.user_id, id)
    if row is None:
        raise NoSuchResume
    return _resume(await queries.with_items(tx, row))


@router.patch(
    ONE,
    responses=refuses(NoSuchResume, commands.MoveNotAllowed, commands.Incomplete, EmailNotVerified),
)
async def change(
    id: UUID, body: models.ResumeChanges, tx: RequestTx, caller: Caller, request: Request
) -> Resume:
    """Update a resume. Fields that are not sent stay unchanged."""
    if body.status == "published":
        check_verified(request, caller)
    return _resume(await commands.change(tx, caller.user_id, id, _values(body)))


@router.delete(ONE, status_code=204, responses=refuses(NoSuchResume))
async def remove(id: UUID, tx: RequestTx, caller: Caller) -> None:
    """Delete a resume permanently."""
    await commands.remove(tx, caller.user_id, id)
    await forget_answers(tx, caller.user_id)


@router.get("/{id}/export", responses=EXPORTED | refuses(NoSuchResume))
async def export(
    id: UUID, tx: RequestTx, caller: Caller, format: Literal["json", "pdf"] = "json"
) -> Any:
    """The resume as a JSON Resume 1.0.0 or as a PDF, with your name and contacts."""
    row = await queries.resume_of(tx, caller.user_id, id)
    if row is None:
        raise NoSuchResume
    whole = await queries.with_items(tx, row)
    if format == "pdf":
        owner = await queries.owner_of(tx, caller.user_id)
        return pdf.PdfAnswer(queries.content(whole, owner), owner.get("locale"))
    return exports.export(dict(row._mapping), whole.experience, whole.education)


@router.post("/{id}/experience", status_code=201, responses=refuses(NoSuchResume, commands.TooMany))
async def add_experience(
    id: UUID,
    body: models.NewExperience,
    tx: RequestTx,
    caller: Caller,
    once: Once,
    place: Place = None,
) -> Experience:
    """Add a position to the work experience: at the end, or at `place` (0 is the first)."""

    async def make() -> Experience:
        fields = body.model_dump(mode="json")
        made = await commands.add_experience(tx, caller.user_id, id, fields, place)
        return Experience.model_validate(made)

    return await once(Experience, make)


@router.patch("/{id}/experience/{item_id}", responses=refuses(NoSuchResume, commands.NoSuchItem))
async def change_experience(
    id: UUID, item_id: UUID, body: models.ExperienceChanges, tx: RequestTx, caller: Caller
) -> Experience:
    """Update a position of the work experience."""
    done = await commands.change_experience(tx, caller.user_id, id, item_id, _values(body))
    return Experience.model_validate(done)


@router.delete(
    "/{id}/experience/{item_id}",
    status_code=204,
    responses=refuses(NoSuchResume, commands.NoSuchItem),
)
async def remove_experience(id: UUID, item_id: UUID, tx: RequestTx, caller: Caller) -> None:
    """Delete a position of the work experience."""
    await commands.remove_experience(tx, caller.user_id, id, item_id)


@router.post("/{id}/education", status_code=201, responses=refuses(NoSuchResume, commands.TooMany))
async def add_education(
    id: UUID,
    body: models.NewEducation,
    tx: RequestTx,
    caller: Caller,
    once: Once,
    place: Place = None,
) -> Education:
    """Add an education entry: at the end, or at `place` (0 is the first)."""

    async def make() -> Education:
        fields = body.model_dump(mode="json")
        made = await commands.add_education(tx, caller.user_id, id, fields, place)
        return Education.model_validate(made)

    return await once(Education, make)


@router.patch("/{id}/education/{item_id}", responses=refuses(NoSuchResume, commands.NoSuchItem))
async def change_education(
    id: UUID, item_id: UUID, body: models.EducationChanges, tx: RequestTx, caller: Caller
) -> Education:
    """Update an education entry."""
    done = await commands.change_education(tx, caller.user_id, id, item_id, _values(body))
    return Education.model_validate(done)


@router.delete(
    "/{id}/education/{item_id}",
    status_code=204,
    responses=refuses(NoSuchResume, commands.NoSuchItem),
)
async def remove_education(id: UUID, item_id: UUID, tx: RequestTx, caller: Caller) -> None:
    """Delete an education entry."""
    await commands.remove_education(tx, caller.user_id, id, item_id)


def _values(body: SentBody) -> Fields:
    """The fields that the body names, with their values; defaults apply only inside a value."""
    return {n: v for n, v in body.model_dump(mode="json").items() if n in body.model_fields_set}


def _checked(sent: Sequence[object]) -> list[importing.Incoming | rows.Wrong]:
    return [
        row if isinstance(row, rows.Wrong) else _incoming(row)
        for row in rows.checked(models.SentResume, sent)
    ]


def _incoming(row: models.SentResume) -> importing.Incoming | rows.Wrong:
    try:
        check_document(row.document)
    except BadDocument as error:
        return within(error, "/document")
    return importing.Incoming(row.external_id, row.document, _values(row.changes))


def _done(sent: object, done: importing.Stored | rows.Wrong) -> models.DoneResume:
    if not isinstance(done, importing.Stored):
        return models.DoneResume.failed(sent, done)
    left_out = [models.LeftOut.model_validate(part) for part in done.left_out]
    stored = done._asdict() | {"left_out": left_out}
    return models.DoneResume(external_id=rows.key_of(sent), **stored)


def _is_city(text: str) -> bool:
    return gazetteer().find(text) is not None


def _is_skill(text: str) -> bool:
    return dictionary().find(text) is not None


def _resume(whole: queries.WholeResume) -> Resume:
    row, jobs = whole.row, whole.experience
    values = dict(row._mapping) | {"experience": jobs, "education": whole.education}
    completeness = rules.completeness(values)
    months = rules.total_months(((job["start"], job["end"]) for job in jobs), today())
    return Resume.model_validate(
        values
        | {
            "more": more(row.imported or {}),
            "total_experience_months": months,
            "completeness": {
                "percent": completeness.percent,
                "missing_mandatory": [to_camel(name) for name in completeness.missing_mandatory],
                "missing_recommended": [
                    to_camel(name) for name in completeness.missing_recommended
                ],
            },
            "allowed_actions": rules.allowed_actions(row.status, completeness.missing_mandatory),
        }
    )
