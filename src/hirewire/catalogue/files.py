"""The files of the catalogue, and the changes that may not be written."""

import json
from pathlib import Path
from typing import NotRequired, TypedDict

from pydantic.json_schema import JsonSchemaValue

from hirewire.catalogue.asyncapi import asyncapi
from hirewire.catalogue.compatibility import Break, breaks
from hirewire.catalogue.entries import Entry, entries, schema_of, without
from hirewire.catalogue.page import COMMAND, events_md


class Kept(TypedDict):
    """The content of `docs/schemas` for an event: everything that subscribers depend on."""

    name: str
    version: NotRequired[int]
    """From the second one on."""
    owner: str
    key: str | None
    schema: JsonSchemaValue
    history: NotRequired[list[str]]
    """The reasons for changes that broke readers."""


def kept(entry: Entry) -> Kept:
    """The stored form of this event."""
    made: Kept = {
        "name": entry.name,
        "version": entry.event.schema_version,
        "owner": entry.event.owner,
        "key": entry.event.model_fields[entry.event.key_field].alias,
        "schema": without(schema_of(entry.event), {"description", "default"}),
    }
    if entry.event.schema_version == 1:
        del made["version"]
    return made


def refusals(folder: Path) -> list[str]:
    """The changes against the schemas in `folder` that break readers, and what to do instead."""
    found: list[str] = []
    present = {entry.name: entry for entry in entries()}
    for path in sorted(folder.glob("*.json")):
        before = json.loads(path.read_text(encoding="utf-8"))
        name = before["name"]
        if name not in present:
            found.append(
                f"{name}: the event was removed or renamed. Publish the new one beside it, and "
                "remove the old one when nobody consumes it any more."
            )
            continue
        after = kept(present[name])
        consumers = ", ".join(present[name].subscribers) or "nobody of ours"
        for field in ("owner", "key"):
            if before[field] != after[field]:
                found.append(
                    f"{name}: its {field} was changed from {before[field]} to {after[field]}. "
                    "Order and permissions hang on it: make a new event."
                )
        found += [
            _refusal(name, one, consumers) for one in breaks(before["schema"], after["schema"])
        ]
    return found


def _refusal(name: str, one: Break, consumers: str) -> str:
    return (
        f"{name}: {one.path or 'the payload'} {one.what}. Consumed by {consumers}, and by external "
        f"programs. Add an optional field beside it, or a new event ({name}.v2) next to this one; "
        f'if it must be: {COMMAND} --break "why"'
    )


def documents() -> dict[str, str]:
    """The generated files below ``docs``: relative path and content."""
    return {
        "events.md": events_md(),
        "asyncapi.json": json.dumps(asyncapi(), indent=1, ensure_ascii=False) + "\n",
    }


def stale(docs: Path) -> list[str]:
    """Generated files that are out of date."""
    return [
        name
        for name, text in (documents() | _schemas(docs, None)).items()
        if not (docs / name).exists() or (docs / name).read_text(encoding="utf-8") != text
    ]


def write(docs: Path, reason: str | None = None) -> list[str]:
    """Write all files; with a `reason` also breaking ones. The refusals, if any."""
    found = refusals(docs / "schemas")
    if found and reason is None:
        return found
    texts = documents() | _schemas(docs, reason if found else None)
    gone = {p.name for p in (docs / "schemas").glob("*.json")} - {
        f"{e.name}.json" for e in entries()
    }
    for name in gone if reason is not None else ():
        (docs / "schemas" / name).unlink()
    (docs / "schemas").mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (docs / name).write_text(text, encoding="utf-8")
    return []


def _schemas(docs: Path, reason: str | None) -> dict[str, str]:
    """The kept schemas; those that break carry the reason in their history from now on."""
    found = {}
    for entry in entries():
        name = f"schemas/{entry.name}.json"
        content = kept(entry)
        before = json.loads((docs / name).read_text("utf-8")) if (docs / name).exists() else {}
        history = before.get("history", [])
        if reason is not None and breaks(before.get("schema", {}), content["schema"]) and before:
            history = [*history, reason]
        if history:
            content["history"] = history
        found[name] = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    return found
