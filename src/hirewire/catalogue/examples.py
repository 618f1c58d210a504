"""A payload of each event and a value of each header, as they are on the wire."""

from pydantic import JsonValue

USER, RESUME = "01912d5c-0f4e-7c3a-9b1e-5d2f8a6c7e10", "01912d5d-3a77-7f02-8c4d-0b9e6f1a2c38"
APPLICATION = "01912d63-2b7e-7f41-8d90-6a1c4e7b9d25"
ERASURE = "01912d64-5a02-7d19-b7c4-8e2f0a6d9b31"
RECOMMENDATION = "01912d62-7c1a-7e55-9f03-3b8d5a2e6c71"
COMPANY, VACANCY = "01912d60-9c15-7b6e-a2f3-7e4d1c8b5a92", "01912d61-44d0-7a1c-b5e8-2f6a9c3d7b04"
SEARCH = "01912d62-9d3b-7a66-8c14-5e0f7b2a4d83"
EXPORT = "01912d64-5c20-7d13-a4f7-1e9b3c6d8f42"
INTERVIEW = "01912d64-8e11-7c35-b6d2-3f7a9c1e5b84"
EMPLOYER = "01912d60-1b7c-7e02-8f45-9d3a6c0e2b71"
NOTICE = "01912d65-1f3a-7b80-9d27-4c6e8a0b2d53"
API_KEY = "01912d66-0b7d-7c15-8e42-3f9a1d5c7b60"
ITEM = "01912d5d-8e21-7d94-9a60-4c7b2e5f1d83"

EXAMPLES: dict[str, dict[str, JsonValue]] = {
    "user.registered": {
        "id": USER,
        "email": "anna@example.org",
        "registeredAt": "2026-11-02T09:30:00.120000Z",
    },
    "user.role_changed": {"userId": USER, "role": "employer", "previousRole": "applicant"},
    "session.ended": {
        "userId": USER,
        "sessionId": "01928c5e-3a00-7000-8000-0000000000b1",
        "at": "2026-11-02T09:30:00.120000Z",
    },
    "user.blocked": {"userId": USER, "blocked": True, "at": "2026-11-02T09:30:00.120000Z"},
    "auth.stated": {"subscriber": "notifications", "types": ["user.stated"]},
    "profiles.stated": {"subscriber": "notifications", "types": ["resume.stated"]},
    "vacancies.stated": {"subscriber": "notifications", "types": ["vacancy.stated"]},
    "user.stated": {
        "userId": USER,
        "email": "anna@example.org",
        "blockedAt": None,
        "verifiedAt": "2026-11-20T10:02:00Z",
        "language": "ru",
        "timeZone": "Europe/Moscow",
    },
    "resume.stated": {
        "userId": USER,
        "resumeId": RESUME,
        "version": 4,
        "title": "Cook",
        "status": "published",
        "visibility": "recommended",
    },
    "employer.stated": {"userId": USER, "companyId": COMPANY, "companyName": "Acme"},
    "vacancy.stated": {
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "version": 3,
        "title": "Cook",
        "status": "published",
    },
    "application.stated": {
        "applicationId": APPLICATION,
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "resumeId": RESUME,
        "userId": USER,
        "origin": "response",
        "submittedAt": "2026-11-02T09:30:00.120000Z",
        "stage": "consider",
        "applicantState": "in_progress",
    },
    "user.erased": {
        "userId": USER,
        "erasureId": ERASURE,
        "erasedAt": "2026-11-29T10:00:00Z",
    },
    "user.erasure_done.profiles": {
        "userId": USER,
        "erasureId": ERASURE,
        "service": "profiles",
        "records": 14,
        "at": "2026-11-29T10:00:00.240000Z",
    },
    "user.erasure_done.vacancies": {
        "userId": USER,
        "erasureId": ERASURE,
        "service": "vacancies",
        "records": 23,
        "at": "2026-11-29T10:00:00.380000Z",
    },
    "user.erasure_done.notifications": {
        "userId": USER,
        "erasureId": ERASURE,
        "service": "notifications",
        "records": 6,
        "at": "2026-11-29T10:00:00.310000Z",
    },
    "user.email_changed": {
        "userId": USER,
        "email": "anna@new.example",
        "at": "2026-11-20T18:05:00Z",
    },
    "api_key.revoked": {
        "keyId": API_KEY,
        "companyId": COMPANY,
        "at": "2026-11-29T18:05:00Z",
    },
    "user.email_verified": {
        "userId": USER,
        "at": "2026-11-20T10:02:00Z",
    },
    "user.locale_changed": {
        "userId": USER,
        "language": "ru",
        "timeZone": "Europe/Moscow",
        "at": "2026-11-20T18:05:00Z",
    },
    "signing_key.published": {
        "kid": "2026-11-a",
        "jwk": {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "kid": "2026-11-a",
        },
        "notBefore": "2026-11-01T00:00:00Z",
        "notAfter": "2027-02-01T00:00:00Z",
    },
    "user.export_requested": {
        "exportId": EXPORT,
        "userId": USER,
        "language": "en",
        "requestedAt": "2026-11-20T14:00:00Z",
    },
    "user.export_finished": {
        "exportId": EXPORT,
        "userId": USER,
        "expiresAt": "2026-11-21T14:00:08Z",
    },
    "user.retention_notified": {
        "noticeId": EXPORT,
        "userId": USER,
        "at": "2026-11-20T14:00:02Z",
    },
    "resumes.retention_due": {
        "noticeId": EXPORT,
        "userId": USER,
        "askedAt": "2026-11-20T14:00:00Z",
    },
    "applications.retention_due": {
        "noticeId": EXPORT,
        "userId": USER,
        "askedAt": "2026-11-20T14:00:00Z",
    },
    "application.anonymised": {
        "applicationId": APPLICATION,
        "resumeId": RESUME,
        "userId": USER,
    },
    "profiles.exported": {
        "exportId": EXPORT,
        "userId": USER,
        "madeAt": "2026-11-20T14:00:08Z",
    },
    "notifications.exported": {
        "exportId": EXPORT,
        "userId": USER,
        "madeAt": "2026-11-20T14:00:02Z",
    },
    "notice.created": {
        "noticeId": NOTICE,
        "userId": USER,
        "kind": "invitation",
        "at": "2026-11-20T14:00:00Z",
    },
    "vacancies.exported": {
        "exportId": EXPORT,
        "userId": USER,
        "madeAt": "2026-11-20T14:00:03Z",
    },
    "resume.updated": {
        "userId": USER,
        "resumeId": RESUME,
        "action": "experience_added",
        "experienceId": ITEM,
        "version": 3,
        "resume": {
            "title": "Backend developer",
            "status": "published",
            "visibility": "recommended",
            "area": "Tbilisi",
            "experienceMonths": 38,
            "experience": [
                {
                    "id": ITEM,
                    "company": "Orchard Ltd",
                    "position": "Python developer",
                    "start": "2023-09",
                    "skills": ["Python", "SQL"],
                }
            ],
            "skills": [{"name": "Python", "level": 4}, {"name": "SQL"}],
            "languages": [{"language": "ru", "level": "native"}],
        },
    },
    "profile.updated": {"userId": USER, "version": 2, "changed": ["fullName"]},
    "employer.profile.created": {
        "userId": USER,
        "companyId": COMPANY,
        "phone": "+995 555 010 203",
        "companyName": "Orchard Ltd",
    },
    "vacancy.published": {
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "version": 1,
        "title": "Python developer",
    },
    "vacancy.updated": {
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "version": 2,
        "title": "Senior Python developer",
    },
    "vacancy.closed": {
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "version": 3,
        "reason": "filled",
    },
    "moderation.decided": {
        "decisionId": "019ab6e2-7d2c-7aa3-b5f2-0a7b8a9d6c10",
        "userId": USER,
        "companyId": COMPANY,
        "vacancyId": VACANCY,
        "kind": "taken_down",
    },
    "vacancy.paused": {"vacancyId": VACANCY, "companyId": COMPANY, "version": 3},
    "recommendation.created": {
        "recommendationId": RECOMMENDATION,
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "resumeId": RESUME,
        "userId": USER,
        "score": 0.8125,
        "resumeVersion": 3,
        "vacancyVersion": 2,
        "ruleset": "2026-3",
    },
    "search.matched": {
        "userId": USER,
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "searchIds": [SEARCH],
    },
    "search.match_withdrawn": {
        "userId": USER,
        "searchIds": [SEARCH],
        "vacancyId": VACANCY,
        "reason": "vacancy_closed",
    },
    "recommendation.withdrawn": {
        "recommendationId": RECOMMENDATION,
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "resumeId": RESUME,
        "userId": USER,
        "reason": "vacancy_closed",
    },
    "application.submitted": {
        "applicationId": APPLICATION,
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "resumeId": RESUME,
        "userId": USER,
        "origin": "response",
        "submittedAt": "2026-11-03T14:05:09.004000Z",
    },
    "application.stage_changed": {
        "applicationId": APPLICATION,
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "resumeId": RESUME,
        "userId": USER,
        "previousStage": "response",
        "stage": "interview",
        "applicantState": "invited",
    },
    "application.message_sent": {
        "applicationId": APPLICATION,
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "resumeId": RESUME,
        "userId": USER,
        "side": "employer",
    },
    "interview.proposed": {
        "interviewId": INTERVIEW,
        "applicationId": APPLICATION,
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "resumeId": RESUME,
        "userId": USER,
        "employerId": EMPLOYER,
        "version": 1,
        "timeZone": "Europe/Berlin",
        "minutes": 45,
        "slots": ["2026-12-07T09:00:00Z", "2026-12-08T13:30:00Z"],
        "calledOff": None,
    },
    "interview.chosen": {
        "interviewId": INTERVIEW,
        "applicationId": APPLICATION,
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "resumeId": RESUME,
        "userId": USER,
        "employerId": EMPLOYER,
        "version": 2,
        "timeZone": "Europe/Berlin",
        "minutes": 45,
        "startsAt": "2026-12-08T13:30:00Z",
        "place": "https://meet.acme.example/interview",
    },
    "interview.declined": {
        "interviewId": INTERVIEW,
        "applicationId": APPLICATION,
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "resumeId": RESUME,
        "userId": USER,
        "employerId": EMPLOYER,
        "version": 2,
        "wantsOtherTimes": True,
        "calledOff": None,
    },
    "interview.cancelled": {
        "interviewId": INTERVIEW,
        "applicationId": APPLICATION,
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "resumeId": RESUME,
        "userId": USER,
        "employerId": EMPLOYER,
        "version": 3,
        "side": "employer",
        "reason": "called_off",
        "calledOff": "2026-12-08T13:30:00Z",
    },
    "interview.abandoned": {
        "interviewId": INTERVIEW,
        "applicationId": APPLICATION,
        "vacancyId": VACANCY,
        "companyId": COMPANY,
        "employerId": EMPLOYER,
        "version": 3,
        "timeZone": "Europe/Berlin",
        "minutes": 45,
        "calledOff": "2026-12-08T13:30:00Z",
    },
}
"""A payload of each event, as it is on the wire."""

HEADERS: dict[str, tuple[str, bool, str]] = {
    "specversion": ("1.0", True, "Version of CloudEvents"),
    "id": (
        "01912d5d-9f00-7aaa-8bbb-0123456789ab",
        True,
        "The event's id, a UUIDv7; also message_id",
    ),
    "type": ("user.registered", True, "The event's name; also the property `type`"),
    "source": ("/hirewire/auth", True, "Who owns the event"),
    "time": ("2026-11-02T09:30:00.123456Z", True, "When it was recorded"),
    "partitionkey": (USER, True, "The aggregate's id: order holds within source and this"),
    "sequence": (
        "1",
        True,
        "Number within source and partitionkey, growing by 1; text. A key that was not used for "
        "the retention time goes on from a higher number",
    ),
    "epoch": (
        "95142",
        False,
        "Which life of the owner's database the sequence is of; a later one has the greater pair "
        "(epoch, sequence). Absent: 0",
    ),
    "correlationid": ("01912d5d-9e00-7000-8000-0123456789ab", True, "The request that began it"),
    "causationid": (
        "01912d5d-9d00-7000-8000-0123456789ab",
        False,
        "The event that led to this one",
    ),
    "traceparent": (
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        False,
        "W3C trace context",
    ),
}
"""CloudEvents attributes without their prefix: an example, whether always there, the meaning."""
