"""Mutation testing: small wrong changes of the messaging core, each of which a test must notice."""
