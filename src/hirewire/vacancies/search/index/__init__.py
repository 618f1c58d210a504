"""Search indexes (tantivy) derived from the tables, which stay the source of truth."""
