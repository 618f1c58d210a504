"""Applications, and the notices about their steps."""
