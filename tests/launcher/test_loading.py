"""What a process at rest has not loaded, since it is needed later or never: it takes memory."""

import subprocess
import sys

import pytest

RUN = """
import hirewire.cli.main
from hirewire.launcher.platform import Plan, as_user, run_platform
from hirewire import assembly
settings = assembly.load_settings({}).model_copy(
    update={"database_url": "postgresql://postgres:a%2Fb@127.0.0.1:5/hirewire"}
)
assert settings.broker_address() == "postgresql://postgres:a%2Fb@127.0.0.1:5/hirewire_broker"
"""
SERVICES = """
from hirewire import assembly
for name in assembly.PROCESSES:
    assembly.load(name, "postgres")
"""


@pytest.mark.parametrize(
    ("code", "later"),
    [
        (RUN, {"sqlalchemy", "aiohttp", "fastapi", "pika", "numpy"}),
        (SERVICES, {"typst", "icalendar", "pika", "confluent_kafka"}),
    ],
    ids=["run", "services"],
)
def test_libraries_of_rare_work_are_not_loaded(code: str, later: set[str]) -> None:
    code = f"import sys; sys.argv = ['hirewire', 'run']{code}print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "hirewire" in found
    assert later & set(found) == set()
