"""Logos: an uploaded image is re-encoded as a small one without metadata."""

import asyncio
import hashlib
import io

from PIL import Image, ImageOps

from hirewire.kit.errors import FieldError, Invalid

MOST_PIXELS = 4096 * 4096
SIDE = 400
"""The largest length of the longer side in pixels."""
KINDS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF"}
MEDIA_TYPE = "image/webp"

_one_at_a_time = asyncio.Semaphore(1)
"""Allows one image at a time: scaling down a large one takes up to 64 MiB of memory."""


async def reencoded(content: bytes) -> bytes:
    """The first frame of an image, upright and at most `SIDE` pixels wide and high, as WebP without
    metadata.

    Raises `Invalid` for anything but PNG, JPEG, WebP and GIF, and for too many pixels.
    """
    async with _one_at_a_time:
        return await asyncio.to_thread(_reencoded, content)


def _reencoded(content: bytes) -> bytes:
    try:
        with Image.open(io.BytesIO(content), formats=tuple(KINDS.values())) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Invalid(errors=[_too_large()])
            image.draft("RGB", (2 * SIDE, 2 * SIDE))
            upright = ImageOps.exif_transpose(image)
            has_alpha = "A" in upright.getbands() or "transparency" in upright.info
            plain = upright.convert("RGBA" if has_alpha else "RGB")
            plain.thumbnail((SIDE, SIDE))
            bare = Image.new(plain.mode, plain.size)
            bare.paste(plain)
    except Invalid:
        raise
    except Exception as error:  # invalid files raise errors of many types
        detail = "must be a PNG, JPEG, WebP or GIF image"
        raise Invalid(errors=[FieldError("", detail, "not_an_image")]) from error
    made = io.BytesIO()
    bare.save(made, "WEBP", quality=90, method=4)
    return made.getvalue()


def _too_large() -> FieldError:
    detail = f"must have at most {MOST_PIXELS:,} pixels"
    return FieldError("", detail, "too_many_pixels", {"max": MOST_PIXELS})


def key_of(image: bytes) -> str:
    """A key that identifies the content of an image."""
    return hashlib.sha256(image).hexdigest()[:16]
