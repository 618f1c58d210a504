"""A candidate's resumes: the page with its blocks and items, import and export."""

import asyncio
import json
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.kit.errors import Unavailable
from hirewire.web.i18n.labels import N_
from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    as_file,
    file_of,
    go,
    is_good,
    is_part,
    parts,
    render,
    typed,
)
from hirewire.web.pages.resume_forms import (
    BLOCKS,
    ITEMS,
    MATCHED,
    block_of,
    blocks_in,
    item_body,
    resume_body,
)
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
RESUMES, COMPANIES = "/api/profiles/resumes", "/api/vacancies/companies"
CARDS = "/api/vacancies/resumes"
REACHED = ("position", "skills", "languages")
"""The blocks that affect matching: each can preview it."""
NO_REACH: dict[str, Any] = {"reach": None, "answered": Form(), "place": ""}
HIDE_AWAY = N_("Company search is temporarily unavailable. Your changes have not been saved.")
HIDE_NOBODY = N_("No company with this name is hiring here. Choose one from the list.")
LARGEST_IMPORT = 8 * 1024 * 1024


@router.post("/resumes")
async def make_resume(who: Asking, request: Request) -> Response:
    """Create a resume from a title."""
    given = await typed(request)
    answer = await who.call("profiles", "POST", RESUMES, {"title": given.get("title", "")})
    if answer.is_good:
        return go(who, f"/resumes/{answer.data['id']}")
    form = Form(given)
    form.refuse(answer)
    return render(who, "new_resume.html", answer.status, form=form)


@router.post("/resumes/import")
async def import_resume(who: Member, request: Request) -> Response:
    """Import a resume from a JSON Resume file. Signed-out users cannot upload."""
    await who.call("auth", "GET", "/api/auth/me")
    _, upload = await file_of(request, "file")
    form = Form()
    try:
        document = json.loads(upload[0][: LARGEST_IMPORT + 1] if upload is not None else b"")
        answer = await who.call("profiles", "POST", f"{RESUMES}/import", document)
    except (ValueError, RecursionError):
        form.errors["file"] = who.words.text("This is not a JSON file.")
        return render(who, "new_resume.html", 422, form=form)
    if answer.is_good and answer.data["leftOut"]:
        return render(who, "imported.html", 201, resume=answer.data)
    if answer.is_good:
        return go(who, f"/resumes/{answer.data['id']}", done="saved")
    form.refuse(answer)
    said = [f"{at}: {who.words.problem(why)}" for at, why in form.errors.items()]
    form.errors["file"] = "; ".join(said) or who.words.problem(form.problem)
    return render(who, "new_resume.html", answer.status, form=form)


@router.get("/resumes/{id}")
async def resume(id: UUID, who: Member) -> Response:
    """The resume as it reads, with the blocks open that `edit` names; or one block of it."""
    answer = await who.call("profiles", "GET", f"{RESUMES}/{id}")
    if not answer.is_good:
        return render(who, "missing.html", 404)
    query = who.request.query_params
    editing, block = set(query.getlist("edit")), query.get("block", "")
    if not is_part(who.request):
        missing = {block_of(one) for one in answer.data["completeness"]["missingMandatory"]}
        return await _page(who, answer.data, editing=editing or missing)
    if block in BLOCKS:
        return await _block(who, answer.data, block, is_editing=block in editing)
    return _item(who, answer.data, block, is_editing=block in editing)


@router.post("/resumes/{id}")
async def change_resume(id: UUID, who: Asking, request: Request) -> Response:
    """Save blocks of a resume; publish, hide or delete it; or preview matches after a change."""
    given = await typed(request)
    action = given.get("action", "save")
    path = f"{RESUMES}/{id}"
    if action == "delete":
        await who.call("profiles", "DELETE", path)
        return go(who, "/me", done="deleted")
    blocks = await blocks_in(request)
    body = await resume_body(request, given, blocks)
    typed_in = {name: given.get(name) for name in ("salaryAmount", "hideCompany")}
    if action == "reach":
        return await _reach(who, id, blocks, body, typed_in)
    if action in ("publish", "hide"):
        body["status"] = "published" if action == "publish" else "hidden"
    status, unknown = 422, await _hide(who, body, given.get("hideCompany", ""))
    form = Form(body | typed_in)
    if unknown:
        form.errors["hideCompany"] = unknown
    else:
        answer = await who.call("profiles", "PATCH", path, body)
        if answer.is_good:
            return await _saved(who, answer.data, blocks)
        status = answer.status
        form.refuse(answer)
    saved = await who.call("profiles", "GET", path)
    if not saved.is_good:
        return render(who, "missing.html", 404)
    form.values = saved.data | form.values
    editing = {*blocks, *(block_of(at) for at in form.errors)}
    if is_part(request) and len(blocks) == 1:
        return await _block(who, saved.data, blocks[0], form, status, is_editing=True)
    return await _page(who, saved.data, form, status, editing=editing)


async def _saved(who: Visitor, saved: dict[str, Any], blocks: tuple[str, ...]) -> Response:
    """After a change: the block as it reads now, or the page at that block."""
    if is_part(who.request) and len(blocks) == 1:
        return await _block(who, saved, blocks[0], is_saved=True)
    place = f"#{blocks[0]}" if len(blocks) == 1 else ""
    return go(who, f"/resumes/{saved['id']}?done=saved{place}")


async def _hide(who: Visitor, body: dict[str, Any], name: str) -> str:
    """Hide the resume from the companies with this name; return the error, or ""."""
    if not name:
        return ""
    try:
        answer = await who.call("vacancies", "GET", f"{COMPANIES}?limit=100&q={quote(name)}")
    except Unavailable:
        return HIDE_AWAY
    found = answer.data["items"] if answer.is_good else []
    same = [one["id"] for one in found if one["name"].casefold() == name.casefold()]
    if not same and len(found) == 1:
        same = [found[0]["id"]]
    body["hiddenFrom"] = list(dict.fromkeys([*body.get("hiddenFrom", ()), *same]))
    return "" if same else HIDE_NOBODY


@router.post("/resumes/{id}/{kind}")
async def add_item(id: UUID, kind: str, who: Asking, request: Request) -> Response:
    """Add a position or an education entry."""
    if kind not in ITEMS:
        return render(who, "missing.html", 404)
    given = await typed(request)
    required = ITEMS[kind][0]
    body = {name: value for name, value in item_body(kind, given).items() if value is not None}
    body.setdefault(required, "")
    answer = await who.call("profiles", "POST", f"{RESUMES}/{id}/{kind}", body)
    form = Form()
    if not answer.is_good:
        form = Form(given | body)
        form.refuse(answer)
    made = answer.data["id"] if answer.is_good else None
    return await _after_item(who, id, kind, answer.status, form, made, is_adding=True)


@router.post("/resumes/{id}/{kind}/{item}")
async def change_item(id: UUID, kind: str, item: UUID, who: Asking, request: Request) -> Response:
    """Change or delete an item."""
    if kind not in ITEMS:
        return render(who, "missing.html", 404)
    given = await typed(request)
    path = f"{RESUMES}/{id}/{kind}/{item}"
    if given.get("action") == "delete":
        answer = await who.call("profiles", "DELETE", path)
        return await _after_item(who, id, kind, 200, Form(), str(item))
    body, required = item_body(kind, given), ITEMS[kind][0]
    if body[required] is None and await _has(who, id, kind, item, required):
        body[required] = ""  # refused: only imported items may lack it
    answer = await who.call("profiles", "PATCH", path, body)
    form = Form(given | body)
    if not answer.is_good:
        form.refuse(answer)
    return await _after_item(who, id, kind, answer.status, form, str(item))


async def _has(who: Visitor, id: UUID, kind: str, item: UUID, name: str) -> bool:
    saved = await who.call("profiles", "GET", f"{RESUMES}/{id}")
    items = saved.data[kind] if saved.is_good else []
    return any(one["id"] == str(item) and one[name] is not None for one in items)


async def _after_item(
    who: Visitor,
    id: UUID,
    kind: str,
    status: int,
    form: Form,
    item: str | None,
    *,
    is_adding: bool = False,
) -> Response:
    """The page at the item, or only the item for a page that already shows the rest."""
    is_wrong = bool(form.errors or form.problem)
    if not is_part(who.request) and not is_wrong:
        return go(who, f"/resumes/{id}?done=saved#{kind}")
    saved = await who.call("profiles", "GET", f"{RESUMES}/{id}")
    if not saved.is_good:
        return render(who, "missing.html", 404)
    if is_part(who.request):
        found = next((one for one in saved.data[kind] if one["id"] == item), None)
        return render(
            who,
            "parts/item.html",
            status,
            resume=saved.data,
            kind=kind,
            item=found,
            gone=item,
            form=form if is_wrong else None,
            is_adding=is_adding,
            is_saved=not is_wrong,
        )
    key = kind if is_adding else str(item)
    return await _page(who, saved.data, status=status, editing={key}, items={key: form})


def _item(who: Visitor, saved: dict[str, Any], key: str, *, is_editing: bool) -> Response:
    """One item as it reads or as a form; or the place where one is added."""
    kind, item = key, None
    if key not in ITEMS:
        found = [(kind, one) for kind in ITEMS for one in saved[kind] if one["id"] == key]
        if not found:
            return render(who, "missing.html", 404)
        kind, item = found[0]
    return render(
        who,
        "parts/item.html",
        resume=saved,
        kind=kind,
        item=item,
        gone=None,
        form=Form(item) if is_editing else None,
        is_adding=item is None,
        is_saved=False,
    )


@router.get("/resumes/{id}/file.{kind}")
async def export(id: UUID, kind: str, who: Member) -> Response:
    """Download the resume."""
    kind = "pdf" if kind == "pdf" else "json"
    answer = await who.call("profiles", "GET", f"{RESUMES}/{id}/export?format={kind}")
    if not answer.is_good:
        return render(who, "missing.html", 404)
    content = answer.data
    if kind == "json":
        content = json.dumps(content, ensure_ascii=False, indent=2).encode()
    return as_file(content, kind)


@router.get("/companies")
async def companies(who: Asking) -> Response:
    """Options: companies with the typed text in their name."""
    return await _suggested(who, "companies", "hideCompany")


@router.get("/skills")
async def skills(who: Asking) -> Response:
    """Options: skills that begin with the typed text."""
    return await _suggested(who, "skills", "skill")


@router.get("/places")
async def places(who: Asking) -> Response:
    """Options: places that begin with the typed text."""
    return await _suggested(who, "places", "area")


async def _suggested(who: Visitor, kind: str, field: str) -> Response:
    typed_name = who.request.query_params.get(field, "")[:100]
    path = f"/api/vacancies/{kind}?limit=8&q={quote(typed_name, safe='')}"
    found = await who.call("vacancies", "GET", path) if typed_name.strip() else None
    items = found.data["items"] if found is not None and found.is_good else []
    return render(who, f"parts/{kind}.html", items=items)


async def _reach(
    who: Visitor, id: UUID, blocks: tuple[str, ...], body: dict[str, Any], kept: dict[str, Any]
) -> Response:
    changes = {name: body[name] for name in MATCHED if name in body}
    asked = {"resumeId": str(id), "changes": changes}
    answer = await who.call("vacancies", "POST", "/api/vacancies/reach", asked)
    reach, form = answer.data if answer.is_good else None, Form()
    await named(who, reach)
    place = next((one for one in blocks if one in REACHED), "skills")
    if not answer.is_good:
        form.refuse(answer)
    shown = {"reach": reach, "answered": form, "place": place}
    if is_part(who.request):
        return render(who, "parts/reach.html", answer.status, **shown)
    saved = await who.call("profiles", "GET", f"{RESUMES}/{id}")
    if not saved.is_good:
        return render(who, "missing.html", 404)
    form.values = saved.data | body | kept
    form.errors = {at.removeprefix("changes/"): why for at, why in form.errors.items()}
    return await _page(who, saved.data, form, answer.status, editing={*blocks}, reached=shown)


async def _block(
    who: Visitor,
    saved: dict[str, Any],
    block: str,
    form: Form | None = None,
    status: int = 200,
    *,
    is_editing: bool = False,
    is_saved: bool = False,
) -> Response:
    """One block, for a page that already shows the rest."""
    form = form or Form(saved)
    return render(
        who,
        "parts/block.html",
        status,
        resume=saved,
        form=form,
        block=block,
        editing={block} if is_editing else set(),
        is_saved=is_saved,
        hidden=await _hidden(who, form) if block == "visibility" else [],
        **NO_REACH,
    )


async def _page(
    who: Visitor,
    saved: dict[str, Any],
    form: Form | None = None,
    status: int = 200,
    *,
    editing: set[str],
    items: dict[str, Form] | None = None,
    reached: dict[str, Any] | None = None,
) -> Response:
    """The whole page, with these blocks and items open."""
    form = form or Form(saved)
    hidden, found = await asyncio.gather(
        _hidden(who, form),
        parts(
            who,
            readers=("profiles", f"{RESUMES}/{saved['id']}/readers?limit=50"),
            viewers=("vacancies", f"{CARDS}/{saved['id']}/viewers?limit=50"),
        ),
    )
    return render(
        who,
        "resume.html",
        status,
        resume=saved,
        form=form,
        editing=editing,
        hidden=hidden,
        items=items or {},
        form_of=Form,
        **found,
        **reached or NO_REACH,
    )


async def _hidden(who: Visitor, form: Form) -> list[tuple[str, str]]:
    """Id and name of the companies a resume is hidden from; the id if the name is unknown."""
    ids = [str(id) for id in form.value("hiddenFrom") or ()]
    if not ids:
        return []
    query = urlencode([("id", id) for id in ids])
    names = (await parts(who, names=("vacancies", f"{COMPANIES}?{query}")))["names"]
    known = {one["id"]: one["name"] for one in names.data["items"]} if is_good(names) else {}
    return [(id, known.get(id, id)) for id in ids]
