"""The published events, one module per owner."""
