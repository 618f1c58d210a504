"""How soon a refresh token that is sent twice counts as stolen."""

from datetime import timedelta

DOUBLE_SUBMIT = timedelta(seconds=10)
