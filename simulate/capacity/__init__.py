"""Capacity and recovery by simulation: batches and outages, at a million events a second.

The histories of `simulate` find errors in the core; these find out how long a failure is felt.
"""
