"""Benchmarks: one file each, one table printed. `./dev bench` runs them all.

Every contestant is a process of its own (`worker.py` names them), fed with the same messages over
the same quorum queue, writing the same tables of a PostgreSQL with fsync on. Rounds are
interleaved and every effect is verified. Rates and delays are taken from PostgreSQL's commit times.
"""
