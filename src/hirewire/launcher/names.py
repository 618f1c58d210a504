"""The names of the processes, where their code is not needed."""

SERVICES = ("auth", "profiles", "vacancies")
"""The services with a database and events of their own, in the order they are started."""
FRONTS = ("web",)
PROCESSES = (*SERVICES, *FRONTS)
