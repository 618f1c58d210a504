"""The AsyncAPI 3.0.0 document (asyncapi.com), with its AMQP bindings 0.3.0."""

from typing import Any

from pydantic import JsonValue
from pydantic.json_schema import JsonSchemaValue

from hirewire import __version__
from hirewire.catalogue.entries import Entry, entries, plain, schema_of
from hirewire.catalogue.examples import EXAMPLES, HEADERS
from hirewire.messaging.broker import EXCHANGE, queue_of


def asyncapi() -> dict[str, JsonValue]:
    """The AsyncAPI 3.0.0 document."""
    channels: dict[str, JsonValue] = {}
    operations: dict[str, JsonValue] = {}
    messages: dict[str, JsonValue] = {}
    schemas: dict[str, JsonValue] = {}
    for entry in entries():
        name = entry.name
        channels[name] = _channel(name)
        operations |= _operations(entry)
        messages[name] = _message(entry)
        schemas[name] = _inlined(schema_of(entry.event))
    schemas["headers"] = _header_schema()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hirewire events",
            "version": __version__,
            "description": "The events that the services of Hirewire exchange, over RabbitMQ.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "rabbitmq": {
                "host": "localhost:5672",
                "protocol": "amqp",
                "protocolVersion": "0.9.1",
                "description": "As set by HIREWIRE_BROKER_URL",
            }
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def _channel(name: str) -> JsonValue:
    return {
        "address": name,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": EXCHANGE, "type": "topic", "durable": True},
                "bindingVersion": "0.3.0",
            }
        },
    }


def _operations(entry: Entry) -> dict[str, JsonValue]:
    """That its owner sends the event, and that each subscriber receives it."""
    name, owner = entry.name, entry.event.owner
    channel: JsonValue = {"$ref": f"#/channels/{name}"}
    made: dict[str, JsonValue] = {
        f"{owner}.send.{name}": {
            "action": "send",
            "channel": channel,
            "summary": f"{owner} publishes {name}",
            "bindings": {"amqp": {"mandatory": True, "deliveryMode": 2, "bindingVersion": "0.3.0"}},
        }
    }
    for service, subscriptions in entry.subscribers.items():
        made[f"{service}.receive.{name}"] = {
            "action": "receive",
            "channel": channel,
            "summary": f"{service} consumes {name} from its queue {queue_of(service)}",
            "description": "Handlers: " + ", ".join(s.name for s in subscriptions),
            "bindings": {"amqp": {"ack": True, "bindingVersion": "0.3.0"}},
        }
    return made


def _message(entry: Entry) -> JsonValue:
    name = entry.name
    return {
        "name": name,
        "title": name,
        "summary": plain(entry.event.__doc__ or ""),
        "contentType": "application/json",
        "correlationId": {"location": "$message.header#/cloudEvents_correlationid"},
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {"amqp": {"messageType": name, "bindingVersion": "0.3.0"}},
        "examples": [{"name": name.replace(".", "-"), "payload": EXAMPLES[name]}],
    }


def _header_schema() -> JsonSchemaValue:
    return {
        "type": "object",
        "properties": {
            f"cloudEvents_{name}": {"type": "string", "description": text, "examples": [example]}
            for name, (example, _, text) in HEADERS.items()
        },
        "required": [f"cloudEvents_{name}" for name, (_, always, _) in HEADERS.items() if always],
    }


def _inlined(schema: JsonSchemaValue) -> JsonSchemaValue:
    """A schema that needs no ``$defs`` outside itself."""
    definitions = schema.get("$defs", {})

    def inline(value: Any) -> Any:
        if isinstance(value, list):
            return [inline(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            target = definitions[value["$ref"].rpartition("/")[2]]
            return inline({**target, **{k: v for k, v in value.items() if k != "$ref"}})
        return {key: inline(part) for key, part in value.items() if key != "$defs"}

    found: JsonSchemaValue = inline(schema)
    return found
