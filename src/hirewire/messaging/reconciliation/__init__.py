"""Reconciliation: compares the ledgers of both sides, using barriers to make it exact."""
