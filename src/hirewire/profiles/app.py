"""The service `profiles`: routes, events and background tasks."""

from hirewire.contracts.auth import (
    SigningKeyPublished,
    UserBlocked,
    UserEmailChanged,
    UserErased,
    UserExportFinished,
    UserExportRequested,
    UserRegistered,
    UserRetentionNotified,
)
from hirewire.contracts.profiles import (
    ProfilesErasureDone,
    ProfilesExported,
    ProfilesStated,
    ProfileUpdated,
    ResumesRetentionDue,
    ResumeStated,
    ResumeUpdated,
)
from hirewire.contracts.vacancies import (
    ApplicationAnonymised,
    ApplicationStageChanged,
    ApplicationSubmitted,
    EmployerProfileCreated,
)
from hirewire.kit import access
from hirewire.kit.erasing import erasing
from hirewire.kit.exports import handlers as exporting
from hirewire.kit.service import Service
from hirewire.kit.stating import stating
from hirewire.messaging.subscriptions import on
from hirewire.profiles.cv.process import LARGEST_FILE
from hirewire.profiles.exporting.documents import EXPORTS
from hirewire.profiles.people import commands as people_commands
from hirewire.profiles.people import handlers as people
from hirewire.profiles.people import routes as people_routes
from hirewire.profiles.readers import commands as readers_commands
from hirewire.profiles.readers import handlers as readers
from hirewire.profiles.readers import routes as readers_routes
from hirewire.profiles.resumes import commands as resumes_commands
from hirewire.profiles.resumes import routes as resumes_routes
from hirewire.profiles.resumes.stating import RESUMES
from hirewire.profiles.retention import background as retention_background
from hirewire.profiles.retention import handlers as retention
from hirewire.profiles.retention import routes as retention_routes

SERVICE = Service(
    name="profiles",
    routes=[
        people_routes.router,
        resumes_routes.router,
        readers_routes.router,
        retention_routes.router,
    ],
    scoped=[
        "/api/profiles/retention",
        "/api/profiles/me",
        "/api/profiles/resumes",
        "/api/profiles/candidates",
        "/api/profiles/shared",
    ],
    publishes=[
        *(ResumeUpdated, ResumeStated, ProfilesStated, ProfileUpdated, ProfilesErasureDone),
        *(ProfilesExported, ResumesRetentionDue),
    ],
    subscriptions=[
        on(UserRegistered, people.on_user_registered, name="profiles.people"),
        on(UserEmailChanged, people.on_user_email_changed, name="profiles.addresses"),
        on(
            EmployerProfileCreated,
            readers.on_employer_profile_created,
            name="profiles.employers",
            history=True,
        ),
        on(
            ApplicationSubmitted,
            readers.on_application_submitted,
            name="profiles.readers",
            history=True,
        ),
        on(
            ApplicationStageChanged,
            readers.on_application_stage_changed,
            name="profiles.applications",
            history=True,
        ),
        on(
            UserErased,
            erasing(
                ProfilesErasureDone,
                [resumes_commands.erase, people_commands.erase, readers_commands.erase],
            ),
            name="profiles.erasure",
            history=True,
        ),
        on(SigningKeyPublished, access.on_signing_key_published, name="profiles.access"),
        on(UserExportRequested, exporting.on_user_export_requested, name="profiles.exports"),
        on(UserExportFinished, exporting.on_user_export_finished, name="profiles.exports_end"),
        on(
            UserRetentionNotified,
            retention.on_user_retention_notified,
            name="profiles.retention",
        ),
        on(
            ApplicationAnonymised,
            readers.on_application_anonymised,
            name="profiles.anonymised",
        ),
        on(UserBlocked, access.on_user_blocked, name="profiles.blocked"),
    ],
    # An installation with an external vacancy service has no application events either.
    skips_plain=frozenset({EmployerProfileCreated.name}),
    larger_bodies=[
        (resumes_routes.IMPORT_PATH, resumes_routes.LARGEST_IMPORT),
        (resumes_routes.IMPORT_ALL_PATH, resumes_routes.LARGEST_IMPORT),
        (resumes_routes.READ_PATH, LARGEST_FILE),
    ],
    exports=EXPORTS,
    background=[
        stating([RESUMES], lambda to, types: ProfilesStated(subscriber=to, types=types)),
        retention_background.ASK_FOR_OLD_RESUMES,
        retention_background.DELETE_OLD_RESUMES,
    ],
    prepare=[retention_background.use_months],
)
