"""`hirewire run --single`: all services in one process."""

from pathlib import Path

from tests.launcher.test_cli import run_demo_doctor_and_end


async def test_all_services_in_one_process_pass_the_demo_and_end(scratch: Path) -> None:
    await run_demo_doctor_and_end(scratch, "--single", killed="services")
