"""A disk that loses unflushed data: `python -m chaos.disk IMAGE MOUNTPOINT`.

It serves one file over FUSE (the kernel's own protocol, no library). A loop device over that file
is a disk with a volatile write cache: writes stay in memory, and a flush writes them to the image.
At a power cut each unflushed block is kept or dropped at random, as on real disks, and later writes
are discarded. Commands on standard input: `cut SEED`.
"""

import ctypes
import errno
import os
import random
import select
import struct
import sys
from collections.abc import Callable

BLOCK = 4096
MOST_WRITE = 1 << 20
GETATTR, SETATTR, OPEN, READ, WRITE, RELEASE, FSYNC, FLUSH, INIT, DESTROY = (
    3,
    4,
    14,
    15,
    16,
    18,
    20,
    25,
    26,
    38,
)
FORGET, BATCH_FORGET, INTERRUPT = 2, 42, 36
HEADER = struct.Struct("<IIQQIIIHH")
MAX_PAGES = 1 << 22
BIG_WRITES = 1 << 5


class Disk:
    """The image, and the unflushed blocks over it."""

    def __init__(self, image: str) -> None:
        self._file = os.open(image, os.O_RDWR)
        self.size = os.fstat(self._file).st_size
        self._volatile: dict[int, bytes] = {}
        self._dead = False

    def read(self, offset: int, length: int) -> bytes:
        """Read through the cache."""
        length = max(0, min(length, self.size - offset))
        data = bytearray(os.pread(self._file, length, offset))
        if self._volatile:
            for block in range(offset // BLOCK, -(-(offset + length) // BLOCK)):
                if (content := self._volatile.get(block)) is not None:
                    start = block * BLOCK - offset
                    low, high = max(start, 0), min(start + BLOCK, length)
                    data[low:high] = content[low - start : high - start]
        return bytes(data)

    def write(self, offset: int, data: bytes) -> None:
        """Write to the cache only."""
        if self._dead:
            return
        first, last = offset // BLOCK, -(-(offset + len(data)) // BLOCK)
        if offset % BLOCK or len(data) % BLOCK:
            whole = bytearray(self.read(first * BLOCK, (last - first) * BLOCK))
            start = offset - first * BLOCK
            whole[start : start + len(data)] = data
            data = bytes(whole)
        for nth, block in enumerate(range(first, last)):
            self._volatile[block] = data[nth * BLOCK : (nth + 1) * BLOCK]

    def flush(self) -> None:
        """Write the whole cache to the image."""
        if not self._dead:
            self._keep(self._volatile)

    def cut(self, seed: int) -> int:
        """Cut the power; returns the number of lost blocks."""
        rng = random.Random(seed)
        kept = {block: data for block, data in self._volatile.items() if rng.random() < 0.5}
        lost = len(self._volatile) - len(kept)
        self._keep(kept)
        self._volatile = {}
        self._dead = True
        return lost

    def _keep(self, blocks: dict[int, bytes]) -> None:
        for block, data in blocks.items():
            os.pwrite(self._file, data, block * BLOCK)
        if blocks is self._volatile:
            self._volatile = {}


class Server:
    """Answers the kernel's requests. The root of the mount is the file itself."""

    def __init__(self, disk: Disk, device: int) -> None:
        self._disk = disk
        self._device = device
        self.ended = False
        self._answers: dict[int, Callable[[bytes], bytes]] = {
            INIT: self._init,
            GETATTR: lambda _: self._attributes(),
            SETATTR: lambda _: self._attributes(),
            OPEN: lambda _: struct.pack("<QII", 0, 0, 0),
            READ: self._read,
            WRITE: self._write,
            FSYNC: self._fsync,
            FLUSH: lambda _: b"",
            RELEASE: lambda _: b"",
        }

    def step(self) -> None:
        """Handle one request."""
        try:
            request = os.read(self._device, MOST_WRITE + 65536)
        except OSError as error:
            if error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT):
                return
            self.ended = True  # unmounted
            return
        _, opcode, unique, *_ = HEADER.unpack_from(request)
        if opcode in (FORGET, BATCH_FORGET, INTERRUPT):
            return
        if opcode == DESTROY:
            self.ended = True
        answer = self._answers.get(opcode)
        if answer is None:
            self._reply(unique, b"", -errno.ENOSYS)
        else:
            self._reply(unique, answer(request[HEADER.size :]))

    def _reply(self, unique: int, body: bytes, error: int = 0) -> None:
        try:
            os.write(self._device, struct.pack("<IiQ", 16 + len(body), error, unique) + body)
        except OSError as problem:
            if problem.errno != errno.ENOENT:  # the requester has gone
                self.ended = True

    def _init(self, body: bytes) -> bytes:
        _, _, readahead, flags = struct.unpack_from("<IIII", body)
        return struct.pack(
            "<IIIIHHIIHHI7I",
            7, 31, readahead, flags & (BIG_WRITES | MAX_PAGES), 16, 12, MOST_WRITE, 1,
            MOST_WRITE // BLOCK, 0, 0, *[0] * 7,
        )  # fmt: skip

    def _attributes(self) -> bytes:
        attributes = struct.pack(
            "<QQQQQQIIIIIIIIII",
            1, self._disk.size, self._disk.size // 512, 0, 0, 0, 0, 0, 0,
            0o100600, 1, 0, 0, 0, BLOCK, 0,
        )  # fmt: skip
        return struct.pack("<QII", 3600, 0, 0) + attributes

    def _read(self, body: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        return self._disk.read(offset, size)

    def _write(self, body: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        self._disk.write(offset, body[40 : 40 + size])
        return struct.pack("<II", size, 0)

    def _fsync(self, _: bytes) -> bytes:
        self._disk.flush()
        return b""


def mount(device: int, place: str) -> None:
    """Mount: the kernel sends its requests for the file `place` to this process. Needs root."""
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=100000,user_id=0,group_id=0,allow_other"
    if libc.mount(b"chaos", place.encode(), b"fuse", 0, options.encode()):
        raise OSError(ctypes.get_errno(), f"mount {place}")


def main() -> None:
    """Serve until unmounted."""
    image, place = sys.argv[1:3]
    device = os.open("/dev/fuse", os.O_RDWR)
    mount(device, place)
    disk = Disk(image)
    server = Server(disk, device)
    print("serving", flush=True)
    while not server.ended:
        ready, _, _ = select.select([device, 0], [], [])
        if 0 in ready:
            command = sys.stdin.readline().split()
            if not command:
                return
            print("lost", disk.cut(int(command[1])), flush=True)
        if device in ready:
            server.step()


if __name__ == "__main__":
    main()
