"""The texts that pages show for problems, by code: those of the services and those of the pages."""

from dataclasses import dataclass

from hirewire.web.i18n.labels import N_


@dataclass(frozen=True, slots=True)
class Plural:
    """A text with a number, in the singular and the plural."""

    one: str
    many: str
    count: str
    """The param with the number."""


REQUIRED = N_("This field is required")
FORMAT = N_("Invalid format")
NUMBER = N_("Must be a number")
OPTION = N_("Choose one of the options")
LARGE = N_("Too large")
LINK = N_("Must be a link that starts with https://")
CHARACTER = N_("Contains an unsupported character")
CURRENCY = N_("Must be a currency code, such as RUB or EUR")
DAY = N_("Must be a date: YYYY-MM-DD")
IMAGE = N_("This file is not a supported image.")
GONE = N_("This no longer exists, or you do not have access to it.")
NOT_NOW = N_("This action is not available now.")
LIMIT = N_("You have reached the limit.")
LATER = N_("This is not available right now. Please try again in a moment.")
NO_PUSH = N_("Notifications could not be turned on in this browser. Please try again.")
SIGN_IN = N_("Please sign in.")
LONGEST = Plural(
    "Must have at most %(max_length)s character",
    "Must have at most %(max_length)s characters",
    "max_length",
)

TEXTS: dict[str, str | Plural] = {
    # Errors of pydantic: https://docs.pydantic.dev/latest/errors/validation_errors/
    "missing": REQUIRED,
    "string_type": REQUIRED,  # null for an empty field
    "string_too_short": Plural(
        "Must have at least %(min_length)s character",
        "Must have at least %(min_length)s characters",
        "min_length",
    ),
    **dict.fromkeys(("string_too_long", "url_too_long"), LONGEST),
    "too_short": Plural(
        "Must have at least %(min_length)s item",
        "Must have at least %(min_length)s items",
        "min_length",
    ),
    "too_long": Plural(
        "Must have at most %(max_length)s item",
        "Must have at most %(max_length)s items",
        "max_length",
    ),
    "greater_than_equal": N_("Must be %(ge)s or more"),
    "less_than_equal": N_("Must be %(le)s or less"),
    "literal_error": OPTION,
    "enum": OPTION,
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), N_("Must be a whole number")),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number", "not_a_number"), NUMBER),
    "int_parsing_size": LARGE,
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), DAY),
    **dict.fromkeys(("date_from_datetime_inexact", "datetime_parsing", "not_a_date"), DAY),
    "day_format": DAY,
    **dict.fromkeys(("url_type", "url_parsing", "url_scheme", "link_invalid"), LINK),
    **dict.fromkeys(("string_pattern_mismatch", "extra_forbidden", "json_invalid"), FORMAT),
    **dict.fromkeys(("list_type", "dict_type", "model_type", "model_attributes_type"), FORMAT),
    **dict.fromkeys(("bool_type", "bool_parsing", "not_a_boolean"), FORMAT),
    **dict.fromkeys(("uuid_type", "uuid_parsing", "wrong_type"), FORMAT),
    "string_unicode": CHARACTER,
    # Problems of fields.
    "unsupported_character": CHARACTER,
    **dict.fromkeys(("too_many_members", "too_many_values", "too_deep"), LARGE),
    **dict.fromkeys(("too_many_tags", "html_too_long", "too_many_pixels"), LARGE),
    "no_text": N_("Add some text"),
    "listed_twice": N_("%(name)s is listed twice"),
    "email_invalid": N_("Enter a valid email address"),
    "password_is_email": N_("Must not be your email address"),
    "password_too_common": N_("This password is too common. Choose another one."),
    "phone_format": N_("Must have 5 to 20 digits"),
    "in_the_past": N_("Must not be in the past"),
    "date_format": N_("Must be YYYY, YYYY-MM or YYYY-MM-DD"),
    "no_such_date": N_("No such date"),
    "year_out_of_range": N_("Must be between %(min)s and %(max)s"),
    "end_before_start": N_("The end date must not be before the start date"),
    "unknown_currency": CURRENCY,
    "currency_required": CURRENCY,
    "salary_empty": N_("Enter at least one of the two amounts"),
    "salary_range": N_("The upper amount must not be less than the lower one"),
    "required_to_publish": N_("Required to publish"),
    "letter_required": N_("Required for this job"),
    "resume_lacks": N_("Add to the resume: %(field)s"),
    # Problems of files.
    "not_json_file": N_("This is not a JSON file."),
    "not_a_resume": N_("The file has no name, experience or education"),
    "bad_document": N_("This file could not be imported."),
    "not_pdf_or_docx": N_(
        "This is neither a PDF nor a Word document (DOCX)."
        " Save it in one of these formats and try again."
    ),
    "file_without_text": N_("This is a scan: it holds pictures of text, which cannot be read."),
    "file_encrypted": N_(
        "This file is protected with a password. Save a copy without it and try again."
    ),
    "too_many_pages": N_("This file has more than 30 pages."),
    "file_unpacks_too_large": N_("This file unpacks to more than can be read."),
    "file_too_complex": N_("This file took too long to read."),
    "file_damaged": N_("This file is damaged and cannot be read."),
    "file_too_large": N_("The file is larger than 5 MB."),
    "bad_file": N_("This file could not be read."),
    "busy_reading": N_("A file is being read already. Please try again in a moment."),
    "only_first": Plural(
        "Only the first %(max)s was imported", "Only the first %(max)s were imported", "max"
    ),
    "cut": Plural(
        "Shortened to %(max_length)s character",
        "Shortened to %(max_length)s characters",
        "max_length",
    ),
    "read_as": N_("Changed to %(value)s"),
    "unknown_level": N_("Unknown level"),
    "no_quiet_hours": N_("The end must differ from the start"),
    "kind_twice": FORMAT,
    "unsubscribe_link_invalid": N_("This link is not valid. Look at your notification settings."),
    "dates_left_out": N_("The end date is before the start date, so neither was imported"),
    "not_an_image": IMAGE,
    "logo_too_large": N_("The file is larger than 1 MB."),
    "too_large": LARGE,
    # Problems of a whole request.
    "invalid": N_("Please check the highlighted fields."),
    "incomplete": N_("Please fill in the required fields."),
    **dict.fromkeys(("unauthenticated", "invalid_token"), SIGN_IN),
    "invalid_link": N_(
        "This link does not work any more: it was used already, or has expired. Get a new one."
    ),
    "invalid_code": N_("This code is wrong or has expired. Check it, or get a new one."),
    "email_not_verified": N_("Confirm your email address first."),
    "token_or_code": REQUIRED,
    "no_password": N_("Your account has no password yet. Set one with a link by email."),
    "wrong_password": N_("This is not your current password."),
    "wrong_credentials": N_("Wrong email or password."),
    "no_passkeys_here": N_("Passkeys do not work at this address."),
    "passkey_too_late": N_("This took too long. Please try again."),
    "passkey_not_accepted": N_("This passkey could not be added. Please try again."),
    "passkey_known": N_("This passkey has been added already."),
    "passkey_refused": N_("This passkey could not be checked. Try again, or use your password."),
    "passkey_unknown": N_(
        "This passkey is not known here. It may have been removed: sign in with your password."
    ),
    "passkey_copied": N_(
        "This passkey may have been copied, so it was refused."
        " Sign in with your password and replace it."
    ),
    "two_step_already_on": N_("Two-step sign-in is on already."),
    "two_step_not_begun": N_("This took too long. Please start again."),
    "two_step_not_on": N_("Two-step sign-in is off."),
    "login_expired": N_(
        "This took too long, or there were too many wrong codes. Enter your password again."
    ),
    "wrong_code": N_("This code is wrong or was used already."),
    "too_many_codes": N_("Too many wrong codes. Use a recovery code."),
    "too_many_passkeys": LIMIT,
    "account_blocked": N_("This account is blocked. We have sent you a mail with the reason."),
    "email_taken": N_("This email is already registered."),
    "provider_away": N_(
        "The service is not reachable right now. Try again in a moment, or sign in in another way."
    ),
    "provider_not_trusted": N_(
        "The answer of the service could not be trusted, so nothing was changed."
        " If this happens again, contact us."
    ),
    "sign_in_refused": N_("The service does not accept this sign-in any more. Start again."),
    "sign_in_expired": N_(
        "This sign-in has expired, or was started in another browser. Start again."
    ),
    "sign_in_cancelled": N_("The service did not sign you in, or you cancelled it."),
    "no_email_at_provider": N_(
        "The service did not share your email address, which an account here needs."
    ),
    "email_unverified_at_provider": N_(
        "The service has not confirmed your email address. Confirm it there and try again,"
        " or sign in with your password and connect the service under “Account and security”."
    ),
    "connect_first": N_(
        "There is an account with your email address, and it is not connected to this service."
        " Sign in to it, then connect the service under “Account and security”."
    ),
    "identity_taken": N_("This is already connected to another account here."),
    "already_connected": N_(
        "Your account is connected to another account there. Disconnect it first."
    ),
    "last_way_in": N_("This is your only way to sign in. Set a password first."),
    "sign_in_away": N_("Sign-in is temporarily unavailable. Please try again in a moment."),
    "too_many_registrations": N_("Too many accounts were created from your network."),
    "consent_required": N_("Agree to the processing of your data to create an account."),
    "consent_outdated": N_("The privacy notice has changed. Read it and agree again."),
    "too_many_exports": N_("You have exported your data several times today."),
    "too_many_address_changes": N_("Too many mails were sent to change an address."),
    "email_tried_lately": N_("Mails to your address were tried again less than a day ago."),
    "same_address": N_("This is your address already."),
    "too_many_failures": N_("Too many failed attempts."),
    "too_many_invitations": N_("Your company has reached the daily limit for invitations."),
    "too_many_rows": N_("Your company has reached the hourly limit for imported jobs."),
    "too_many_messages": N_("You have reached the daily limit for messages."),
    **dict.fromkeys(("too_many_items", "too_many_saved", "too_many_searches"), LIMIT),
    **dict.fromkeys(
        ("push_endpoint_refused", "push_keys_invalid", "push_endpoint_taken", "push_key_outdated"),
        NO_PUSH,
    ),
    "session_over": SIGN_IN,
    "too_many_tokens": N_("You have reached the limit of access tokens. Revoke one first."),
    "too_many_keys": N_("Your company has reached the limit of API keys. Revoke one first."),
    "api_key_not_found": GONE,
    "no_company": N_("You do not act for a company yet. If you have just created it, try again."),
    **dict.fromkeys(
        (
            "not_found",
            "resume_not_found",
            "item_not_found",
            "link_not_found",
            "notice_not_found",
            "push_device_not_found",
        ),
        GONE,
    ),
    "push_device_not_found": GONE,
    **dict.fromkeys(("vacancy_not_found", "company_not_found", "search_not_found"), GONE),
    **dict.fromkeys(
        ("application_not_found", "recommendation_not_found", "receipt_not_found"), GONE
    ),
    **dict.fromkeys(("resume_not_open", "no_logo"), GONE),
    **dict.fromkeys(("webhook_not_found", "webhook_delivery_not_found"), GONE),
    "too_many_webhooks": N_("You have reached the limit of webhooks. Delete one first."),
    "too_many_pings": N_("This webhook was tested many times in the last hour."),
    "url_invalid": N_("Enter a valid URL"),
    "url_not_https": N_("Must begin with https://"),
    "url_with_password": N_("Must not contain a user name or a password"),
    "port_refused": N_("This port cannot be used"),
    "address_refused": N_("This is not a public address"),
    "event_not_offered": N_("Choose events from the list"),
    **dict.fromkeys(("move_not_allowed", "other_side"), NOT_NOW),
    **dict.fromkeys(("interview_not_found", "interview_not_agreed", "calendar_not_found"), GONE),
    "too_many_reads": N_("This calendar was read too often."),
    "act_not_allowed": NOT_NOW,
    "interview_changed": N_("The interview has changed in the meantime. Look at it again."),
    "interview_not_possible": N_(
        "An interview needs an open application, and a candidate who has shared their contacts."
    ),
    "interview_ahead": N_("There is an interview ahead already. Move it, or call it off."),
    "too_many_interviews": N_("There were too many interviews or changes. Write a message."),
    "unknown_time_zone": N_("Choose a time zone from the list"),
    "no_such_time": N_("No such day or time"),
    "time_skipped": N_("Clocks are put forward then and skip this time. Choose another one"),
    "time_twice": N_("Clocks are put back then and show this time twice. Say which one"),
    "too_far_ahead": N_("Must be within a year"),
    "not_proposed": N_("Choose one of the proposed times"),
    "resume_is_draft": N_("This resume is a draft. Publish it first."),
    "already_applied": N_("You have already applied with this resume."),
    "no_own_domain": N_("First enter your company's own website, without a page after its domain."),
    "too_many_company_codes": N_("Too many codes were sent."),
    "wrong_company_code": N_("This code is wrong or has expired. Check it, or get a new one."),
    "free_mail": N_("Everybody gets an address there. Use one at your company's domain."),
    "other_domain": N_("Must be an address at %(domain)s, the domain of your website"),
    "not_changed": NOT_NOW,
    "too_many_reports": N_("Too many reports were sent from here."),
    "decision_not_possible": N_(
        "This decision is not possible now. Somebody may have decided already."
    ),
    "answered_already": N_("This decision cannot be answered any more."),
    **dict.fromkeys(("target_not_found", "decision_not_found", "nothing_reported"), GONE),
    "reason_of_takedown": N_("Choose a reason to take it down."),
    "held": N_("This job is not shown on the site, so it cannot be published or duplicated."),
    "taken_down_before": N_(
        "A job with this text was taken down, so it cannot be published again."
    ),
    "not_shown": N_("This is no longer shown on the site."),
    "vacancy_not_open": N_("This job is not accepting applications."),
    "own_vacancy": N_("You cannot apply to a job at your own company."),
    "not_an_operator": N_("Only operators of this board can do this."),
    "operator_second_factor": N_("Sign in with a passkey or a code from your app to do this."),
    "own_account": N_("You cannot do this to your own account."),
    "already_blocked": N_("This person is blocked already."),
    "not_blocked": N_("This person is not blocked."),
    "already_verified": N_("This address is verified already."),
    "person_not_verified": N_("Only a person with a verified address can become an operator."),
    "already_admin": N_("This person is an operator already."),
    "not_admin": N_("This person is not an operator."),
    "last_admin": N_("This is the last operator: only the server's command line can remove them."),
    "not_an_employer": N_("Only employers can do this."),
    "employer_profile_exists": N_("You already have a company profile."),
    "no_employer_profile": N_("You do not have a company profile yet."),
    "no_profile_yet": N_("We are setting up your profile. It will appear here in a moment."),
    "bad_cursor": N_("This page of the list is out of date. Start from the first one."),
    "search_not_ready": N_("Search is starting. Please try again in a moment."),
    "search_unavailable": N_("Search is temporarily unavailable. Please try again in a moment."),
    **dict.fromkeys(("unavailable", "no_signing_key_yet", "database_away"), LATER),
    "company_search_away": N_(
        "Company search is temporarily unavailable. Your changes have not been saved."
    ),
    "no_such_company": N_("No company with this name is hiring here. Choose one from the list."),
}
"""The texts of all codes that a page may show: a test compares them with the sources."""
NARROWER = {
    ("string_too_short", "min_length", 1): REQUIRED,
    ("too_short", "min_length", 1): N_("Choose at least one"),
    ("resume_lacks", "field", "title"): N_("Add a desired position to the resume"),
    ("resume_lacks", "field", "skills"): N_("Add skills to the resume"),
    ("string_pattern_mismatch", "pattern", "^[A-Z]{3}$"): CURRENCY,
}
"""More precise texts, for a code with this value of a param."""
NOT_ACCEPTED = N_("This value is not accepted.")
NOT_DONE = N_("This could not be done.")
"""The texts for a code unknown to this version: of a field, and of a whole request."""
