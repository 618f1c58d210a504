"""A real OpenID Connect provider: npm's `oidc-provider`, run by node."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.builders import eventually

HERE = Path(__file__).parent
CLIENT, SECRET = "board", "a secret of these tests"
NEEDS = "no node: apt-get install nodejs npm"


def installed(packages: Path = HERE) -> Path | None:
    """A folder with these packages, installed once for each lock file; None without node or npm."""
    if not shutil.which("node") or not shutil.which("npm"):
        return None
    lock = hashlib.sha256((packages / "package-lock.json").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "hirewire-tests" / f"{packages.name}-{lock}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix="new-", dir=folder.parent))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(packages / name, new)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=new, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(new)
            sys.stderr.write(done.stderr[-1000:])
            return None
        try:
            new.rename(folder)
        except OSError:  # another worker was faster
            shutil.rmtree(new)
    return folder


@asynccontextmanager
async def real_provider(port: int, *redirects: str) -> AsyncIterator[str]:
    """The provider on this port; returns its issuer."""
    folder = installed()
    assert folder is not None
    script = folder / "provider.js"  # beside its node_modules
    shutil.copy(HERE / "provider.js", script)
    issuer = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        ["node", str(script), str(port), CLIENT, SECRET, *redirects],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(timeout=5) as client:

            async def answers() -> bool:
                try:
                    found = await client.get(f"{issuer}/.well-known/openid-configuration")
                except httpx.HTTPError:
                    return False
                return found.status_code == 200

            await eventually(answers, within=30, what="the provider answers")
        yield issuer
    finally:
        process.kill()
        process.wait()
