"""The documentation site: README, docs and the sources that they link to."""
