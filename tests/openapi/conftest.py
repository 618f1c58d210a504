"""The documents, and the fixtures that run one service."""

import gc
from collections.abc import Iterator

import pytest

from tests.profiles.conftest import anna, profiles

__all__ = ["anna", "profiles"]


@pytest.fixture(scope="module", autouse=True)
def _left_alone() -> Iterator[None]:
    """Exclude schemathesis' objects, up to two gigabytes, from later garbage collections.

    Otherwise every full collection of the following tests would scan them.
    """
    yield
    gc.collect()
    gc.freeze()
