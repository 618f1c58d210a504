"""Sends the rows of a file one by one: a refused row does not stop the others."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx

from hirewire.tools.api_client import Account, Refused, Unreachable
from hirewire.tools.imports.columns import Kind, column_of
from hirewire.tools.imports.files import Row
from hirewire.tools.imports.report import Journal, Outcome

AT_ONCE = 6
VACANCIES = "/api/vacancies/vacancies"
RESUMES = "/api/profiles/resumes"
ME = "/api/profiles/me"
PROFILE_TRIES = 20
JSON_RESUME = frozenset({"basics", "work", "volunteer", "awards", "publications", "interests"})
"""Keys that only a JSON Resume has, and no API body."""
Reasons = list[tuple[str, str]]


@dataclass
class Importer:
    """Sends rows for `owner`, or resumes for the people named in them."""

    connect: Callable[[], httpx.AsyncClient]
    kind: Kind
    rows: list[Row]
    owner: tuple[str, str] | None
    """Email and password; needed for rows without an owner."""
    journal: Journal
    publish: bool = False
    on_change: Callable[[], None] = lambda: None
    tally: Counter[str] = field(default_factory=Counter)
    refusals: list[tuple[Row, Reasons]] = field(default_factory=list)

    async def run(self) -> None:
        """Send what has not been created before. Raises `Unreachable`, or `Refused` for the owner's
        login.
        """
        work = self._work()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(self._worker(work))
        except* (Unreachable, Refused) as errors:
            raise errors.exceptions[0] from None

    def _work(self) -> Iterator[list[Row]]:
        """Group the rows by person; a row that occurs twice is sent once."""
        people: dict[str, list[Row]] = {}
        own: list[Row] = []
        for row in self.rows:
            if row.wrong:
                self._refuse(row, row.wrong)
            elif row.email is None:
                own.append(row)
            else:
                people.setdefault(row.email.lower(), []).append(row)
        yield from ([row] for row in own)
        yield from people.values()

    async def _worker(self, work: Iterator[list[Row]]) -> None:
        async with self.connect() as client:
            own: Account | None = None
            for rows in work:
                rest = [row for row in rows if not self._is_there(row)]
                if not rest:
                    continue
                if rest[0].email is not None:
                    await self._of_person(client, rest)
                    continue
                if own is None:
                    assert self.owner is not None
                    own = Account(client, *self.owner)
                    await own.log_in()
                await self._send(own, rest[0])

    def _is_there(self, row: Row) -> bool:
        if row.mark not in self.journal.marks:
            return False
        self._finish("there before")
        return True

    async def _of_person(self, client: httpx.AsyncClient, rows: list[Row]) -> None:
        """Register the person and send their resumes."""
        email = rows[0].email or ""
        known = self.journal.passwords.get(email.lower())
        account = Account(client, email, known or secrets.token_hex(10))
        try:
            new = await account.enter()
        except Refused as error:
            reasons = _reasons(error, "resumes", rows[0])
            if error.slug == "wrong-credentials":
                reasons = [("email", "already has an account, which only its owner can use")]
            for row in rows:
                self._refuse(row, [("email", why) for _, why in reasons])
            return
        for row in rows:
            await self._send(account, row, password=account.password)
        name = next((row.full_name for row in rows if row.full_name), None)
        if new and name is not None:
            await self._name(account, rows[0], name)

    async def _send(self, account: Account, row: Row, *, password: str = "") -> None:
        if self._is_there(row):
            return
        self.journal.marks[row.mark] = ""
        try:
            id, reasons = await self._made(account, row)
        except Refused as error:
            self.journal.marks.pop(row.mark)
            self._refuse(row, _reasons(error, self.kind, row))
            return
        outcome: Outcome = "made"
        if self.publish:
            try:
                await self._published(account, id)
            except Refused as error:
                refused = _reasons(error, self.kind, row)
                outcome, reasons = "draft", [*refused, *reasons]
                self.refusals.append((row, refused))
        self.journal.write(row, outcome, id=id, reasons=reasons, password=password)
        self._finish(outcome)

    async def _made(self, account: Account, row: Row) -> tuple[str, Reasons]:
        """Create the item; returns its id and the parts of a JSON Resume that could not be read."""
        path = VACANCIES if self.kind == "vacancies" else RESUMES
        if self.kind == "resumes" and JSON_RESUME & row.body.keys():
            path += "/import"
        answer = await account.call("POST", path, row.body, key=f"import-{row.mark}")
        left_out = [(one["pointer"], one["detail"]) for one in answer.get("leftOut") or ()]
        return str(answer["id"]), left_out

    async def _published(self, account: Account, id: str) -> None:
        if self.kind == "resumes":
            await account.call("PATCH", f"{RESUMES}/{id}", {"status": "published"})
            return
        try:
            await account.call("POST", f"{VACANCIES}/{id}/publish")
        except Refused as error:
            # The response to an earlier attempt may have been lost.
            now = await account.call("GET", f"{VACANCIES}/{id}")
            if error.status != 409 or now["status"] != "published":
                raise

    async def _name(self, account: Account, row: Row, name: str) -> None:
        """Put the name into the profile, which appears a moment after the registration."""
        for attempt in range(PROFILE_TRIES):
            try:
                await account.call("PATCH", ME, {"fullName": name})
                return
            except Refused as error:
                if error.status != 404 or attempt == PROFILE_TRIES - 1:
                    reasons = [("fullName", why) for _, why in _reasons(error, "resumes", row)]
                    self.refusals.append((row, reasons))
                    return
                await asyncio.sleep(0.25)

    def _refuse(self, row: Row, reasons: Reasons) -> None:
        self.refusals.append((row, reasons))
        self.journal.write(row, "refused", reasons=reasons)
        self._finish("refused")

    def _finish(self, outcome: str) -> None:
        self.tally[outcome] += 1
        self.on_change()


def _reasons(error: Refused, kind: Kind, row: Row) -> Reasons:
    """The error of the platform, by column if the row comes from a table."""
    found = []
    listed = error.problem.get("errors")
    for one in listed if isinstance(listed, list) else ():
        if not isinstance(one, dict):
            continue
        place = str(one.get("pointer", one.get("parameter", "")))
        column = column_of(kind, place, row.body) if row.is_table else place
        found.append((column, str(one.get("detail", ""))))
    detail = str(error.problem.get("detail") or error.problem.get("title") or error)
    return found or [("", detail)]
