"""A candidate's resumes: the page with its blocks and items."""

import asyncio
from dataclasses import dataclass, field
from typing import TypeGuard
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue, TypeAdapter

from hirewire.web.api.answers import Missing
from hirewire.web.api.models.base import Education, Position
from hirewire.web.api.models.profiles import Resume
from hirewire.web.api.models.vacancies import Reach
from hirewire.web.api.profiles import ItemKind
from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    go,
    is_good,
    is_part,
    or_none,
    render,
    said,
    typed,
)
from hirewire.web.pages.resume_forms import (
    BLOCKS,
    ITEMS,
    MATCHED,
    ROWS,
    block_of,
    blocks_in,
    item_body,
    resume_body,
    texts,
)
from hirewire.web.pages.resume_rows import removed_rows
from hirewire.web.pages.undo import Removed
from hirewire.web.problems import Problem
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
REACHED = ("position", "skills", "languages")
"""The blocks that affect matching and have a preview of its result."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The number of jobs that a resume would match after the changes in a block."""

    place: str = ""
    """The block with the changes."""
    reach: Reach | None = None
    answered: Form = field(default_factory=Form)
    """The errors, if the changes cannot be previewed."""


@router.post("/resumes")
async def make_resume(who: Asking, request: Request) -> Response:
    """Create a resume from a title."""
    given = await typed(request)
    answer = await who.profiles.create_resume(given.get("title", ""))
    if answer.is_good:
        return go(who, f"/resumes/{answer.data.id}")
    form = Form(given)
    form.refuse(answer)
    return render(who, "new_resume.html", answer.status, form=form)


@router.get("/resumes/{id}")
async def resume(id: UUID, who: Member) -> Response:
    """The resume, with the blocks in `edit` as forms; or a single block."""
    saved = (await who.profiles.resume(id)).data
    query = who.request.query_params
    editing, block = set(query.getlist("edit")), query.get("block", "")
    if not is_part(who.request):
        missing = {block_of(one) for one in saved.completeness.missingMandatory}
        return await _page(who, saved, editing=editing or missing)
    if block in BLOCKS:
        return await _block(who, saved, block, is_editing=block in editing)
    return _item(who, saved, block, is_editing=block in editing)


@router.post("/resumes/{id}")
async def change_resume(id: UUID, who: Asking, request: Request) -> Response:
    """Save blocks of a resume; publish, hide or delete it; or preview matches after a change."""
    given = await typed(request)
    action = given.get("action", "save")
    if action == "delete":
        await who.profiles.delete_resume(id)
        return go(who, "/me", done="deleted")
    blocks = await blocks_in(request)
    body = await resume_body(request, given, blocks)
    typed_in: dict[str, JsonValue] = {
        name: given.get(name) for name in ("salaryAmount", "hideCompany")
    }
    if action == "reach":
        return await _reach(who, id, blocks, body, typed_in)
    if action in ("publish", "hide"):
        body["status"] = "published" if action == "publish" else "hidden"
    status, unknown = 422, await _hide(who, body, given.get("hideCompany", ""))
    if not unknown:
        before = (await who.profiles.resume(id)).found if ROWS.keys() & body.keys() else None
        answer = await who.profiles.change_resume(id, body)
        if answer.is_good:
            undo = await removed_rows(request, before, answer.data) if before else None
            return await _saved(who, answer.data, blocks, undo)
        status = answer.status
    saved = (await who.profiles.resume(id)).data
    form = Form(saved, body, typed_in)
    if unknown:
        form.errors["hideCompany"] = unknown
    else:
        form.refuse(answer)
    if is_part(request) and len(blocks) == 1:
        return await _block(who, saved, blocks[0], form, status, is_editing=True)
    return await _page(
        who, saved, form, status, editing={*blocks, *(block_of(at) for at in form.errors)}
    )


async def _saved(
    who: Visitor, saved: Resume, blocks: tuple[str, ...], undo: Removed | None
) -> Response:
    """The answer to a saved change: the block as text, or the page at that block."""
    if is_part(who.request) and len(blocks) == 1:
        return await _block(who, saved, blocks[0], done="saved", undo=undo)
    if undo is not None:
        return await _page(who, saved, editing=set(), done="saved", undo=undo)
    place = f"#{blocks[0]}" if len(blocks) == 1 else ""
    return go(who, f"/resumes/{saved.id}{place}", done="saved")


async def _hide(who: Visitor, body: dict[str, JsonValue], name: str) -> Problem | None:
    """Hide the resume from the companies with this name; returns the problem, if any."""
    if not name:
        return None
    answer = await or_none(who.vacancies.companies_named(name, limit="100"))
    if answer is None:
        return Problem("company_search_away")
    found = answer.data.items if answer.is_good else ()
    same = [one.id for one in found if one.name.casefold() == name.casefold()]
    if not same and len(found) == 1:
        same = [found[0].id]
    body["hiddenFrom"] = list(dict.fromkeys([*texts(body.get("hiddenFrom")), *same]))
    return None if same else Problem("no_such_company")


@router.post("/resumes/{id}/{kind}")
async def add_item(id: UUID, kind: str, who: Asking, request: Request) -> Response:
    """Add a position or an education entry; or put back one that was just removed."""
    if not _is_item(kind):
        raise Missing
    given = await typed(request)
    if "removed" in given:
        return await _put_back(who, id, kind, given)
    required = ITEMS[kind][0]
    body = {name: value for name, value in item_body(kind, given).items() if value is not None}
    body.setdefault(required, "")
    answer = await who.profiles.add_item(id, kind, body)
    form = Form()
    if not answer.is_good:
        form = Form(given, body)
        form.refuse(answer)
    made = answer.found.id if answer.found is not None else None
    return await _after_item(who, id, kind, answer.status, form, made, is_adding=True)


@router.post("/resumes/{id}/{kind}/{item}")
async def change_item(id: UUID, kind: str, item: UUID, who: Asking, request: Request) -> Response:
    """Change or delete an item."""
    if not _is_item(kind):
        raise Missing
    given = await typed(request)
    if given.get("action") == "delete":
        return await _remove(who, id, kind, item)
    body, required = item_body(kind, given), ITEMS[kind][0]
    if body[required] is None and await _has(who, id, kind, item, required):
        body[required] = ""  # refused: only imported items may lack it
    answer = await who.profiles.change_item(id, kind, item, body)
    form = Form(given, body)
    if not answer.is_good:
        form.refuse(answer)
    return await _after_item(who, id, kind, answer.status, form, str(item))


async def _remove(who: Visitor, id: UUID, kind: ItemKind, item: UUID) -> Response:
    """Delete an item; the answer can put it back, also without scripts."""
    before: tuple[Position | Education, ...] = _items((await who.profiles.resume(id)).data, kind)
    answer = await who.profiles.delete_item(id, kind, item)
    done = "deleted" if answer.is_good else said(answer)
    undo = None
    old = next((one for one in enumerate(before) if one[1].id == str(item)), None)
    if answer.is_good and old is not None and _is_whole(old[1]):
        text = old[1].model_dump_json(exclude={"id"}, exclude_none=True)
        undo = Removed(f"/resumes/{id}/{kind}", text, old[0])
    if is_part(who.request):
        return await _after_item(who, id, kind, 200, Form(), str(item), done=done, undo=undo)
    saved = (await who.profiles.resume(id)).data
    return await _page(who, saved, editing=set(), done=done, undo=undo)


def _is_whole(item: Position | Education) -> bool:
    """Whether an item has the fields that a new one requires; an imported one may lack them."""
    if isinstance(item, Position):
        return bool(item.position and item.start)
    return bool(item.organization)


async def _put_back(who: Visitor, id: UUID, kind: ItemKind, given: dict[str, str]) -> Response:
    """Add a removed item again, where it was."""
    try:
        item = TypeAdapter(dict[str, JsonValue]).validate_json(given["removed"])
        place = int(given.get("place", ""))
    except ValueError:
        raise Missing from None
    answer = await who.profiles.add_item(id, kind, item, place=place)
    return go(who, f"/resumes/{id}#{kind}", done="undone" if answer.is_good else said(answer))


def _is_item(kind: str) -> TypeGuard[ItemKind]:
    return kind in ITEMS


def _items(saved: Resume, kind: ItemKind) -> tuple[Position, ...] | tuple[Education, ...]:
    return saved.experience if kind == "experience" else saved.education


async def _has(who: Visitor, id: UUID, kind: ItemKind, item: UUID, name: str) -> bool:
    saved = (await who.profiles.resume(id)).found
    items = _items(saved, kind) if saved is not None else ()
    return any(one.id == str(item) and getattr(one, name) is not None for one in items)


async def _after_item(
    who: Visitor,
    id: UUID,
    kind: ItemKind,
    status: int,
    form: Form,
    item: str | None,
    *,
    is_adding: bool = False,
    done: str = "saved",
    undo: Removed | None = None,
) -> Response:
    """The page at the item; only the item for a page that already shows the rest."""
    is_wrong = bool(form.errors or form.problem)
    if not is_part(who.request) and not is_wrong:
        return go(who, f"/resumes/{id}#{kind}", done="saved")
    saved = (await who.profiles.resume(id)).data
    if is_part(who.request):
        return render(
            who,
            "parts/item.html",
            status,
            done="" if is_wrong else done,
            undo=undo,
            resume=saved,
            kind=kind,
            item=next((one for one in _items(saved, kind) if one.id == item), None),
            gone=item,
            form=form if is_wrong else None,
            is_adding=is_adding,
        )
    key = kind if is_adding else str(item)
    return await _page(who, saved, status=status, editing={key}, items={key: form})


def _item(who: Visitor, saved: Resume, key: str, *, is_editing: bool) -> Response:
    """One item as text or as a form, or the button that adds one."""
    found = [(kind, one) for kind in ITEMS for one in _items(saved, kind) if one.id == key]
    if _is_item(key):
        kind, item = key, None
    elif found:
        kind, item = found[0]
    else:
        raise Missing
    form = Form(item) if item is not None else Form()
    return render(
        who,
        "parts/item.html",
        resume=saved,
        kind=kind,
        item=item,
        gone=None,
        form=form if is_editing else None,
        is_adding=item is None,
    )


async def _reach(
    who: Visitor,
    id: UUID,
    blocks: tuple[str, ...],
    body: dict[str, JsonValue],
    kept: dict[str, JsonValue],
) -> Response:
    changes = {name: body[name] for name in MATCHED if name in body}
    answer = await who.vacancies.reach(id, changes)
    place = next((one for one in blocks if one in REACHED), "skills")
    preview = Preview(place, await named(who, answer.found))
    if not answer.is_good:
        preview.answered.refuse(answer)
    if is_part(who.request):
        return render(who, "parts/reach.html", answer.status, preview=preview)
    saved = (await who.profiles.resume(id)).data
    form = Form(saved, body, kept)
    if not answer.is_good:
        form.refuse(answer)
        form.errors = {at.removeprefix("changes/"): why for at, why in form.errors.items()}
    return await _page(who, saved, form, answer.status, editing={*blocks}, preview=preview)


async def _block(
    who: Visitor,
    saved: Resume,
    block: str,
    form: Form | None = None,
    status: int = 200,
    *,
    is_editing: bool = False,
    done: str = "",
    undo: Removed | None = None,
) -> Response:
    """One block, for a page that already shows the rest."""
    form = form or Form(saved)
    return render(
        who,
        "parts/block.html",
        status,
        done=done,
        undo=undo,
        resume=saved,
        form=form,
        block=block,
        editing={block} if is_editing else set(),
        hidden=await _hidden(who, form) if block == "visibility" else [],
        preview=Preview(),
    )


async def _page(
    who: Visitor,
    saved: Resume,
    form: Form | None = None,
    status: int = 200,
    *,
    editing: set[str],
    items: dict[str, Form] | None = None,
    preview: Preview | None = None,
    done: str = "",
    undo: Removed | None = None,
) -> Response:
    """The whole page, with these blocks and items as forms."""
    form = form or Form(saved)
    hidden, readers, viewers = await asyncio.gather(
        _hidden(who, form),
        or_none(who.profiles.readers(saved.id)),
        or_none(who.vacancies.viewers(saved.id)),
    )
    return render(
        who,
        "resume.html",
        status,
        done=done,
        undo=undo,
        resume=saved,
        form=form,
        editing=editing,
        hidden=hidden,
        readers=readers,
        viewers=viewers,
        items=items or {},
        form_of=Form,
        preview=preview or Preview(),
    )


async def _hidden(who: Visitor, form: Form) -> list[tuple[str, str]]:
    """Ids and names of the companies that a resume is hidden from; the id for an unknown name."""
    ids = [str(id) for id in texts(form.value("hiddenFrom"))]
    answer = await or_none(who.vacancies.companies(ids)) if ids else None
    names = {one.id: one.name for one in answer.data.items} if is_good(answer) else {}
    return [(id, names.get(id, id)) for id in ids]
