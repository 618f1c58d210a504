"""`auth` asks people by mail about old data, once for each notice."""

from uuid import uuid4

from hirewire.contracts.profiles import ResumesRetentionDue
from hirewire.contracts.vacancies import ApplicationsRetentionDue
from hirewire.kit.clock import now
from hirewire.kit.mail import queue
from hirewire.kit.mail.letters import Letter, Sender, as_html, as_text
from hirewire.kit.secrets import unseal
from hirewire.messaging.testing import consume, recorded
from tests.auth.conftest import Auth

SENDER = Sender("jobs@example.org", "Hirewire", "https://jobs.example.org")


async def test_a_mail_is_queued_and_the_service_is_answered(auth: Auth) -> None:
    id = await auth.register()
    consumer = auth.service.messaging.consumer
    resumes = ResumesRetentionDue(notice_id=uuid4(), user_id=id, asked_at=now())
    applications = ApplicationsRetentionDue(notice_id=uuid4(), user_id=id, asked_at=now())
    nobody = ResumesRetentionDue(notice_id=uuid4(), user_id=uuid4(), asked_at=now())
    for event in (resumes, applications, nobody, resumes):  # the last is a replay
        await consume(consumer, event)
    events = await recorded(auth.service.engine, "user.retention_notified")
    notices = [event.body["noticeId"] for event in events]
    assert notices == [str(one.notice_id) for one in (resumes, applications, resumes)]
    assert all(event.body.keys() == {"noticeId", "userId", "at"} for event in events)
    async with auth.service.messaging.transactions() as tx:
        mails = [mail for mail in await queue.claim(tx, 9) if mail.kind.startswith("retention")]
    assert [mail.id for mail in mails] == [resumes.notice_id, applications.notice_id]
    for mail in mails:
        letter = Letter.from_json(unseal(mail.content, queue.PURPOSE))
        assert letter.to == "anna@example.org"
        for text in (as_text(letter, SENDER), as_html(letter, SENDER)):
            assert "https://jobs.example.org/account/keep" in text
