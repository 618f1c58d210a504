"""The manifest of the service `auth`."""

from hirewire.kit.manifest import Manifest

MANIFEST = Manifest(
    name="auth",
    port=8001,
    app="hirewire.auth.app:SERVICE",
    paths=("/api/auth/", "/.well-known/"),
    needs=frozenset({"database", "secret_key"}),
)
