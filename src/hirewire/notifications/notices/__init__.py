"""The list of a person's notices: reading it, marking as read, deleting old ones."""
