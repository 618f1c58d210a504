"""Benchmarks: each file prints one table. `./dev bench` runs all of them.

Every contestant runs in its own process (`worker.py` has their names). All get the same messages
from the same quorum queue and write the same tables, in a PostgreSQL with fsync on. Rounds are
interleaved, and every effect is verified. Rates and delays are taken from PostgreSQL's commit
times.
"""
