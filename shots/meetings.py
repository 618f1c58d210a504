"""Interviews between the employer and applicants."""

from datetime import timedelta

from hirewire.kit.clock import now
from hirewire.tools.api_client import Account

INTERVIEWS, APPLICATIONS = "/api/vacancies/interviews", "/api/vacancies/applications"
ZONE = "Europe/Moscow"
HOURS = ("10:00", "12:30", "16:00")


async def propose(boss: Account, person: Account, application: str, *, agrees: bool) -> None:
    """Propose three times in a few days; the applicant may agree to one."""
    day = (now() + timedelta(days=3)).date().isoformat()
    body = {
        "slots": [{"local": f"{day}T{hour}"} for hour in HOURS],
        "timeZone": ZONE,
        "minutes": 45,
        "place": "https://meet.example.org/hiring",
    }
    made = await boss.call("POST", f"{APPLICATIONS}/{application}/interviews", body)
    if agrees:
        choice = {"start": made["slots"][1], "version": made["version"]}
        await person.call("POST", f"{INTERVIEWS}/{made['id']}/choose", choice)
