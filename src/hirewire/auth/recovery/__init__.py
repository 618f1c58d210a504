"""New passwords: of people who have forgotten the old one, and of others."""
