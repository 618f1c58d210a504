"""The model: its inputs, and one formula a line. `figures.toml` has the figures, with sources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hirewire.tools.capacity.formulas import Line


@dataclass(frozen=True, slots=True)
class Input:
    """What the reader says of the board or of the machines."""

    name: str
    default: float | str
    """In its unit; a name: as large as that input, times `factor`."""
    unit: str
    what: str
    least: float
    most: float
    way: Literal["load", "relief", "both"] = "load"
    """Whether more of it needs more, or less; both: fewer events, and more that is stored."""
    factor: float = 1.0


INPUTS: Sequence[Input] = (
    Input("users", 50_000, "user", "Accounts", 1, 1e10),
    Input("vacancies", 5_000, "vacancy", "Open vacancies", 1, 1e9),
    Input("resumes", "users", "resume", "Visible resumes", 0, 1e10, factor=0.3),
    Input("visits", 0.1, "visit/user day", "Visits of one user", 0, 100),
    Input("requests", 30, "request/visit", "Requests in one visit", 0, 1e5),
    Input("searches", 0.3, "share", "Share of the requests that search", 0, 1),
    Input("signins", 0.1, "request/visit", "Sign-ins with a password in one visit", 0, 100),
    Input("growth", 0.2, "share/year", "New users, as a share of all", 0, 100),
    Input("edits", 6, "event/resume year", "Changes of one resume", 0, 1e5),
    Input("lifetime", 30, "day", "Time for which a vacancy is open", 0.01, 3650, "both"),
    Input("applications", 0.05, "application/visit", "Applications in one visit", 0, 1000),
    Input("matching", 2.8e-4, "match/resume vacancy", "Share of the pairs that match", 0, 1),
    Input("peak", 4, "times", "Busiest minute, compared with the mean of a day", 1, 1000),
    Input("retention", 30, "day", "HIREWIRE_RETENTION_DAYS", 1, 3650),
    Input("outage", 4, "hour", "Time for which a subscriber or the broker may be away", 0, 720),
    Input("utilisation", 0.6, "share", "Share of a core that may be busy", 0.05, 1, "relief"),
    Input("copies", 3, "times", "Copies of each database, and nodes of the broker", 1, 9),
    Input("spare", 1, "machine", "Machines that may be lost", 0, 1000),
    Input("cores", 16, "core/machine", "Cores of one machine", 1, 1024, "relief"),
    Input("memory", 64, "GiB/machine", "Memory of one machine", 1, 65536, "relief"),
)

LOAD = (
    Line("visit_rate", "users * visits", "visit/day", "visits"),
    Line("request_peak", "visit_rate * requests * peak", "request/s", "requests, at the peak"),
    Line("search_peak", "request_peak * searches", "request/s", "… that search"),
    Line("signin_peak", "visit_rate * signins * peak", "request/s", "sign-ins, at the peak"),
)
EVENTS = (
    Line("user_events", "users * growth * events_per_user", "event/day", "of new users"),
    Line("session_events", "visit_rate * signins * events_per_signin", "event/day", "of sessions"),
    Line("resume_events", "resumes * edits", "event/day", "of resumes"),
    Line(
        *("vacancy_events", "vacancies / lifetime * events_per_vacancy", "event/day"),
        "of vacancies: published, updated, closed",
    ),
    Line(
        *("application_events", "visit_rate * applications * events_per_application", "event/day"),
        "of applications: submitted, two stages, two messages",
    ),
    Line(
        "match_rate",
        "(vacancies / lifetime * resumes + resumes * growth * vacancies) * matching",
        "match/day",
        "new matches: of new vacancies, and of new resumes",
    ),
    Line("match_events", "match_rate * events_per_match", "event/day", "of matches, and their end"),
    Line("notice_events", "application_events * notices_per_event", "event/day", "of notices"),
    Line(
        "vacancies_events",
        "vacancy_events + application_events + match_events",
        "event/day",
        "published by vacancies",
    ),
    Line(
        "event_rate",
        "user_events + session_events + resume_events + vacancies_events + notice_events",
        "event/day",
        "published by all",
    ),
    Line("event_peak", "event_rate * peak", "event/s", "… at the peak"),
    Line(
        "notified",
        "user_events * to_notifications_of_users + (session_events + resume_events "
        "+ vacancies_events) * to_notifications",
        "delivery/day",
        "delivered to notifications, which consumes nearly all",
    ),
    Line(
        "delivery_rate",
        "user_events * deliveries_of_users + session_events * deliveries_of_sessions "
        "+ resume_events * deliveries_of_resumes + vacancy_events * deliveries_of_vacancies "
        "+ application_events * deliveries_of_applications + match_events * deliveries_of_matches",
        "delivery/day",
        "delivered to all",
    ),
    Line("delivery_peak", "delivery_rate * peak", "delivery/s", "… at the peak"),
)
PROCESSES = (
    Line(
        "search_time",
        "search_at_100k * (vacancies / hundred_thousand) ** search_growth",
        "ms core/request",
        "one search with facets",
    ),
    Line(
        "request_cores",
        "request_peak * page_time + search_peak * search_time + signin_peak * signin_time",
        "core",
        "for requests: web and services",
    ),
    Line("pair_rate", "vacancies / lifetime * resumes", "resume vacancy/s", "pairs that meet"),
    Line("matching_cores", "pair_rate * pair_time * peak", "core", "for matching"),
    Line(
        "single_events",
        "(event_rate - match_events) * peak",
        "event/s",
        "recorded one in a transaction, at the peak",
    ),
    Line(
        "messaging_cores",
        "single_events * (writer_time + relay_time) + (delivery_rate - match_events "
        "* deliveries_of_matches) * peak * consumer_time + match_events * peak * batched_time "
        "* (1 - database_share)",
        "core",
        "for messaging: writers, relays, consumers; matches travel in batches",
    ),
    Line(
        "database_cores",
        "single_events * database_time + match_events * peak * batched_time * database_share",
        "core",
        "for PostgreSQL",
    ),
    Line("broker_cores", "delivery_peak * broker_time", "core", "for the broker"),
    Line(
        "answering",
        "ceil(request_cores / utilisation * process_per_core)",
        "process",
        "processes that answer requests, of one core each",
    ),
    Line(
        "partitions",
        "ceil(notified * peak / (consumer_rate * utilisation))",
        "partition",
        "of notifications, and as many workers (HIREWIRE_PARTITIONS)",
    ),
    Line(
        "workers",
        "partitions * process_per_partition + other_services * copies",
        "process",
        "processes that handle events",
    ),
    Line(
        "matcher_memory",
        "base_memory + encoder_memory + vacancies * vacancy_memory + resumes * resume_memory "
        "+ merging * max(vacancies * vacancy_memory, resumes * resume_memory)",
        "GiB",
        "of a worker of vacancies, which holds the matching",
    ),
    Line(
        "process_memory",
        "(answering + workers) * memory_of_process + copies * matcher_memory",
        "GiB",
        "of all processes; matching is held by as many workers as there are copies",
    ),
)
STORAGE = (
    Line("log_bytes", "event_rate * retention * log_row", "GiB", "log of all owners"),
    Line("inbox_bytes", "delivery_rate * retention * inbox_row", "GiB", "inboxes of subscribers"),
    Line("auth_bytes", "users * user_in_auth", "GiB", "auth"),
    Line(
        "profiles_bytes",
        "users * user_in_profiles + resumes * resume_in_profiles",
        "GiB",
        "profiles",
    ),
    Line(
        "vacancies_bytes",
        "vacancies * vacancy_in_vacancies + resumes * resume_in_vacancies "
        "+ match_rate * lifetime * match_in_vacancies",
        "GiB",
        "vacancies",
    ),
    Line(
        "notifications_bytes",
        "users * user_in_notifications + vacancies * vacancy_in_notifications + resumes "
        "* resume_in_notifications + match_rate * lifetime * match_in_notifications "
        "+ notice_events * retention * notice_row",
        "GiB",
        "notifications",
    ),
    Line(
        "database_bytes",
        "(log_bytes + inbox_bytes + auth_bytes + profiles_bytes + vacancies_bytes "
        "+ notifications_bytes) * copies",
        "GiB",
        "PostgreSQL, all copies",
    ),
    Line(
        "broker_bytes",
        "delivery_peak * outage * message_bytes * copies",
        "GiB",
        "what waits at the broker during an outage, all copies",
    ),
    Line(
        "search_bytes",
        "vacancies * vacancy_in_index + resumes * resume_in_index",
        "GiB",
        "search indexes of one replica of vacancies",
    ),
    Line(
        "yearly_bytes",
        "growth * (auth_bytes + profiles_bytes + vacancies_bytes + notifications_bytes) * copies",
        "GiB/year",
        "growth of PostgreSQL, as the board grows",
    ),
    Line("page_traffic", "request_peak * page_bytes", "Gbit/s", "to people, at the peak"),
    Line(
        "event_traffic",
        "(event_peak * one_delivery + delivery_peak) * message_bytes * copies",
        "Gbit/s",
        "between processes, broker and its nodes, at the peak",
    ),
)
MACHINES = (
    Line(
        "service_machines",
        "ceil(max((request_cores + matching_cores + messaging_cores) / (cores * utilisation), "
        "process_memory / memory)) + spare",
        "machine",
        "for the processes",
    ),
    Line(
        "database_machines",
        "ceil(database_cores / (cores * utilisation)) * copies",
        "machine",
        "for PostgreSQL: a primary and its standbys, for as many services as fit on one",
    ),
    Line(
        "broker_machines",
        "max(one_machine * copies, ceil(broker_cores / (cores * utilisation)))",
        "machine",
        "for the broker",
    ),
    Line(
        "machines",
        "service_machines + database_machines + broker_machines",
        "machine",
        "in all",
    ),
)
LIMITS = (
    Line(
        "relay_limit",
        "vacancies_events * peak / relay_rate",
        "share",
        "one relay publishes a service's events: vacancies at the peak, of what it can",
    ),
    Line(
        "router_limit",
        "notified * peak / router_rate",
        "share",
        "one router passes a service's messages on to its partitions, on RabbitMQ: those of "
        "notifications at the peak, of what it can",
    ),
    Line(
        "partition_limit",
        "partitions / most_partitions",
        "share",
        "partitions of notifications, of the most that can be set",
    ),
    Line(
        "database_limit",
        "database_cores / (cores * one_machine * utilisation)",
        "share",
        "PostgreSQL's work, of one primary's cores; each service may have a server of its own",
    ),
    Line(
        "matcher_limit",
        "matcher_memory / (memory * one_machine)",
        "share",
        "matching in one process, of one machine's memory",
    ),
    Line(
        "matcher_core_limit",
        "matching_cores / one_core",
        "share",
        "matching in one process, of one core",
    ),
)
SECTIONS: Sequence[tuple[str, Sequence[Line]]] = (
    ("Load", LOAD),
    ("Events", EVENTS),
    ("Processes", PROCESSES),
    ("Storage and network", STORAGE),
    ("Machines", MACHINES),
    ("Limits: above 1, this version cannot do it so", LIMITS),
)
LINES: Sequence[Line] = tuple(line for _, lines in SECTIONS for line in lines)
BY_NAME: Mapping[str, Line] = {line.name: line for line in LINES}
PARTS = {
    "cores": (
        "request_cores",
        "matching_cores",
        "messaging_cores",
        "database_cores",
        "broker_cores",
    ),
    "storage": (
        *("log_bytes", "inbox_bytes", "auth_bytes", "profiles_bytes", "vacancies_bytes"),
        "notifications_bytes",
    ),
    "events": (
        *("user_events", "session_events", "resume_events", "vacancy_events"),
        *("application_events", "match_events", "notice_events"),
    ),
}
"""What is compared to say what dominates."""
