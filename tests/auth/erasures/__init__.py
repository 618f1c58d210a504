"""Tests of the feature `erasures`."""
