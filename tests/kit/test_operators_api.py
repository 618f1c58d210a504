"""The operators' API of a service: pause, resume and edit."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from hirewire.contracts.auth import UserRegistered
from hirewire.kit.internal.models import PREFIX
from hirewire.messaging.consuming import inbox
from hirewire.messaging.retry import RetrySchedule
from hirewire.messaging.testing import delivery
from hirewire.profiles.app import SERVICE
from tests.services import Running, running

TOKEN = {"Authorization": "Bearer operators"}


@pytest.fixture
async def profiles(fresh_address: str) -> AsyncIterator[Running]:
    """The service `profiles` with an operators' token."""
    async with running(SERVICE, fresh_address) as found:
        settings = found.app.state.settings
        found.app.state.settings = settings.model_copy(update={"operator_token": "operators"})
        yield found


async def test_a_handler_is_paused_and_resumed(profiles: Running) -> None:
    name = profiles.messaging.consumer.subscriptions[0].name
    body = {"handler": name, "why": "a test", "by": "ada"}

    async def ask(path: str) -> dict[str, object]:
        answer = await profiles.client.post(PREFIX + path, json=body, headers=TOKEN)
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found

    assert await ask("/pause") == {"new": True}
    assert await ask("/pause") == {"new": False}
    listed = await profiles.client.get(PREFIX + "/paused", headers=TOKEN)
    [one] = listed.json()["items"]
    assert (one["subscription"], one["why"], one["by"]) == (name, "a test", "ada")
    assert await ask("/resume") == {"new": True}
    listed = await profiles.client.get(PREFIX + "/paused", headers=TOKEN)
    assert listed.json() == {"items": []}
    wrong = await profiles.client.post(
        PREFIX + "/pause", json={"handler": "nobody's"}, headers=TOKEN
    )
    assert wrong.status_code == 422
    outsider = await profiles.client.post(PREFIX + "/pause", json=body)
    assert outsider.status_code == 403


async def test_a_dead_letter_is_edited(profiles: Running) -> None:
    consumer = profiles.messaging.consumer
    [subscription] = [s for s in consumer.subscriptions if s.event is UserRegistered]
    registered = UserRegistered(id=uuid4(), email="ada@example.org")
    [unit] = consumer.reader.read([delivery(registered)]).invocations

    async with profiles.messaging.transactions() as tx:
        await inbox.open_failed(tx, unit, "broken", delay=None, attempts=RetrySchedule().attempts)
    edit = {
        "event": str(unit.received.id),
        "handler": subscription.name,
        "body": UserRegistered(id=uuid4(), email="bob@example.org").body().decode(),
        "why": "a test",
    }
    refused = await profiles.client.post(PREFIX + "/edit", json=edit, headers=TOKEN)
    assert refused.status_code == 422
    assert "key" in refused.text
    edit["body"] = UserRegistered(id=registered.id, email="bob@example.org").body().decode()
    edited = await profiles.client.post(PREFIX + "/edit", json=edit, headers=TOKEN)
    assert edited.json() == {"edited": 1}
    gone = await profiles.client.post(PREFIX + "/edit", json=edit, headers=TOKEN)
    assert gone.status_code == 404
