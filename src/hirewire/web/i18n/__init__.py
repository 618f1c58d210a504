"""Languages of the pages: texts, labels and formats."""
