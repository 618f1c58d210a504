"""What `profiles` publishes of each resume for a service that is added."""

from typing import Any

from sqlalchemy import Row, select

from hirewire.contracts.profiles import ResumeStated
from hirewire.kit.stating import States
from hirewire.profiles.tables import resume


def _made(row: Row[Any]) -> ResumeStated:
    return ResumeStated(
        resume_id=row.id,
        user_id=row.user_id,
        version=row.version,
        title=row.title,
        status=row.status,
        visibility=row.visibility,
    )


RESUMES = States(ResumeStated, select(resume), resume.c.id, _made)
