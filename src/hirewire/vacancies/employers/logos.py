"""Logos: an image somebody sends becomes a small one of ours, with nothing else in it."""

import asyncio
import hashlib
import io

from PIL import Image, ImageOps

from hirewire.kit.errors import FieldError, Invalid

MOST_PIXELS = 4096 * 4096
SIDE = 400
"""Pixels of the longer side, at most."""
KINDS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF"}
MEDIA_TYPE = "image/webp"

_one_at_a_time = asyncio.Semaphore(1)
"""An image of many pixels takes 64 MiB while it is made smaller."""


async def reencoded(content: bytes) -> bytes:
    """The first frame of an image, upright, at most `SIDE` pixels wide and high, as WebP without
    any metadata.

    Raises `Invalid` for what is no PNG, JPEG, WebP or GIF, or has too many pixels.
    """
    async with _one_at_a_time:
        return await asyncio.to_thread(_reencoded, content)


def _reencoded(content: bytes) -> bytes:
    try:
        with Image.open(io.BytesIO(content), formats=tuple(KINDS.values())) as image:
            if image.width * image.height > MOST_PIXELS:
                raise _refused(f"must have at most {MOST_PIXELS:,} pixels")
            image.draft("RGB", (2 * SIDE, 2 * SIDE))
            upright = ImageOps.exif_transpose(image)
            has_alpha = "A" in upright.getbands() or "transparency" in upright.info
            plain = upright.convert("RGBA" if has_alpha else "RGB")
            plain.thumbnail((SIDE, SIDE))
            bare = Image.new(plain.mode, plain.size)
            bare.paste(plain)
    except Invalid:
        raise
    except Exception as error:  # a broken file may raise anything
        raise _refused("must be a PNG, JPEG, WebP or GIF image") from error
    made = io.BytesIO()
    bare.save(made, "WEBP", quality=90, method=4)
    return made.getvalue()


def _refused(detail: str) -> Invalid:
    return Invalid(errors=[FieldError("", detail)])


def key_of(image: bytes) -> str:
    """Names this image among all there were."""
    return hashlib.sha256(image).hexdigest()[:16]
