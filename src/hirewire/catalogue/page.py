"""The page of all events, for people."""

import json

from pydantic.json_schema import JsonSchemaValue

from hirewire.catalogue.entries import Entry, entries, plain, schema_of
from hirewire.catalogue.examples import EXAMPLES, HEADERS
from hirewire.messaging.broker import EXCHANGE, queue_of
from hirewire.messaging.event import Event

COMMAND = "./dev hirewire events catalogue --write"


def events_md() -> str:
    """The page of all events."""
    parts = [_HEAD]
    parts.append("| event | published by | consumed by |\n|---|---|---|\n")
    for entry in entries():
        consumers = ", ".join(entry.subscribers) or "nobody yet"
        anchor = entry.name.replace(".", "")
        parts.append(f"| [`{entry.name}`](#{anchor}) | {entry.event.owner} | {consumers} |\n")
    parts += [_section(entry) for entry in entries()]
    return "".join(parts)


_HEAD = (
    f"""# Events

Written from the code by `{COMMAND}`; `asyncapi.json` beside it says the same
to programs, and `schemas/` keeps what was published: a change that would break a reader is refused.

An event is one AMQP message on the durable topic exchange `{EXCHANGE}`; the routing key is its
name. The body is the plain JSON payload; CloudEvents 1.0 attributes are headers under the prefix
`cloudEvents_`. It is persistent, with the properties `content_type` (application/json),
`message_id`, `type`, `app_id`, `user_id`, `correlation_id` and `timestamp`. What is sent again to
one service alone has the routing key `to.<service>.<event name>`, with the same body and headers.
A reader ignores fields and headers that it does not know; a message from elsewhere needs only a
body that fits: UTF-8, with or without a byte order mark. Attributes and payload in one body, as a
structured CloudEvent (`content_type` application/cloudevents+json), are read as well. Times are
text as in RFC 3339, never numbers, and no text has a NUL in it: else the message is a dead letter
at once.

| header | example | meaning |
|---|---|---|
"""
    + "".join(
        f"| `cloudEvents_{name}` | `{example}` | {text}{'' if always else '; not always there'} |\n"
        for name, (example, always, text) in HEADERS.items()
    )
    + "\n"
)


def _section(entry: Entry) -> str:
    schema = schema_of(entry.event)
    key = entry.event.model_fields[entry.event.key_field].alias
    lines = [
        f"\n## {entry.name}\n",
        f"{plain(entry.event.__doc__ or '')}\n",
        f"Published by `{entry.event.owner}`; order holds for each `{key}`.",
    ]
    if whose := _whose(entry.event):
        lines.append(whose)
    for service, subscriptions in entry.subscribers.items():
        for one in subscriptions:
            how = "in batches" if one.batch_handler else "one at a time"
            behind = "followers wait" if one.behind_failed == "wait" else "followers pass"
            past = ", also the past" if one.history else ""
            lines.append(
                f"Consumed by `{service}` in `{queue_of(service)}`: `{one.name}`, {how}{past}; "
                f"behind a failed one {behind}."
            )
    lines.append("\n| field | type | required | meaning |\n|---|---|---|---|")
    lines += _fields(schema, schema, "")
    example = json.dumps(EXAMPLES[entry.name], indent=2, ensure_ascii=False)
    lines.append(f"\n```json\n{example}\n```\n")
    return "\n".join(lines)


def _whose(event: type[Event]) -> str:
    """Whose data it carries, and what is left of them after an erasure."""
    if not event.subject_field:
        return ""
    of = event.model_fields
    text = f"About the user `{of[event.subject_field].alias}`"
    if event.personal:
        left = [
            f"`{of[name].alias}` " + ("left out" if value is ... else f"`{json.dumps(value)}`")
            for name, value in event.personal.items()
        ]
        text += f"; after their erasure {', '.join(left)}, and `redacted` is `true`"
    return f"{text}."


def _fields(schema: JsonSchemaValue, root: JsonSchemaValue, prefix: str) -> list[str]:
    lines = []
    for name, field in schema.get("properties", {}).items():
        required = "yes" if name in schema.get("required", ()) else ""
        text = field.get("description", "").replace("|", "\\|")
        lines.append(f"| `{prefix}{name}` | {_type(field, root)} | {required} | {text} |")
        inner, list_of = _inner(field, root)
        if inner is not None:
            lines += _fields(inner, root, f"{prefix}{name}{'[]' if list_of else ''}.")
    return lines


def _options(field: JsonSchemaValue) -> list[JsonSchemaValue]:
    return field.get("anyOf") or [field]


def _inner(field: JsonSchemaValue, root: JsonSchemaValue) -> tuple[JsonSchemaValue | None, bool]:
    for option in _options(field):
        many = option.get("type") == "array"
        part = option.get("items", {}) if many else option
        if "$ref" in part:
            return root["$defs"][part["$ref"].rpartition("/")[2]], many
    return None, False


def _type(field: JsonSchemaValue, root: JsonSchemaValue) -> str:
    names = []
    for option in _options(field):
        if "$ref" in option:
            names.append("object")
        elif option.get("type") == "array":
            names.append(f"list of {_type(option.get('items', {}), root)}")
        elif "enum" in option:
            names.append(" / ".join(f"`{value}`" for value in option["enum"]))
        else:
            names.append(option.get("format") or option.get("type") or "any")
    return " or ".join(names)
