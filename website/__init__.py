"""The documentation as a site: README, docs and the sources they link to."""
