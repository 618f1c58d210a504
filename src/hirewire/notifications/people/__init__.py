"""Who is notified, and at which address."""
