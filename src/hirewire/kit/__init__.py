"""The common base of all services: settings, database, HTTP, tokens, clock and telemetry."""
