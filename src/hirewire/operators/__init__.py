"""Operator tools for messaging: audit, repair and causal traces, over the internal API."""
