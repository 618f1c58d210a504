"""The public origin: forwards `/api/...` to the services and serves the pages."""
