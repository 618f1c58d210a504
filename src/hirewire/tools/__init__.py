"""Programs that use the public API like any other client: demo, sample data, imports."""
