"""The events that `notifications` publishes."""

from uuid import UUID

from hirewire.contracts.fields import Moment
from hirewire.messaging.event import Event


class NoticeCreated(
    Event, name="notice.created", owner="notifications", key="user_id", subject="user_id"
):
    """A person has a new notice. Read it from the API."""

    notice_id: UUID
    user_id: UUID
    """Whose notice it is."""
    kind: str
    """`application_received`, `application_answered`, `application_moved`, `invitation`, `message`,
    `vacancy_closed`, `recommended_candidate`, `recommended_vacancy`, `saved_search`,
    `interview_proposed`, `interview_chosen`, `interview_declined`, `interview_cancelled`, or one
    that a later version adds.
    """
    at: Moment
    """When that happened which the notice is about."""


class NotificationsExported(
    Event, name="notifications.exported", owner="notifications", key="user_id", subject="user_id"
):
    """The part of `notifications` of an export is made (`user.export_requested`)."""

    export_id: UUID
    user_id: UUID
    made_at: Moment


class NotificationsErasureDone(
    Event,
    name="user.erasure_done.notifications",
    owner="notifications",
    key="user_id",
    subject="user_id",
    erasure="answers",
):
    """`notifications` has erased all that it had of a user (see `user.erased`)."""

    user_id: UUID
    erasure_id: UUID
    service: str
    records: int
    """How many records were deleted, anonymised or redacted."""
    at: Moment
