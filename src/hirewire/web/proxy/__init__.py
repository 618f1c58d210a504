"""The reverse proxy in front of the services."""
