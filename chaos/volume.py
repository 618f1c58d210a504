"""A file system on a disk that loses unflushed data when the power fails (see `disk`)."""

import os
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from hirewire.launcher.process import spawn

ROOT = Path(__file__).resolve().parents[1]
SIZE = 3 << 30
UNMOUNT_SECONDS = 10.0


class VolumeError(Exception):
    """Mounting failed; the message names the step."""


class Volume:
    """An ext4 file system at `place`, in an image file in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.place = folder / "volume"
        self._disk = folder / "disk"
        self._image = folder / "image"
        self._server: subprocess.Popen[bytes] | None = None
        self._loop = ""

    def start(self) -> None:
        """Create it empty, and mount it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.place.mkdir()
        with self._image.open("wb") as image:
            image.truncate(SIZE)
        run("mkfs.ext4", "-q", "-F", str(self._image))
        self.mount()
        self.place.chmod(0o755)

    def mount(self) -> None:
        """Mount the image; the file system recovers from its journal."""
        self._disk.touch()
        self._server = spawn(
            [sys.executable, "-m", "chaos.disk", str(self._image), str(self._disk)],
            env=dict(os.environ) | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
            output=subprocess.PIPE,
            with_input=True,
            death_signal=signal.SIGKILL,
        )
        if self._answer() != "serving":
            raise VolumeError("the disk did not start")
        self._loop = run("losetup", "-f", "--show", str(self._disk))
        run("mount", "-t", "ext4", self._loop, str(self.place))

    def cut(self, seed: int) -> int:
        """Cut the power; everything that used the volume must be dead.

        Returns the number of blocks that the disk lost, not counting those that were still in the
        kernel.
        """
        assert self._server is not None
        assert self._server.stdin is not None
        self._server.stdin.write(f"cut {seed}\n".encode())
        self._server.stdin.flush()
        lost = int(self._answer().split()[1])
        self.stop()
        return lost

    def sync(self) -> None:
        """Flush everything, so that it survives a power cut."""
        run("sync", "-f", str(self.place))

    def stop(self) -> None:
        """Unmount it, once nothing uses it any more. Raises `VolumeError`."""
        until = time.monotonic() + UNMOUNT_SECONDS
        while os.path.ismount(self.place):
            done = subprocess.run(
                ["umount", str(self.place)], check=False, capture_output=True, text=True
            )
            if done.returncode and time.monotonic() > until:
                raise VolumeError(f"the volume is still in use: {done.stderr.strip()}")
            time.sleep(0.05)
        if self._loop:
            subprocess.run(["losetup", "-d", self._loop], check=False, capture_output=True)
            self._loop = ""
        subprocess.run(["umount", str(self._disk)], check=False, capture_output=True)
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            for pipe in (self._server.stdin, self._server.stdout):
                if pipe is not None:
                    pipe.close()
            self._server = None

    def _answer(self) -> str:
        assert self._server is not None
        assert self._server.stdout is not None
        return self._server.stdout.readline().decode().strip()


@cache
def missing() -> str | None:
    """What this machine lacks for such a disk."""
    if os.geteuid() != 0:
        return "root"
    for program in ("mkfs.ext4", "losetup", "mount"):
        if shutil.which(program) is None:
            return program
    if "ext4" not in Path("/proc/filesystems").read_text():
        return "ext4"
    for device in ("/dev/fuse", "/dev/loop-control"):
        try:
            os.close(os.open(device, os.O_RDWR))
        except OSError as error:
            return f"{device} ({error.strerror})"
    return None


def run(*command: str) -> str:
    """Run a command; returns what it prints. Raises `VolumeError` with its error."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise VolumeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()
