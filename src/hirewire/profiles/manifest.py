"""The manifest of the service `profiles`."""

from hirewire.kit.manifest import Manifest

MANIFEST = Manifest(
    name="profiles",
    port=8002,
    app="hirewire.profiles.app:SERVICE",
    needs=frozenset({"database", "secret_key"}),
    paths=("/api/profiles/",),
)
