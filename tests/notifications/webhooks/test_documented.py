"""The receivers of docs/webhooks.md, in Python and Node, get what the real sender sends."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from hirewire.launcher.process import free_port
from tests.conftest import missing
from tests.notifications.webhooks.conftest import Hooks
from tests.provider import installed

DOCUMENT = Path(__file__).parents[3] / "docs" / "webhooks.md"
PACKAGES = Path(__file__).parent / "node"


def block(language: str) -> str:
    """The only block of this language."""
    found = re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert len(found) == 1
    return str(found[0])


async def test_the_receiver_in_python(hooks: Hooks) -> None:
    names: dict[str, object] = {}
    exec(block("python"), names)
    receive = cast(Callable[[str, dict[str, str], bytes], int], names["receive"])
    made = await hooks.create()
    await hooks.board.consume(hooks.board.submitted())
    await hooks.work()
    [request] = hooks.receiver.requests
    assert receive(made["secret"], request.headers, request.text.encode()) == 204
    assert receive(made["secret"], request.headers, request.text.encode() + b" ") == 401
    late = request.headers | {"webhook-timestamp": "1700000000"}
    assert receive(made["secret"], late, request.text.encode()) == 401


@asynccontextmanager
async def node(folder: Path, secret: str, port: int) -> AsyncIterator[asyncio.StreamReader]:
    """The receiver in Node; what it prints."""
    process = await asyncio.create_subprocess_exec(
        *("node", "receiver.js"),
        cwd=folder,
        env={"SECRET": secret, "PORT": str(port), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.kill()
        await process.wait()


async def test_the_receiver_in_node(hooks: Hooks, tmp_path: Path) -> None:
    folder = installed(PACKAGES)
    if folder is None:
        missing("node", "no node: apt-get install nodejs npm")
        return
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True, symlinks=True)
    (tmp_path / "receiver.js").write_text(block("js"))
    port = free_port()
    hooks.receiver.url = f"http://127.0.0.1:{port}/hook"
    made = await hooks.create()
    other = await hooks.create(path="/of-another-secret")
    await hooks.call(hooks.board.carla, "POST", f"/{made['id']}/rotate")
    async with node(tmp_path, made["secret"], port) as printed:
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
        await hooks.board.consume(hooks.board.submitted())
        await hooks.work()
        line = (await printed.readline()).decode()
    [good] = await hooks.deliveries(made["id"])
    [bad] = await hooks.deliveries(other["id"])
    assert (good["state"], good["lastStatus"]) == ("delivered", 204), "the former secret signs"
    assert (bad["state"], bad["lastStatus"]) == ("waiting", 401)
    assert line.startswith(f"{good['webhookMessageId']} application.submitted ")
    assert str(hooks.board.application) in line
