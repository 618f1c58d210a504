"""The service `auth`: routes, events and background tasks."""

from hirewire.auth.accounts import background as account_background
from hirewire.auth.accounts import routes as accounts
from hirewire.auth.accounts.stating import USERS
from hirewire.auth.addresses import background as address_background
from hirewire.auth.addresses import routes as addresses
from hirewire.auth.api_keys import background as api_key_background
from hirewire.auth.api_keys import handlers as api_key_handlers
from hirewire.auth.api_keys import routes as api_keys
from hirewire.auth.consents import routes as consents
from hirewire.auth.credentials import keep_memory_of_hashes
from hirewire.auth.erasures import background as erasure_background
from hirewire.auth.erasures import handlers as erasure_handlers
from hirewire.auth.erasures import routes as erasures
from hirewire.auth.exports import background as export_background
from hirewire.auth.exports import handlers as exports
from hirewire.auth.exports import routes as export_routes
from hirewire.auth.exports.documents import EXPORTS
from hirewire.auth.identities import background as identity_background
from hirewire.auth.identities import routes as identities
from hirewire.auth.keys import background as key_background
from hirewire.auth.keys import routes as keys
from hirewire.auth.moderation import handlers as moderation
from hirewire.auth.operators import routes as operators
from hirewire.auth.passkeys import background as passkey_background
from hirewire.auth.passkeys import routes as passkeys
from hirewire.auth.recovery import background as recovery_background
from hirewire.auth.recovery import routes as recovery
from hirewire.auth.retention import handlers as retention
from hirewire.auth.roles import handlers as roles
from hirewire.auth.security_log import background as log_background
from hirewire.auth.security_log import routes as security_log
from hirewire.auth.sessions import background as session_background
from hirewire.auth.sessions import routes as sessions
from hirewire.auth.signing import require_secret_key
from hirewire.auth.tokens import background as token_background
from hirewire.auth.tokens import routes as tokens
from hirewire.auth.two_step import background as two_step_background
from hirewire.auth.two_step import routes as two_step
from hirewire.auth.verification import routes as verification
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
    UserRetentionNotified,
    UserRoleChanged,
    UserStated,
)
from hirewire.contracts.notifications import NotificationsErasureDone, NotificationsExported
from hirewire.contracts.profiles import ProfilesErasureDone, ProfilesExported, ResumesRetentionDue
from hirewire.contracts.vacancies import (
    ApplicationsRetentionDue,
    EmployerProfileCreated,
    EmployerStated,
    ModerationDecided,
    VacanciesErasureDone,
    VacanciesExported,
)
from hirewire.kit.notices import check_notice
from hirewire.kit.service import Service
from hirewire.kit.stating import stating
from hirewire.messaging.subscriptions import on

SERVICE = Service(
    name="auth",
    routes=[
        *(accounts.router, addresses.router, sessions.router, passkeys.router, two_step.router),
        *(identities.router, security_log.router, recovery.router, verification.router),
        *(keys.router, tokens.router, tokens.internal_router, operators.router, erasures.router),
        *(export_routes.router, consents.router, api_keys.router, api_keys.internal_router),
    ],
    scoped=["/api/auth/me"],
    publishes=[
        *(UserRegistered, UserRoleChanged, UserEmailChanged, UserBlocked, UserStated, UserErased),
        *(AuthStated, SessionEnded, UserEmailVerified, UserLocaleChanged),
        *(SigningKeyPublished, UserExportRequested, UserExportFinished, UserRetentionNotified),
        ApiKeyRevoked,
    ],
    subscriptions=[
        on(EmployerProfileCreated, roles.on_employer_profile_created, name="auth.roles"),
        on(EmployerProfileCreated, api_key_handlers.on_employer, name="auth.companies"),
        on(EmployerStated, api_key_handlers.on_employer, name="auth.stated_companies"),
        on(ModerationDecided, moderation.on_moderation_decided, name="auth.moderation"),
        on(ProfilesErasureDone, erasure_handlers.on_erasure_done, name="auth.erased_profiles"),
        on(VacanciesErasureDone, erasure_handlers.on_erasure_done, name="auth.erased_vacancies"),
        on(
            NotificationsErasureDone,
            erasure_handlers.on_erasure_done,
            name="auth.erased_notifications",
        ),
        on(ProfilesExported, exports.on_profiles_exported, name="auth.exports_profiles"),
        on(VacanciesExported, exports.on_vacancies_exported, name="auth.exports_vacancies"),
        on(
            NotificationsExported,
            exports.on_notifications_exported,
            name="auth.exports_notifications",
        ),
        on(
            ResumesRetentionDue,
            retention.on_resumes_retention_due,
            name="auth.retention_resumes",
        ),
        on(
            ApplicationsRetentionDue,
            retention.on_applications_retention_due,
            name="auth.retention_applications",
        ),
    ],
    background=[
        stating([USERS], lambda to, types: AuthStated(subscriber=to, types=types)),
        key_background.ROTATE_SIGNING_KEYS,
        session_background.FORGET_ENDED_SESSIONS,
        account_background.FORGET_OLD_REGISTRATIONS,
        address_background.FORGET_OLD_CHANGES,
        passkey_background.FORGET_CHALLENGES,
        identity_background.FORGET_OLD_CALLBACKS,
        two_step_background.FORGET_UNFINISHED,
        two_step_background.SEAL_AGAIN,
        log_background.FORGET_OLD_ACTS,
        recovery_background.FORGET_OLD_SECRETS,
        token_background.FORGET_OLD_TOKENS,
        api_key_background.WARN_OF_EXPIRY,
        api_key_background.FORGET_OLD_KEYS,
        recovery_background.SEND_LINKS,
        erasure_background.WATCH_ERASURES,
        export_background.END_EXPORTS,
    ],
    sends_mail=True,
    exports=EXPORTS,
    prepare=[require_secret_key, keep_memory_of_hashes, check_notice],
)
