"""The service `profiles`: routes, events and background tasks."""

from hirewire.contracts.auth import (
    SigningKeyPublished,
    UserBlocked,
    UserRegistered,
)
from hirewire.contracts.profiles import ProfileUpdated, ResumeUpdated
from hirewire.contracts.vacancies import (
    ApplicationStageChanged,
    ApplicationSubmitted,
    EmployerProfileCreated,
)
from hirewire.kit.service import Service
from hirewire.messaging.subscriptions import on
from hirewire.profiles.access import handlers as access
from hirewire.profiles.cv.process import LARGEST_FILE
from hirewire.profiles.people import handlers as people
from hirewire.profiles.people import routes as people_routes
from hirewire.profiles.readers import handlers as readers
from hirewire.profiles.readers import routes as readers_routes
from hirewire.profiles.resumes import routes as resumes_routes

SERVICE = Service(
    name="profiles",
    routes=[people_routes.router, resumes_routes.router, readers_routes.router],
    scoped=[
        "/api/profiles/me",
        "/api/profiles/resumes",
        "/api/profiles/candidates",
        "/api/profiles/shared",
    ],
    publishes=[ResumeUpdated, ProfileUpdated],
    subscriptions=[
        on(UserRegistered, people.on_user_registered, name="profiles.people"),
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
        on(SigningKeyPublished, access.on_signing_key_published, name="profiles.access"),
        on(UserBlocked, access.on_user_blocked, name="profiles.blocked"),
    ],
    # An installation with an external vacancy service has no application events either.
    skips_plain=frozenset({EmployerProfileCreated.name}),
    larger_bodies=[
        (resumes_routes.IMPORT_PATH, resumes_routes.LARGEST_IMPORT),
        (resumes_routes.READ_PATH, LARGEST_FILE),
    ],
)
