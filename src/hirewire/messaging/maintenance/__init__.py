"""Retention of what is kept, and gauges of what waits."""
