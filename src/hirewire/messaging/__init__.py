"""Reliable messaging over PostgreSQL and a broker, independent of the job board."""
