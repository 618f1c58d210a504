"""Tests of the feature `verification`."""
