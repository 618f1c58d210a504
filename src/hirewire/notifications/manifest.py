"""The manifest of the service `notifications`."""

from hirewire.kit.manifest import Manifest

MANIFEST = Manifest(
    name="notifications",
    port=8005,
    app="hirewire.notifications.app:SERVICE",
    needs=frozenset({"database", "secret_key"}),
    paths=("/api/notifications/",),
)
