"""Hirewire: a self-hosted job board made of small services that lose no message."""

__version__ = "0.2.0"
