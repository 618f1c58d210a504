"""The overview of a company's vacancies: what needs attention, with figures."""

from uuid import uuid4

from hirewire.contracts.profiles import SnapshotSkill
from tests.vacancies.applications.conftest import Board
from tests.vacancies.conftest import Person

SQL = [{"skill": "SQL", "kind": "must", "level": None}]
WIDE = {
    "requirements": SQL,
    "languages": [],
    "experience": None,
    "employmentType": None,
    "workFormat": None,
    "salary": None,
}


async def test_jobs_that_need_attention_come_first_with_their_figures(board: Board) -> None:
    boss = board.boss
    draft = await boss.vacancy(title="Draft")
    wide = await board.open_vacancy(title="Wide", **WIDE)
    over = await board.open_vacancy(title="Over")
    await boss.call("POST", f"/vacancies/{over}/close", {"reason": "filled"})
    await board.consume_own("vacancy.published")
    person, resume = Person(boss.service, uuid4()), uuid4()
    await board.say(person, resume, 1, skills=[SnapshotSkill(name="SQL", level=4)])
    await board.apply()

    async def listed() -> list[dict[str, object]]:
        items: list[dict[str, object]] = (await boss.call("GET", "/vacancies/overview"))["items"]
        return items

    found = await listed()
    assert [one["id"] for one in found] == [board.vacancy, wide, draft, over]
    figures = ("status", "unread", "applications", "matches", "newMatches", "daysOpen")
    assert [tuple(one[name] for name in figures) for one in found] == [
        ("published", 1, 1, 0, 0, 0),
        ("published", 0, 0, 1, 1, 0),
        ("draft", 0, 0, 0, 0, None),
        ("closed", 0, 0, 0, 0, None),
    ]
    [match] = (await boss.call("GET", f"/vacancies/{wide}/recommendations"))["items"]
    await _decides(boss, match["id"], "seen")
    assert [(one["matches"], one["newMatches"]) for one in await listed()][1] == (1, 0)
    await _decides(boss, match["id"], "dismissed")
    assert [one["matches"] for one in await listed()][1] == 0

    seen: list[str] = []
    after = ""
    while True:
        page = await boss.call("GET", f"/vacancies/overview?limit=1{after}")
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == [board.vacancy, wide, draft, over]
    await boss.call("GET", "/vacancies/overview?after=nonsense", expect=422)

    [application] = (await boss.call("GET", "/applications?role=employer"))["items"]
    await boss.call("GET", f"/applications/{application['id']}")
    assert [one["unread"] for one in await listed()] == [0, 0, 0, 0]

    other = Person(boss.service, uuid4())
    await other.hire("Other")
    assert (await other.call("GET", "/vacancies/overview"))["items"] == []


async def _decides(boss: Person, match: str, state: str) -> None:
    await boss.call("POST", f"/recommendations/{match}/state", {"state": state}, expect=204)
