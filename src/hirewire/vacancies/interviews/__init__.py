"""Interviews: proposed, chosen, moved and called off."""
