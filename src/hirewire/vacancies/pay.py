"""What is paid in a unit of time, as pay a month."""

A_MONTH = {"HOUR": 168.0, "DAY": 21.0, "WEEK": 52 / 12, "MONTH": 1.0, "YEAR": 1 / 12}
"""How many of a unit make a month of full-time work."""
