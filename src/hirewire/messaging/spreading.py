"""Which partition a key belongs to."""

import hashlib


def partition_of(key: str, count: int) -> int:
    """The partition of a key.

    Jump consistent hash (Lamping, Veach, 2014) moves as few keys as possible when the count grows.
    """
    text = key.encode("utf-8", "surrogatepass")
    state = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())
    bucket, jump = -1, 0
    while jump < count:
        bucket = jump
        state = (state * 2862933555777941757 + 1) & (2**64 - 1)
        jump = int((bucket + 1) * (2**31 / ((state >> 33) + 1)))
    return bucket
