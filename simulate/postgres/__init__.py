"""PostgreSQL's semantics in memory, for the statements that the core issues."""
