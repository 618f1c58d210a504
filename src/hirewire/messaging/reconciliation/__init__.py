"""Reconciliation: the ledger of both sides compared, and the markers that make it exact."""
