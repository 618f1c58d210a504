"""Reliable messaging over PostgreSQL and a broker; knows nothing of a job board."""
