"""Notifies people of what has happened and concerns them."""
