"""The published events, one module per publisher."""
