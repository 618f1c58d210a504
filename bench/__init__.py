"""Benchmarks: one file each, one table printed. `./dev bench` runs them all."""
