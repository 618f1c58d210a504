"""Companies whose people are blocked."""
