"""Search indexes (tantivy) beside the tables: derived from them, never the truth."""
