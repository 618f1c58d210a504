"""What users do on the board before the screenshots are taken."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx

from hirewire.tools.api_client import Account, Item, Refused
from hirewire.tools.sample_data.filler import PASSWORD, Plan
from hirewire.tools.sample_data.people import Person
from shots.meetings import propose

LOOKED_AT, APPLY, FIT = 40, 9, 14
"""The number of people whose matches are read, who apply, and who come to match the vacancy."""
STAGES = (
    "interview",
    "consider",
    "offer",
    "phone_interview",
    "consider",
    "assessment",
    "interview",
)
MET = {"interview": True, "phone_interview": False}
"""At which stages an interview is proposed, and whether the applicant has agreed to a time."""
DECLINED = {"stage": "discard_by_employer", "reason": "position_filled"}
LETTER = "Добрый день! Эта работа мне подходит. / Hello! This is the work I look for."
VACANCIES, MATCHES = "/api/vacancies/vacancies", "/api/vacancies/recommended?limit=100"


@dataclass(frozen=True)
class Cast:
    """The people and documents whose pages are shown."""

    employer: Person
    candidate: Person
    vacancy: str
    """The vacancy with the most matching candidates."""
    resume: str
    """The best matching resume whose owner has not applied."""


async def act(url: str, plan: Plan) -> Cast:
    """Make more candidates match the most popular vacancy; let people apply, and move them on."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        people: list[tuple[Person, Account, list[Item]]] = []
        for who, _ in list(plan.candidates())[:LOOKED_AT]:
            person = Account(client, who.email, PASSWORD)
            await person.log_in()
            people.append((who, person, await person.pages(MATCHES)))
        companies = {company.name: who for company, who, _ in plan.employers()}
        popular = Counter(
            one["vacancyId"]
            for _, _, fits in people
            for one in fits
            if one["companyName"] in companies
        )
        vacancy = min(popular, key=lambda id: (-popular[id], id))
        found = await people[0][1].call("GET", f"{VACANCIES}/{vacancy}")
        hires = companies[found["companyName"]]
        boss = Account(client, hires.email, PASSWORD)
        await boss.log_in()

        await _come_to_fit(people, found)
        seen, _, own = max(people, key=lambda one: len(one[2]))
        await _apply(boss, people, vacancy)
        star = next(person for who, person, _ in people if who is seen)
        for one in own[:3]:
            await _apply_for(star, one["vacancyId"], one["resumeId"])
        listed = await boss.pages(f"{VACANCIES}/{vacancy}/recommendations")
        free = [one["resumeId"] for one in listed if one["applicationId"] is None]
        return Cast(hires, seen, vacancy, free[0])


async def _come_to_fit(
    people: list[tuple[Person, Account, list[Item]]], vacancy: dict[str, Any]
) -> None:
    """Add required skills to some resumes, fewer and fewer of them."""
    asked = vacancy["requirements"]
    musts = [one["skill"] for one in asked if one["kind"] == "must"]
    extra = [one["skill"] for one in asked if one["kind"] != "must"]
    count = 0
    for _, person, fits in people:
        if count == FIT or any(one["vacancyId"] == vacancy["id"] for one in fits):
            continue
        resume = next(
            (
                one
                for one in await person.pages("/api/profiles/resumes")
                if one["status"] == "published" and one["visibility"] == "recommended"
            ),
            None,
        )
        if resume is None:
            continue
        learnt = [{"name": name, "level": 4} for name in [*musts, *extra[count % 5 :]]]
        names = {one["name"] for one in learnt}
        kept = [one for one in resume["skills"] if one["name"] not in names][:4]
        change = {
            "skills": learnt + kept,
            "relocation": True,
            "languages": [
                {"language": one["language"], "level": "C1"} for one in vacancy["languages"]
            ],
            "workFormats": ["remote", "hybrid", "on_site"],
            "employmentTypes": [vacancy["employmentType"] or "FULL_TIME"],
            "salary": None,
        }
        await person.call("PATCH", f"/api/profiles/resumes/{resume['id']}", change)
        count += 1


async def _apply(
    boss: Account, people: list[tuple[Person, Account, list[Item]]], vacancy: str
) -> None:
    applied = 0
    for _, person, _ in people:
        fits = [one for one in await person.pages(MATCHES) if one["vacancyId"] == vacancy]
        if not fits or applied == APPLY:
            continue
        made = await _apply_for(person, vacancy, fits[0]["resumeId"])
        applied += 1
        if made is None or applied > len(STAGES):
            continue
        stage = STAGES[applied - 1]
        body = DECLINED if applied == len(STAGES) else {"stage": stage}
        await boss.call("POST", f"/api/vacancies/applications/{made}/stage", body)
        if stage in MET and body is not DECLINED:
            await propose(boss, person, made, agrees=MET[stage])


async def _apply_for(person: Account, vacancy: str, resume: str) -> str | None:
    """The application's id; None if an earlier run made it."""
    body = {"resumeId": resume, "letter": LETTER}
    try:
        made = await person.call("POST", f"{VACANCIES}/{vacancy}/applications", body)
    except Refused:
        return None
    return str(made["id"])
