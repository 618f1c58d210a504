"""The service `profiles` as the rest of the platform knows it."""

from hirewire.kit.manifest import Manifest

MANIFEST = Manifest(
    name="profiles",
    port=8002,
    app="hirewire.profiles.app:SERVICE",
    paths=("/api/profiles/",),
)
