"""The manifest of the gateway `web`."""

from hirewire.kit.manifest import Manifest

MANIFEST = Manifest(
    name="web",
    port=8000,
    app="hirewire.web.app:GATEWAY",
    needs=frozenset(),
    is_public=True,
)
