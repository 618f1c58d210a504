"""The security log: what happened to an account, when, and from where."""
