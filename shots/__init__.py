"""Screenshots of the main pages, taken from a running platform with the demo content."""
