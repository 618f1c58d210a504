"""The service `notifications`: routes, events and background tasks."""

from hirewire.contracts.auth import (
    ApiKeyRevoked,
    AuthStated,
    SessionEnded,
    SigningKeyPublished,
    UserBlocked,
    UserEmailChanged,
    UserEmailVerified,
    UserErased,
    UserExportFinished,
    UserExportRequested,
    UserLocaleChanged,
    UserRegistered,
    UserRoleChanged,
    UserStated,
)
from hirewire.contracts.notifications import (
    NoticeCreated,
    NotificationsErasureDone,
    NotificationsExported,
)
from hirewire.contracts.profiles import ProfilesStated, ResumeStated, ResumeUpdated
from hirewire.contracts.vacancies import (
    ApplicationAnonymised,
    ApplicationMessageSent,
    ApplicationStageChanged,
    ApplicationStated,
    ApplicationSubmitted,
    EmployerProfileCreated,
    EmployerStated,
    InterviewAbandoned,
    InterviewCancelled,
    InterviewChosen,
    InterviewDeclined,
    InterviewProposed,
    RecommendationCreated,
    RecommendationWithdrawn,
    SearchMatched,
    SearchMatchWithdrawn,
    VacanciesStated,
    VacancyClosed,
    VacancyPaused,
    VacancyPublished,
    VacancyStated,
    VacancyUpdated,
)
from hirewire.kit import access
from hirewire.kit.erasing import erasing
from hirewire.kit.exports import handlers as exporting
from hirewire.kit.service import Service
from hirewire.messaging.subscriptions import on, on_batch
from hirewire.notifications.applications import background as applications_background
from hirewire.notifications.applications import commands as applications_commands
from hirewire.notifications.applications import handlers as applications
from hirewire.notifications.beginning import handlers as beginning
from hirewire.notifications.board import commands as board_commands
from hirewire.notifications.board import handlers as board
from hirewire.notifications.bounces import background as bounces_background
from hirewire.notifications.bounces import commands as bounces_commands
from hirewire.notifications.bounces import routes as bounces
from hirewire.notifications.exporting.documents import EXPORTS
from hirewire.notifications.mailing import background as mailing
from hirewire.notifications.mailing import commands as mailing_commands
from hirewire.notifications.matches import background as matches_background
from hirewire.notifications.matches import commands as matches_commands
from hirewire.notifications.matches import handlers as matches
from hirewire.notifications.notices import background as notices_background
from hirewire.notifications.notices import routes as notices
from hirewire.notifications.people import commands as people_commands
from hirewire.notifications.people import handlers as people
from hirewire.notifications.preferences import commands as preferences_commands
from hirewire.notifications.preferences import routes as preferences
from hirewire.notifications.pushing import background as pushing_background
from hirewire.notifications.pushing import commands as pushing_commands
from hirewire.notifications.pushing import handlers as pushing
from hirewire.notifications.pushing import routes as pushing_routes
from hirewire.notifications.searches import background as searches_background
from hirewire.notifications.searches import handlers as searches
from hirewire.notifications.webhooks import background as webhooks_background
from hirewire.notifications.webhooks import commands as webhooks_commands
from hirewire.notifications.webhooks import handlers as webhooks_handlers
from hirewire.notifications.webhooks import routes as webhooks

SERVICE = Service(
    name="notifications",
    routes=[
        *(notices.router, preferences.router, preferences.unsubscribing),
        *(bounces.router, webhooks.router, webhooks.admin, pushing_routes.router),
    ],
    scoped=["/api/notifications/notices", "/api/notifications/preferences"],
    for_keys={
        "webhooks:read": [
            "GET /api/notifications/webhooks",
            "GET /api/notifications/webhooks/events",
            "GET /api/notifications/webhooks/{id}",
            "GET /api/notifications/webhooks/{id}/deliveries",
            "GET /api/notifications/webhooks/{id}/deliveries/{delivery_id}",
        ],
        "webhooks:write": [
            "POST /api/notifications/webhooks",
            "PATCH /api/notifications/webhooks/{id}",
            "DELETE /api/notifications/webhooks/{id}",
            "POST /api/notifications/webhooks/{id}/rotate",
            "POST /api/notifications/webhooks/{id}/ping",
            "POST /api/notifications/webhooks/{id}/deliveries/{delivery_id}/replay",
            "POST /api/notifications/webhooks/{id}/replay",
        ],
    },
    publishes=[NoticeCreated, NotificationsErasureDone, NotificationsExported],
    subscriptions=[
        on(UserRegistered, people.on_user_registered, name="notifications.people"),
        on(UserEmailChanged, people.on_user_email_changed, name="notifications.addresses"),
        on(UserEmailVerified, people.on_user_email_verified, name="notifications.verified"),
        on(UserLocaleChanged, people.on_user_locale_changed, name="notifications.locales"),
        on(UserBlocked, people.on_user_blocked, name="notifications.blocked_people"),
        # What was before this service is stated by the owners, whatever their logs still have.
        on_batch(UserStated, people.on_user_stated, name="notifications.stated_people"),
        on_batch(EmployerStated, board.on_employer_stated, name="notifications.stated_employers"),
        on_batch(VacancyStated, board.on_vacancy_stated, name="notifications.stated_vacancies"),
        on_batch(ResumeStated, board.on_resume_stated, name="notifications.stated_resumes"),
        on_batch(
            ApplicationStated,
            applications.on_application_stated,
            name="notifications.stated_applications",
        ),
        on(AuthStated, beginning.on_stated, name="notifications.stated_by_auth"),
        on(ProfilesStated, beginning.on_stated, name="notifications.stated_by_profiles"),
        on(VacanciesStated, beginning.on_stated, name="notifications.stated_by_vacancies"),
        on(
            EmployerProfileCreated,
            board.on_employer_profile_created,
            name="notifications.employers",
        ),
        on(VacancyPublished, board.on_vacancy_published, name="notifications.published"),
        on(VacancyUpdated, board.on_vacancy_published, name="notifications.updated"),
        on(VacancyPaused, board.on_vacancy_paused, name="notifications.paused"),
        on(VacancyClosed, board.on_vacancy_closed, name="notifications.closed"),
        on(ResumeUpdated, board.on_resume_updated, name="notifications.resumes"),
        on(
            ApplicationSubmitted,
            applications.on_application_submitted,
            name="notifications.submitted",
        ),
        on(
            ApplicationStageChanged,
            applications.on_application_stage_changed,
            name="notifications.stages",
        ),
        on(
            ApplicationAnonymised,
            applications.on_application_anonymised,
            name="notifications.anonymised",
        ),
        on(
            InterviewProposed,
            applications.on_interview_proposed,
            name="notifications.interviews_proposed",
            history=True,
        ),
        on(
            InterviewChosen,
            applications.on_interview_chosen,
            name="notifications.interviews_chosen",
            history=True,
        ),
        on(
            InterviewDeclined,
            applications.on_interview_declined,
            name="notifications.interviews_declined",
            history=True,
        ),
        on(
            InterviewCancelled,
            applications.on_interview_cancelled,
            name="notifications.interviews_cancelled",
            history=True,
        ),
        on(
            InterviewAbandoned,
            applications.on_interview_abandoned,
            name="notifications.interviews_abandoned",
            history=True,
        ),
        on(
            ApplicationMessageSent,
            applications.on_application_message_sent,
            name="notifications.messages",
        ),
        on_batch(
            RecommendationCreated,
            matches.on_recommendation_created,
            name="notifications.matches",
        ),
        on(
            RecommendationWithdrawn,
            matches.on_recommendation_withdrawn,
            name="notifications.withdrawn_matches",
        ),
        on(SessionEnded, pushing.on_session_ended, name="notifications.sessions"),
        on_batch(SearchMatched, searches.on_search_matched, name="notifications.searches"),
        on_batch(
            SearchMatchWithdrawn,
            searches.on_search_match_withdrawn,
            name="notifications.withdrawn_finds",
        ),
        on(
            UserErased,
            erasing(
                NotificationsErasureDone,
                [
                    webhooks_commands.erase,
                    pushing_commands.erase,
                    matches_commands.erase,
                    applications_commands.erase,
                    board_commands.erase,
                    preferences_commands.erase,
                    people_commands.erase,
                ],
            ),
            name="notifications.erasure",
            history=True,
        ),
        on(
            SigningKeyPublished,
            access.on_signing_key_published,
            name="notifications.access",
            history=True,
        ),
        on(UserBlocked, access.on_user_blocked, name="notifications.blocked", history=True),
        on(ApiKeyRevoked, access.on_api_key_revoked, name="notifications.revoked_keys"),
        on(UserExportRequested, exporting.on_user_export_requested, name="notifications.exports"),
        on(UserExportFinished, exporting.on_user_export_finished, name="notifications.exports_end"),
        *(
            on_batch(event, webhooks_handlers.on_event, name=f"notifications.webhooks.{event.name}")
            for event in webhooks_handlers.EVENTS
        ),
        on(
            UserRoleChanged,
            webhooks_handlers.on_user_role_changed,
            name="notifications.operators",
            history=True,
        ),
        on(
            ApplicationAnonymised,
            webhooks_handlers.on_application_anonymised,
            name="notifications.webhooks_anonymised",
        ),
    ],
    background=[
        notices_background.FORGET_OLD_NOTICES,
        applications_background.FORGET_ABANDONED,
        matches_background.FORGET_OLD_WITHDRAWALS,
        searches_background.FORGET_OLD_FINDS,
        bounces_background.READ_MAILBOX,
        bounces_background.FORGET_OLD_BOUNCES,
        webhooks_background.FORGET_OLD_DELIVERIES,
        mailing.SWEEP,
        webhooks_background.SEAL_AGAIN,
        pushing_background.FORGET_OLD_PUSHES,
        pushing_background.SEAL_AGAIN,
    ],
    workers=[webhooks_background.run, mailing.queue_mails, pushing_background.send],
    sends_mail=True,
    composers={mailing_commands.KIND: mailing.compose},
    prepare=[bounces_background.use_mailbox, webhooks_background.use_settings],
    on_refused=bounces_commands.note_refusal,
    # As in `profiles`: what an external vacancy service sends is for `auth` alone.
    skips_plain=frozenset({EmployerProfileCreated.name}),
    exports=EXPORTS,
)
