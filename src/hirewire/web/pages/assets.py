"""The static files: style sheets and scripts joined into one file each, icons into one sprite.

There is no build step: the parts are joined when the first page is rendered.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path

from fastapi import Response
from fastapi.staticfiles import StaticFiles
from markupsafe import Markup
from starlette.datastructures import Headers
from starlette.types import Scope

STATIC = Path(__file__).parent.parent / "static"
ICONS = STATIC / "vendor" / "lucide"
STYLES = (
    "vendor/open-props/*.css",
    *("css/fonts.css", "css/tokens.css", "css/base.css", "css/layout.css"),
    *("css/components/*.css", "css/pages/*.css", "css/print.css", "css/forced.css"),
)
SCRIPTS = ("js/start.js", "js/*.js")
SIGNED_IN_ONLY = {
    *(f"css/components/{name}.css" for name in ("conversation", "scores")),
    *(f"css/pages/{name}.css" for name in ("admin", "application", "board", "candidates")),
    *(f"css/pages/{name}.css" for name in ("checking", "editor", "employer", "home")),
    *(f"css/pages/{name}.css" for name in ("notices", "styleguide", "wishes")),
    *(
        f"js/{name}.js"
        for name in ("answers", "board", "failures", "fresh", "live", "push", "rows", "zones")
    ),
}
"""Parts that pages for visitors do not need: a first visit should be fast on a phone."""
_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)
_ADDRESS = re.compile(r'url\("/static/([^"?]+)"\)')
_DRAWING = re.compile(r"<svg[^>]*>(.*?)</svg>", re.DOTALL)
_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def joined(name: str) -> bytes | None:
    """The content of a joined file; None for any other name.

    The content may contain addresses of other joined files.
    """
    make = JOINED.get(name)
    return make() if make is not None else None


def _parts(patterns: tuple[str, ...], without: Collection[str] = ()) -> str:
    files = [path for pattern in patterns for path in sorted(STATIC.glob(pattern))]
    kept = [path for path in files if path.relative_to(STATIC).as_posix() not in without]
    return "\n".join(path.read_text("utf-8") for path in dict.fromkeys(kept))


def _styles(text: str) -> str:
    return _ADDRESS.sub(lambda found: f'url("{asset(found[1])}")', _COMMENT.sub("", text))


def _sprite() -> str:
    symbols = "".join(_symbol(path) for path in sorted(ICONS.glob("*.svg")))
    return f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>'


def _symbol(path: Path) -> str:
    drawing = _DRAWING.search(path.read_text("utf-8"))
    if drawing is None:
        raise ValueError(f"{path}: not an SVG file")
    lines = "".join(line.strip() for line in drawing[1].splitlines())
    return (
        f'<symbol id="{path.stem}" viewBox="0 0 24 24" stroke="currentColor" '
        f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round">{lines}</symbol>'
    )


JOINED: Mapping[str, Callable[[], bytes]] = {
    "hirewire.css": cache(lambda: _styles(_parts(STYLES)).encode()),
    "hirewire.js": cache(lambda: _parts(SCRIPTS).encode()),
    "visitor.css": cache(lambda: _styles(_parts(STYLES, without=SIGNED_IN_ONLY)).encode()),
    "visitor.js": cache(lambda: _parts(SCRIPTS, without=SIGNED_IN_ONLY).encode()),
    "icons.svg": cache(lambda: _sprite().encode()),
}


@cache
def asset(name: str) -> str:
    """The address of a static file, with a hash of its content, so that it can be cached."""
    content = joined(name) or (STATIC / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


@cache
def icon(name: str, kind: str = "") -> Markup:
    """An icon of the set as a decoration, with the same meaning as the text beside it.

    Raises `FileNotFoundError` for a name that is not in the set.
    """
    if not (ICONS / f"{name}.svg").exists():
        raise FileNotFoundError(f"no icon {name!r} in {ICONS}")
    return Markup('<svg class="icon{}" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        f" {kind}" if kind else "", asset("icons.svg"), name
    )


class Assets(StaticFiles):
    """Static files. Those addressed with their content hash are cached, others are revalidated."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file with a cache lifetime; 304 if the client has it."""
        content = joined(path)
        if content is None:
            response = await super().get_response(path, scope)
        else:
            response = self._joined(path, content, Headers(scope=scope))
        address = f"/static/{path}?{scope['query_string'].decode('latin-1')}"
        is_fixed = address == asset(path)
        kept = "public, max-age=31536000, immutable" if is_fixed else "no-cache"
        response.headers["Cache-Control"] = kept
        return response

    def _joined(self, path: str, content: bytes, headers: Headers) -> Response:
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        media_type = _TYPES[path.rsplit(".", 1)[-1]]
        asked = headers.get("if-none-match", "").replace("W/", "")
        if etag in [one.strip() for one in asked.split(",")]:
            return Response(status_code=304, headers={"ETag": etag})
        return Response(content, media_type=media_type, headers={"ETag": etag})
