"""Tests of the feature `recovery`."""
