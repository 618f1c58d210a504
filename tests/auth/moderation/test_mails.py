"""Owners get a mail about each decision, with a link to the page that has the reason."""

from typing import Any
from uuid import uuid4

import pytest

from hirewire.auth.mails.letters import texts
from hirewire.contracts.vacancies import ModerationDecided
from hirewire.messaging.testing import consume, delivery
from tests.auth.conftest import Auth
from tests.auth.postbox import SITE, plain, sending


async def test_each_decision_is_mailed_once(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    anna, vacancy, n = await auth.register(), uuid4(), 0

    async def decided(kind: str, **more: Any) -> None:
        nonlocal n
        n += 1
        ids = {"decision_id": uuid4(), "user_id": anna, "company_id": uuid4()}
        event = delivery(ModerationDecided(**ids | more, kind=kind), sequence=n)
        await consume(auth.service.messaging.consumer, event, event)

    async with sending(auth, monkeypatch) as box:
        for kind in ("taken_down", "upheld", "restored"):
            await decided(kind, vacancy_id=vacancy)
            await decided(kind)
        await decided("of_a_later_version")
        await decided("taken_down", user_id=uuid4())  # somebody who is gone
        mails = await box.mails()
    subjects = [
        texts()[f"{what}_{kind}"]["en"]["subject"]
        for kind in ("taken_down", "upheld", "restored")
        for what in ("vacancy", "company")
    ]
    assert sorted(mail["Subject"] for mail in mails) == sorted(subjects)
    assert box.taken == mails
    by_subject = {mail["Subject"]: plain(mail) for mail in mails}
    assert f"{SITE}/employer/vacancies/{vacancy}#decisions" in by_subject[subjects[0]]
    assert f"{SITE}/employer/company#decisions" in by_subject[subjects[1]]
