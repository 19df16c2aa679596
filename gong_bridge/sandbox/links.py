"""Fetches media that a call only links to (downloadMediaUrl), as Gong does after it has answered the POST."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor

import httpx

from gong_bridge.sandbox.answers import Refusal
from gong_bridge.sandbox.arrived import Arrived, ArrivedCall
from gong_bridge.sandbox.options import SandboxOptions
from gong_bridge.sandbox.tally import Tally

_MEDIA_TYPES = ("audio/", "video/", "application/octet-stream", "binary/octet-stream")
_PIECE_BYTES = 2**20


class LinkFetcher:
    """Fetches in the background; what went wrong is kept with the call, since nobody waits for the outcome."""

    def __init__(self, options: SandboxOptions, arrived: Arrived, hasher: Executor) -> None:
        self._options = options
        self._arrived = arrived
        self._hasher = hasher
        self._under_way: set[asyncio.Task[None]] = set()

    def fetch_soon(self, call: ArrivedCall) -> None:
        """Begin to fetch the media of `call`, once."""
        task = asyncio.get_running_loop().create_task(self._fetch(call.id, str(call.body["downloadMediaUrl"])))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _fetch(self, call_id: str, url: str) -> None:
        try:
            async with (
                httpx.AsyncClient(trust_env=False, timeout=30.0) as client,
                client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
            ):
                await self._receive(call_id, answer)
        except Refusal as refusal:
            self._arrived.note_link_trouble(call_id, refusal.errors[0])
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._arrived.note_link_trouble(call_id, f"The link cannot be fetched ({type(error).__name__})")

    async def _receive(self, call_id: str, answer: httpx.Response) -> None:
        content_type = answer.headers.get("content-type", "")
        if answer.status_code != 200:
            raise Refusal(400, f"The link answers {answer.status_code}")
        if not content_type.lower().startswith(_MEDIA_TYPES):
            raise Refusal(400, "The link's content type is none of audio/*, video/*, octet-stream")
        tally = Tally(
            keep_bytes=self._options.keep_media_bytes,
            largest_bytes=self._options.largest_media_bytes,
            hasher=self._hasher,
        )
        async for piece in answer.aiter_raw(_PIECE_BYTES):
            await tally.take((memoryview(piece),))
        media, data = await tally.finish(content_type=content_type, file_name="")
        self._arrived.put_media(call_id, media, data)
