"""What the documents say, and the fixtures of one service to ask."""

from tests.profiles.conftest import anna, profiles

__all__ = ["anna", "profiles"]
