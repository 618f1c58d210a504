"""What the documents say, and the fixtures of one service to ask."""

import gc
from collections.abc import Iterator

import pytest

from tests.profiles.conftest import anna, profiles

__all__ = ["anna", "profiles"]


@pytest.fixture(scope="module", autouse=True)
def _left_alone() -> Iterator[None]:
    """What schemathesis keeps, up to two gigabytes, would be looked through by every full garbage
    collection of the tests that come after.
    """
    yield
    gc.collect()
    gc.freeze()
