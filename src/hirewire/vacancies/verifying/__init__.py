"""Companies that are verified: by mail at their own domain, or by hand."""
