"""The chassis every service stands on: settings, database, HTTP, tokens, clock, telemetry."""
