"""Settings: strict, named in every error, secrets never quoted."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from hirewire.assembly import load_settings
from hirewire.kit.environment import OF_THE_EXAMPLE
from hirewire.kit.settings import SettingsError


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


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://h",
        "postgresql://h/",
        "postgresql://u:a%2Fb%3Fc%23d%40@h/x",
        "postgresql://u:p@[::1]:5432/x?sslmode=require",
        "postgresql://u:p@a:5432,b:5433/name?sslmode=require",
        "postgresql:///n?host=%2Frun",
        "postgresql:///?host=/run",
        "postgresql://u:пароль@h/имя",
    ],
)
def test_the_address_of_a_services_database_is_that_of_the_server(address: str) -> None:
    settings = load_settings({"HIREWIRE_DATABASE_URL": address})
    server = make_url(settings.database_url or "")
    expected = server.set(database=f"{server.database or 'hirewire'}_auth")
    assert settings.service_database("auth") == expected.render_as_string(hide_password=False)


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
        ({"HIREWIRE_KAFKA_PASSWORDS": "secret"}, "HIREWIRE_KAFKA_PASSWORDS"),
        (
            {"HIREWIRE_BROKER_URL": "kafka://u:secret@h/?retention_days=31"},
            "HIREWIRE_RETENTION_DAYS: 30, but topics keep events for 31 days",
        ),
        ({"HIREWIRE_PUBLIC_URL": "secret"}, "HIREWIRE_PUBLIC_URL"),
        ({"HIREWIRE_LOG_LEVEL": "loud"}, "HIREWIRE_LOG_LEVEL"),
        ({"HIREWIRE_TIME_ZONE": "secret"}, "HIREWIRE_TIME_ZONE"),
        ({"HIREWIRE_TIME_ZONE": "../secret"}, "HIREWIRE_TIME_ZONE"),
        ({"HIREWIRE_TIME_ZONE": ""}, "HIREWIRE_TIME_ZONE"),
        ({"HIREWIRE_SIGN_IN_PROVIDERS": "[secret"}, "HIREWIRE_SIGN_IN_PROVIDERS"),
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
    assert len(secrets) == 9
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


GOOD = {
    "issuer": "https://id.example.org/",
    "client_id": "board",
    "client_secret": "a secret",
    "name": "Example",
}


def providers(**given: object) -> dict[str, str]:
    members = {name: value for name, value in (GOOD | given).items() if value is not None}
    return {"HIREWIRE_SIGN_IN_PROVIDERS": json.dumps({"example": members})}


def test_providers_are_read_with_their_secret_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a secret\n")
    file = str(tmp_path / "secret")
    settings = load_settings(providers(client_secret=None, client_secret_file=file))
    provider = settings.sign_in_providers["example"]
    assert (provider.issuer, provider.client_secret) == ("https://id.example.org/", "a secret")
    assert "a secret" not in f"{settings!r} {provider!r}"
    (tmp_path / "all").write_text(providers()["HIREWIRE_SIGN_IN_PROVIDERS"])
    whole = load_settings({"HIREWIRE_SIGN_IN_PROVIDERS_FILE": str(tmp_path / "all")})
    assert whole.sign_in_providers == settings.sign_in_providers


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"issuer": None}, "example: issuer"),
        ({"issuer": "http://id.example.org"}, "example: issuer: not an https"),
        ({"issuer": "http://192.168.1.1"}, "example: issuer"),
        ({"issuer": "https://u:p@id.example.org"}, "example: issuer"),
        ({"issuer": "https://id.example.org?x=y"}, "example: issuer"),
        ({"issuer": "https://id.example.org:port"}, "example: issuer"),
        ({"issuer": "https://"}, "example: issuer"),
        ({"issuer": 1}, "example: issuer"),
        ({"client_id": ""}, "example: client_id"),
        ({"client_secret": None}, "example: client_secret"),
        ({"client_secret_file": "/etc/hostname"}, "example: client_secret_file"),
        ({"client_secret": None, "client_secret_file": "/not/there"}, "client_secret_file"),
        ({"name": ""}, "example: name"),
        ({"name": "x" * 41}, "example: name"),
        ({"scope": "all"}, "example: scope"),
    ],
)
def test_a_wrong_provider_is_named_and_not_quoted(given: dict[str, object], complaint: str) -> None:
    with pytest.raises(SettingsError, match=f"HIREWIRE_SIGN_IN_PROVIDERS: .*{complaint}") as caught:
        load_settings(providers(**given))
    assert "a secret" not in str(caught.value)


@pytest.mark.parametrize("text", ['{"Über Uns": {}}', '{"": {}}', '{"a": 1}', "[]", '"x"', "1"])
def test_the_setting_of_providers_is_an_object_of_objects(text: str) -> None:
    with pytest.raises(SettingsError, match="HIREWIRE_SIGN_IN_PROVIDERS: "):
        load_settings({"HIREWIRE_SIGN_IN_PROVIDERS": text})


def test_a_provider_on_this_machine_needs_no_encryption() -> None:
    for issuer in ("http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"):
        load_settings(providers(issuer=issuer))
