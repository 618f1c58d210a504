"""Reads the settings from the environment, once and strictly."""

import difflib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hirewire.kit.settings import PREFIX, Settings, SettingsError

OF_THE_EXAMPLE = "change-me"
"""Stands in every secret of `deploy/example.env`."""
NOT_SETTINGS = ("HIREWIRE_TEST_",)
"""Prefixes of variables that only tests read."""


def load_settings(
    environ: Mapping[str, str] | None = None, model: type[Settings] = Settings, **given: Any
) -> Settings:
    """Read the settings from the environment; `given` takes precedence.

    Raises `SettingsError` that names the variable if it is unknown (with the nearest known name),
    malformed or an example's secret, or its ``_FILE`` cannot be read. The message never quotes
    values: they may be secret.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for variable in sorted(v for v in environ if v.upper().startswith(PREFIX)):
        if variable.startswith(NOT_SETTINGS):
            continue
        name, text = _setting(variable, environ, model.model_fields)
        if name in values:
            raise SettingsError(f"{PREFIX}{name.upper()} is given twice, once as a file")
        if OF_THE_EXAMPLE in text:
            raise SettingsError(f"{variable} still has the value of deploy/example.env")
        values[name] = _read(variable, name, text)
    values.update(given)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise SettingsError(
            "; ".join(
                f"{PREFIX}{str(item['loc'][0]).upper()}: "
                + item["msg"].removeprefix("Value error, ")
                for item in error.errors(include_input=False, include_url=False)
            )
        ) from None


def _setting(
    variable: str, environ: Mapping[str, str], known: Mapping[str, object]
) -> tuple[str, str]:
    name = variable[len(PREFIX) :].lower()
    if name in known:
        return name, environ[variable]
    base = name.removesuffix("_file")
    if name != base and base in known:
        try:
            return base, Path(environ[variable]).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{variable}: {type(error).__name__} reading the file") from None
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {PREFIX}{near[0].upper()}?" if near else ""
    raise SettingsError(f"{variable} is not a setting{hint}")


def _read(variable: str, name: str, text: str) -> Any:
    if name in ("rabbitmq_plain_queues", "partitions"):
        pairs = [part.partition("=") for part in text.split(",") if part.strip()]
        return {event.strip(): way.strip() for event, _, way in pairs}
    if name not in ("kafka_passwords", "rabbitmq_passwords", "sign_in_providers"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise SettingsError(f"{variable}: not JSON") from None
