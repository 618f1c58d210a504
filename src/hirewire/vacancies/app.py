"""The service `vacancies`: routes, events and background tasks."""

from hirewire.contracts.auth import (
    ApiKeyRevoked,
    SigningKeyPublished,
    UserBlocked,
    UserErased,
    UserExportFinished,
    UserExportRequested,
    UserRetentionNotified,
    UserRoleChanged,
)
from hirewire.contracts.profiles import ResumeUpdated
from hirewire.contracts.vacancies import (
    ApplicationAnonymised,
    ApplicationMessageSent,
    ApplicationsRetentionDue,
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
    ModerationDecided,
    RecommendationCreated,
    RecommendationWithdrawn,
    SearchMatched,
    SearchMatchWithdrawn,
    VacanciesErasureDone,
    VacanciesExported,
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
from hirewire.kit.settings import require_secret_key
from hirewire.kit.stating import stating
from hirewire.messaging.subscriptions import on, on_batch
from hirewire.vacancies.activity import commands as activity_commands
from hirewire.vacancies.activity import handlers as activity
from hirewire.vacancies.activity import routes as activity_routes
from hirewire.vacancies.alerts import background as alerts_background
from hirewire.vacancies.alerts import handlers as alerts
from hirewire.vacancies.applications import ending as applications_ending
from hirewire.vacancies.applications import handlers as applications
from hirewire.vacancies.applications import routes as applications_routes
from hirewire.vacancies.applications.stating import APPLICATIONS
from hirewire.vacancies.blocking import commands as blocking_commands
from hirewire.vacancies.blocking import handlers as blocking
from hirewire.vacancies.calendars import commands as calendars_commands
from hirewire.vacancies.calendars import routes as calendars_routes
from hirewire.vacancies.cards import commands as cards_commands
from hirewire.vacancies.cards import routes as cards_routes
from hirewire.vacancies.employers import commands as employers_commands
from hirewire.vacancies.employers import routes as employers_routes
from hirewire.vacancies.employers.stating import EMPLOYERS
from hirewire.vacancies.exporting.documents import EXPORTS
from hirewire.vacancies.feeds import routes as feeds_routes
from hirewire.vacancies.interviews import background as interviews_background
from hirewire.vacancies.interviews import commands as interviews_commands
from hirewire.vacancies.interviews import routes as interviews_routes
from hirewire.vacancies.moderation import commands as moderation_commands
from hirewire.vacancies.moderation import routes as moderation_routes
from hirewire.vacancies.operators import commands as operators_commands
from hirewire.vacancies.operators import handlers as operators
from hirewire.vacancies.places import routes as places_routes
from hirewire.vacancies.posting import background as posting_background
from hirewire.vacancies.posting import commands as posting_commands
from hirewire.vacancies.posting import routes as posting_routes
from hirewire.vacancies.posting.stating import VACANCIES
from hirewire.vacancies.recommendations import background as recommendations_background
from hirewire.vacancies.recommendations import commands as recommendations_commands
from hirewire.vacancies.recommendations import handlers as recommendations
from hirewire.vacancies.recommendations import routes as recommendations_routes
from hirewire.vacancies.retention import background as retention_background
from hirewire.vacancies.retention import handlers as retention
from hirewire.vacancies.retention import routes as retention_routes
from hirewire.vacancies.saved import commands as saved_commands
from hirewire.vacancies.saved import routes as saved_routes
from hirewire.vacancies.search import background as search_background
from hirewire.vacancies.search import commands as search_commands
from hirewire.vacancies.search import routes as search_routes
from hirewire.vacancies.skills import background as skills_background
from hirewire.vacancies.skills import routes as skills_routes
from hirewire.vacancies.verifying import commands as verifying_commands
from hirewire.vacancies.verifying import routes as verifying_routes

SERVICE = Service(
    name="vacancies",
    routes=[
        employers_routes.router,
        activity_routes.router,
        search_routes.router,
        saved_routes.router,
        skills_routes.router,
        places_routes.router,
        feeds_routes.router,
        posting_routes.router,
        recommendations_routes.router,
        cards_routes.router,
        applications_routes.router,
        interviews_routes.router,
        calendars_routes.router,
        moderation_routes.router,
        verifying_routes.router,
        retention_routes.router,
    ],
    scoped=[
        "/api/vacancies/employer-profile",
        "/api/vacancies/decisions",
        "/api/vacancies/retention",
        "/api/vacancies/companies",
        "/api/vacancies/activity",
        "/api/vacancies/vacancies",
        "/api/vacancies/overview",
        "/api/vacancies/searches",
        "/api/vacancies/saved",
        "/api/vacancies/resumes",
        "/api/vacancies/reach",
        "/api/vacancies/recommended",
        "/api/vacancies/recommendations",
        "/api/vacancies/applications",
        "/api/vacancies/interviews",
        "/api/vacancies/skills",
        "/api/vacancies/places",
        "/api/vacancies/feeds",
    ],
    for_keys={
        "vacancies:read": [
            "GET /api/vacancies/vacancies/overview",
            "GET /api/vacancies/vacancies/{id}",
        ],
        "vacancies:write": [
            "POST /api/vacancies/vacancies",
            "POST /api/vacancies/vacancies/import",
            "PATCH /api/vacancies/vacancies/{id}",
            "POST /api/vacancies/vacancies/{id}/publish",
            "POST /api/vacancies/vacancies/{id}/pause",
            "POST /api/vacancies/vacancies/{id}/close",
            "POST /api/vacancies/vacancies/{id}/reopen",
            "POST /api/vacancies/vacancies/{id}/archive",
        ],
        "applications:read": [
            "GET /api/vacancies/applications",
            "GET /api/vacancies/applications/counts",
            "GET /api/vacancies/applications/{id}",
            "GET /api/vacancies/applications/{id}/messages",
        ],
        "applications:write": [
            "POST /api/vacancies/applications/{id}/stage",
            "POST /api/vacancies/applications/{id}/messages",
        ],
    },
    publishes=[
        EmployerProfileCreated,
        EmployerStated,
        VacancyStated,
        ApplicationStated,
        VacanciesStated,
        VacancyPublished,
        VacancyUpdated,
        VacancyPaused,
        VacancyClosed,
        RecommendationCreated,
        RecommendationWithdrawn,
        SearchMatched,
        SearchMatchWithdrawn,
        ApplicationSubmitted,
        ApplicationStageChanged,
        ApplicationMessageSent,
        InterviewProposed,
        InterviewChosen,
        InterviewDeclined,
        InterviewCancelled,
        InterviewAbandoned,
        ModerationDecided,
        VacanciesErasureDone,
        VacanciesExported,
        ApplicationsRetentionDue,
        ApplicationAnonymised,
    ],
    subscriptions=[
        on_batch(ResumeUpdated, activity.on_resume_updated, name="vacancies.activity"),
        on_batch(
            ResumeUpdated, recommendations.on_resume_updated, name="vacancies.matching_resumes"
        ),
        on_batch(
            VacancyPublished,
            recommendations.on_vacancy_changed,
            name="vacancies.matching_published",
        ),
        on_batch(
            VacancyUpdated, recommendations.on_vacancy_changed, name="vacancies.matching_updated"
        ),
        on_batch(
            VacancyPaused, recommendations.on_vacancy_changed, name="vacancies.matching_paused"
        ),
        on_batch(
            VacancyClosed, recommendations.on_vacancy_changed, name="vacancies.matching_closed"
        ),
        on_batch(VacancyPublished, alerts.on_vacancy_changed, name="vacancies.alerts_published"),
        on_batch(VacancyUpdated, alerts.on_vacancy_changed, name="vacancies.alerts_updated"),
        on_batch(VacancyPaused, alerts.on_vacancy_changed, name="vacancies.alerts_paused"),
        on_batch(VacancyClosed, alerts.on_vacancy_changed, name="vacancies.alerts_closed"),
        on_batch(
            ResumeUpdated,
            applications.on_resume_updated,
            name="vacancies.applications_resumes",
        ),
        on(VacancyClosed, applications.on_vacancy_closed, name="vacancies.applications"),
        on(
            UserRoleChanged,
            operators.on_user_role_changed,
            name="vacancies.operators",
            history=True,
        ),
        on(UserBlocked, blocking.on_user_blocked, name="vacancies.blocking", history=True),
        on(
            UserErased,
            erasing(
                VacanciesErasureDone,
                [
                    cards_commands.erase,
                    recommendations_commands.erase,
                    activity_commands.erase,
                    applications_ending.erase,
                    interviews_commands.erase,
                    calendars_commands.erase,
                    saved_commands.erase,
                    search_commands.erase,
                    moderation_commands.erase,
                    operators_commands.erase,
                    blocking_commands.erase,
                    verifying_commands.erase,
                    posting_commands.erase,
                    employers_commands.erase,
                ],
            ),
            name="vacancies.erasure",
            history=True,
        ),
        on(SigningKeyPublished, access.on_signing_key_published, name="vacancies.access"),
        on(UserExportRequested, exporting.on_user_export_requested, name="vacancies.exports"),
        on(UserExportFinished, exporting.on_user_export_finished, name="vacancies.exports_end"),
        on(
            UserRetentionNotified,
            retention.on_user_retention_notified,
            name="vacancies.retention",
        ),
        on(UserBlocked, access.on_user_blocked, name="vacancies.blocked"),
        on(ApiKeyRevoked, access.on_api_key_revoked, name="vacancies.revoked_keys"),
    ],
    background=[
        stating(
            [EMPLOYERS, VACANCIES, APPLICATIONS],
            lambda to, types: VacanciesStated(subscriber=to, types=types),
        ),
        retention_background.ASK_FOR_OLD_APPLICATIONS,
        retention_background.ANONYMISE_OLD_APPLICATIONS,
        recommendations_background.COMPARE_STALE,
        alerts_background.READ_SAVED_SEARCHES,
        alerts_background.FORGET_OLD_MATCHES,
        posting_background.CLOSE_EXPIRED,
        interviews_background.EXPIRE_PROPOSALS,
    ],
    workers=[recommendations_background.compare_changes],
    lifespan=[search_background.keep_indexes, skills_background.warm_up],
    worker_lifespan=[search_background.keep_vacancies],
    begun={"search": search_background.are_built},
    larger_bodies=[(posting_routes.IMPORT_PATH, posting_routes.LARGEST_IMPORT)],
    sends_mail=True,
    prepare=[
        *(retention_background.use_months, skills_background.use_dictionary, require_secret_key),
        recommendations_background.load_dictionaries,
    ],
    exports=EXPORTS,
)
