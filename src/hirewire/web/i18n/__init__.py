"""The languages of the pages: texts, labels, formats."""
