"""API keys of companies."""
