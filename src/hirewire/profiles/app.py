"""The service `profiles`: routes, events and background tasks."""

from hirewire.contracts.auth import (
    SigningKeyPublished,
    UserBlocked,
    UserEmailChanged,
    UserErased,
    UserRegistered,
)
from hirewire.contracts.profiles import ProfilesErasureDone, ProfileUpdated, ResumeUpdated
from hirewire.contracts.vacancies import (
    ApplicationStageChanged,
    ApplicationSubmitted,
    EmployerProfileCreated,
)
from hirewire.kit.erasing import erasing
from hirewire.kit.service import Service
from hirewire.messaging.subscriptions import on
from hirewire.profiles.access import handlers as access
from hirewire.profiles.cv.process import LARGEST_FILE
from hirewire.profiles.people import commands as people_commands
from hirewire.profiles.people import handlers as people
from hirewire.profiles.people import routes as people_routes
from hirewire.profiles.readers import commands as readers_commands
from hirewire.profiles.readers import handlers as readers
from hirewire.profiles.readers import routes as readers_routes
from hirewire.profiles.resumes import commands as resumes_commands
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
    publishes=[ResumeUpdated, ProfileUpdated, ProfilesErasureDone],
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
        on(UserBlocked, access.on_user_blocked, name="profiles.blocked"),
    ],
    # An installation with an external vacancy service has no application events either.
    skips_plain=frozenset({EmployerProfileCreated.name}),
    larger_bodies=[
        (resumes_routes.IMPORT_PATH, resumes_routes.LARGEST_IMPORT),
        (resumes_routes.READ_PATH, LARGEST_FILE),
    ],
)
