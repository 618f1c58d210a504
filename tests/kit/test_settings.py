"""Settings: strict, named in every error, secrets never quoted."""

import re
from pathlib import Path

import pytest

from hirewire.assembly import load_settings
from hirewire.kit.settings import OF_THE_EXAMPLE, SettingsError


def test_the_defaults_run_the_embedded_platform() -> None:
    settings = load_settings({})
    assert (settings.database_url, settings.broker_url) == (None, None)
    assert settings.host == "127.0.0.1"


def test_addresses_of_services_and_databases() -> None:
    settings = load_settings(
        {"HIREWIRE_DATABASE_URL": "postgres://u:p%40w@db:5433/board", "HIREWIRE_HOST": "0.0.0.0"}
    )
    assert settings.service_database("auth") == "postgresql://u:p%40w@db:5433/board_auth"
    assert settings.broker_address() == "postgresql://u:p%40w@db:5433/board_broker"
    assert settings.service_url("auth") == "http://127.0.0.1:8001"


def test_every_setting_can_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("amqp://u:p@h/\n")
    assert load_settings({"HIREWIRE_BROKER_URL_FILE": str(path)}).broker_url == "amqp://u:p@h/"


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"HIREWIRE_BROKER_ULR": "x"}, "HIREWIRE_BROKER_ULR .* HIREWIRE_BROKER_URL"),
        ({"HIREWIRE_AUTH_PORT": "secret"}, "HIREWIRE_AUTH_PORT"),
        ({"HIREWIRE_AUTH_PORT": "70000"}, "HIREWIRE_AUTH_PORT"),
        ({"HIREWIRE_DATABASE_URL": "mysql://u:secret@h/"}, "HIREWIRE_DATABASE_URL"),
        ({"HIREWIRE_DATABASE_URL": "secret"}, "HIREWIRE_DATABASE_URL"),
        ({"HIREWIRE_BROKER_URL_FILE": "/not/there"}, "HIREWIRE_BROKER_URL_FILE"),
        ({"HIREWIRE_RABBITMQ_PASSWORDS": "{secret"}, "HIREWIRE_RABBITMQ_PASSWORDS"),
        ({"HIREWIRE_PUBLIC_URL": "secret"}, "HIREWIRE_PUBLIC_URL"),
        ({"HIREWIRE_LOG_LEVEL": "loud"}, "HIREWIRE_LOG_LEVEL"),
        ({"HIREWIRE_TIME_ZONE": "secret"}, "HIREWIRE_TIME_ZONE"),
        ({"HIREWIRE_TIME_ZONE": "../secret"}, "HIREWIRE_TIME_ZONE"),
        ({"HIREWIRE_TIME_ZONE": ""}, "HIREWIRE_TIME_ZONE"),
    ],
)
def test_an_invalid_setting_is_named_and_not_quoted(
    environment: dict[str, str], complaint: str
) -> None:
    with pytest.raises(SettingsError, match=complaint) as caught:
        load_settings(environment)
    assert "secret" not in str(caught.value)


def test_the_secrets_of_the_example_are_refused() -> None:
    """Those of `deploy/example.env`, alone or in an address; a secret of one's own is taken."""
    example = Path(__file__).parents[2] / "deploy" / "example.env"
    secrets = re.findall(r"^\w*(?:PASSWORD|TOKEN|KEY)\w*=(.*)$", example.read_text(), re.MULTILINE)
    assert len(secrets) == 8
    for secret in secrets:
        assert secret.startswith(OF_THE_EXAMPLE)
        for name, value in (
            ("HIREWIRE_SECRET_KEY", secret),
            ("HIREWIRE_DATABASE_URL", f"postgresql://hirewire:{secret}@postgres/hirewire"),
        ):
            with pytest.raises(SettingsError, match=f"{name} still has the value of"):
                load_settings({name: value})


def test_a_setting_given_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("info")
    with pytest.raises(SettingsError, match="HIREWIRE_LOG_LEVEL is given twice"):
        load_settings(
            {"HIREWIRE_LOG_LEVEL": "info", "HIREWIRE_LOG_LEVEL_FILE": str(tmp_path / "x")}
        )


def test_variables_of_tests_are_not_settings() -> None:
    assert load_settings({"HIREWIRE_TEST_REQUIRE": "x"}) == load_settings({})
