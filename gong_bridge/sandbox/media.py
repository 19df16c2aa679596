"""Takes the body of PUT /v2/calls/{id}/media as it streams in: multipart/form-data with one part, mediaFile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor

from gong_bridge.sandbox.arrived import ArrivedMedia
from gong_bridge.sandbox.multipart_file import OneFile
from gong_bridge.sandbox.tally import Tally

_MEDIA_TYPES = (b"audio/", b"video/", b"application/octet-stream", b"binary/octet-stream")
_HASH_ASIDE_BYTES = 256 * 2**10


async def receive_media(
    headers: Mapping[str, str], body: AsyncIterator[bytes], *, keep_bytes: int, largest_bytes: int, hasher: Executor
) -> tuple[ArrivedMedia, bytes | None]:
    """Read `body` to its end: the media, and its bytes when they are at most `keep_bytes`.

    Raises Refusal (400), or whatever `body` raises when the client goes away.
    """
    form = OneFile(
        headers,
        field="mediaFile",
        types=_MEDIA_TYPES,
        types_told="audio/*, video/* or application/octet-stream",
        largest_bytes=largest_bytes,
    )
    tally = Tally(
        keep_bytes=keep_bytes,
        largest_bytes=largest_bytes,
        hasher=hasher if form.announced_bytes > _HASH_ASIDE_BYTES else None,
    )
    async for chunk in body:
        if chunk:
            await tally.take(form.take(chunk))
    form.check_end()
    return await tally.finish(
        content_type=form.content_type.decode("latin-1"), file_name=form.file_name.decode("utf-8", "replace")
    )
