"""The manifest of the service `vacancies`."""

from hirewire.kit.manifest import Manifest

MANIFEST = Manifest(
    name="vacancies",
    port=8003,
    app="hirewire.vacancies.app:SERVICE",
    needs=frozenset({"database", "search_dir", "secret_key"}),
    paths=("/api/vacancies/",),
)
