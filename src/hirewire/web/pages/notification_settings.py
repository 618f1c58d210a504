"""The page on which visitors choose what they are notified of, how, and when not."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from hirewire.kit.clock import today, zone
from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Answer, Missing
from hirewire.web.api.models.notices import Preferences
from hirewire.web.i18n import zones
from hirewire.web.i18n.labels import N_
from hirewire.web.i18n.words import LANGUAGES
from hirewire.web.pages.rendering import Form, Member, away, back_to, render, said, typed
from hirewire.web.sessions import Visitor

router = APIRouter(prefix="/account/notifications", include_in_schema=False)
PATH = "/account/notifications"
FREQUENCIES = ("at_once", "hourly", "daily", "weekly", "off")
SIDES = {
    "applicant": N_("As a job seeker"),
    "employer": N_("As an employer"),
    None: N_("As a job seeker and as an employer"),
}
NIGHT = ("22:00", "08:00")
"""The quiet hours that are offered."""


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of notice, as the form shows it."""

    kind: str
    mail: str
    push: bool
    was: str
    """What was stored when the page was made. Only what differs from it is saved, so that a page
    which has been open for long undoes nothing that was changed meanwhile.
    """


@dataclass(frozen=True, slots=True)
class Group:
    """The kinds of one side."""

    name: str
    rows: Sequence[Row]


@router.get("")
async def shown(who: Member) -> Response:
    """The settings."""
    return await _page(who, Form())


@router.post("")
async def save(who: Member, request: Request) -> Response:
    """Save what was changed on the page."""
    if not who.notices.exist:
        raise Missing
    given = await typed(request)
    form = Form(given)
    changes, locale = _changes(given), _locale(given)
    answers: list[Answer[None]] = []
    if changes:
        answers.append(await who.notices.change_preferences(changes))
    if locale and all(one.is_good for one in answers):
        answers.append(await who.auth.change_locale(locale))
    refused = next((one for one in answers if not one.is_good), None)
    if refused is None:
        return back_to(who, PATH, "saved")
    form.refuse(refused)
    return await _page(who, form, refused.status)


@router.post("/email")
async def try_again(who: Member) -> Response:
    """Send mails to a stopped address again."""
    if not who.notices.exist:
        raise Missing
    answer = await who.notices.retry_email()
    return back_to(who, PATH, "mails_again" if answer.is_good else said(answer))


async def _page(who: Visitor, form: Form, status: int = 200) -> Response:
    if not who.notices.exist:
        raise Missing
    try:
        found, me = await asyncio.gather(who.notices.preferences(), who.auth.me())
        stopped = None
        if found.data.email.state == "stopped":
            stopped = (await who.notices.email()).data
    except Unavailable:
        return away(who)
    mine, day, lang = me.data, today(), who.words.lang
    chosen = zones.canonical(str(form.values.get("timeZone", mine.timeZone or "")))
    regions = zones.regions(lang, day)
    names = {one.name for region in regions for one in region.zones}
    return render(
        who,
        "notification_settings.html",
        status,
        form=form,
        mine=mine,
        groups=_groups(who, found.data, form),
        frequencies=FREQUENCIES,
        quiet=_quiet(found.data, form),
        night=NIGHT,
        email=stopped,
        language=form.values.get("language") or mine.language or lang,
        language_names=LANGUAGES,
        regions=regions,
        zone=chosen,
        zone_was=zones.canonical(mine.timeZone or ""),
        other_zone="" if chosen in names else chosen,
        board_zone=str(zone()),
    )


def _groups(who: Visitor, found: Preferences, form: Form) -> list[Group]:
    rows: dict[str | None, list[Row]] = {side: [] for side in SIDES}
    for one in found.kinds:
        was = f"{one.mail} {'push' if one.push else ''}"
        mail, push = one.mail, one.push
        if f"was.{one.kind}" in form.values:  # refused: what was chosen stays
            mail = str(form.value(f"mail.{one.kind}"))
            push = f"push.{one.kind}" in form.values
        rows.setdefault(one.side, []).append(Row(one.kind, mail, push, was))
    return [Group(who.words.text(SIDES[side]), rows[side]) for side in SIDES if rows[side]]


def _quiet(found: Preferences, form: Form) -> dict[str, str]:
    """What the fields of the quiet hours show; `was` for the comparison."""
    stored = (found.quiet.begins, found.quiet.until) if found.quiet else None
    was = "-".join(stored) if stored else ""
    begins, until = stored or NIGHT
    is_on = bool(stored)
    if "quiet.was" in form.values:
        begins, until = str(form.value("quiet.from")), str(form.value("quiet.until"))
        is_on = "quiet" in form.values
    return {"was": was, "begins": begins, "until": until, "on": "on" if is_on else ""}


def _changes(given: dict[str, str]) -> dict[str, JsonValue]:
    """What of the preferences was changed on the page."""
    kinds: list[JsonValue] = []
    for name, was in given.items():
        if not name.startswith("was."):
            continue
        kind = name.removeprefix("was.")
        mail, push = given.get(f"mail.{kind}", ""), f"push.{kind}" in given
        if f"{mail} {'push' if push else ''}".strip() != was:
            kinds.append({"kind": kind, "mail": mail, "push": push})
    changes: dict[str, JsonValue] = {"kinds": kinds} if kinds else {}
    hours = given.get("quiet.from", ""), given.get("quiet.until", "")
    if ("-".join(hours) if "quiet" in given else "") != given.get("quiet.was", ""):
        changes["quiet"] = {"from": hours[0], "until": hours[1]} if "quiet" in given else None
    return changes


def _locale(given: dict[str, str]) -> dict[str, JsonValue]:
    """What of the language and the time zone was changed."""
    changed: dict[str, JsonValue] = {}
    if given.get("language", "") != given.get("language.was", ""):
        changed["language"] = given.get("language")
    if zones.canonical(given.get("timeZone", "")) != given.get("timeZone.was", ""):
        changed["timeZone"] = given.get("timeZone") or None
    return changed
