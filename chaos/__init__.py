"""Injects faults into real replicas under load; the audit must be clean afterwards."""
