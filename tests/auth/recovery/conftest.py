"""The mails of the service `auth` in these tests."""

from collections.abc import AsyncIterator

import pytest

from tests.auth.conftest import Auth
from tests.auth.postbox import Postbox, sending


@pytest.fixture
async def postbox(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Postbox]:
    async with sending(auth, monkeypatch) as box:
        yield box
