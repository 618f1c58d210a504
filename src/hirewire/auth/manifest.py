"""The service `auth` as the rest of the platform knows it."""

from hirewire.kit.manifest import Manifest

MANIFEST = Manifest(
    name="auth",
    port=8001,
    app="hirewire.auth.app:SERVICE",
    paths=("/api/auth/", "/.well-known/"),
)
