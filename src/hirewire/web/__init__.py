"""The single public origin: passes `/api/...` on, and serves the pages people use."""
