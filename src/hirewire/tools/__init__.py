"""Programs that use the public API as any client does: demo, sample data, imports."""
