"""The page at /: what arrived, newest first, for people to look at and listen to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gong_bridge.sandbox.arrived import Arrived, ArrivedCall
from gong_bridge.sandbox.limits import Limits
from gong_bridge.sandbox.options import SandboxOptions

_FOLDER = Path(__file__).parent / "page"
_CALLS_SHOWN = 200
_CONTENT_TYPES = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "mp4": "audio/mp4",
    "mkv": "audio/webm",
    "flac": "audio/flac",
}
_RANGE = re.compile(r"bytes=(\d+)-(\d*)", re.ASCII)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonShown:
    """One party as the page shows it."""

    name: str
    details: str
    channel: str
    is_host: bool
    is_user: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CallShown:
    """One call as the page shows it; `version` changes when any of it does."""

    id: str
    version: str
    title: str
    direction: str
    day: str
    time: str
    offset: str
    duration: str
    client_unique_id: str
    people: tuple[PersonShown, ...]
    shared_with: tuple[str, ...]
    media: str
    sha256: str
    puts: int
    by_link: bool
    link_trouble: str
    audible: bool


class Page:
    """Everything that a browser asks for. It needs no key: the sandbox holds nothing real."""

    def __init__(self, options: SandboxOptions, arrived: Arrived, limits: Limits) -> None:
        self._users = {str(user["id"]): user for user in options.users}
        self._arrived = arrived
        self._limits = limits
        loader = jinja2.FileSystemLoader(_FOLDER)
        self._templates = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)

    def routes(self) -> list[Route]:
        """GET / and what it needs."""
        return [
            Route("/", self._whole, methods=["GET"]),
            Route("/news", self._news, methods=["GET"]),
            Route("/media/{id}", self._media, methods=["GET"]),
            Route("/page.css", self._style, methods=["GET"]),
            Route("/page.js", self._script, methods=["GET"]),
            Route("/favicon.ico", self._no_icon, methods=["GET"]),
        ]

    async def _whole(self, _request: Request) -> Response:
        return self._render("page.html")

    async def _news(self, request: Request) -> Response:
        if request.query_params.get("since") == self._arrived.revision():
            return Response(status_code=204, headers=_HEADERS)
        return self._render("arrived.html")

    def _render(self, template: str) -> Response:
        revision = self._arrived.revision()
        calls = self._arrived.calls()
        kept = self._arrived.kept_ids()
        delivered = [call.media for call in calls if call.media is not None]
        text = self._templates.get_template(template).render(
            revision=revision,
            calls=[show_call(call, self._users, call.id in kept) for call in reversed(calls[-_CALLS_SHOWN:])],
            calls_total=len(calls),
            media_total=len(delivered),
            bytes_total=show_bytes(sum(media.size_bytes for media in delivered)),
            requests_total=self._limits.total,
            refused_total=self._limits.refused,
            busiest_second=self._limits.busiest_second,
        )
        return HTMLResponse(text, headers=_HEADERS)

    async def _media(self, request: Request) -> Response:
        call = self._arrived.call(request.path_params["id"])
        data = None if call is None else self._arrived.data_of(call.id)
        if call is None or call.media is None or data is None:
            return Response("No media is kept for this call", status_code=404, media_type="text/plain")
        headers = {**_HEADERS, "Accept-Ranges": "bytes"}
        kind = _CONTENT_TYPES[call.media.kind]
        wanted = _RANGE.fullmatch(request.headers.get("range", ""))
        if wanted is None:
            return Response(data, headers=headers, media_type=kind)
        # Safari plays nothing from a server that does not answer ranges.
        start = int(wanted[1])
        end = min(int(wanted[2] or len(data)), len(data) - 1)
        if start > end:
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{len(data)}"})
        headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
        return Response(data[start : end + 1], status_code=206, headers=headers, media_type=kind)

    async def _style(self, _request: Request) -> Response:
        return Response((_FOLDER / "page.css").read_text(encoding="utf-8"), headers=_HEADERS, media_type="text/css")

    async def _script(self, _request: Request) -> Response:
        text = (_FOLDER / "page.js").read_text(encoding="utf-8")
        return Response(text, headers=_HEADERS, media_type="text/javascript")

    async def _no_icon(self, _request: Request) -> Response:
        return Response(status_code=204)


def show_call(call: ArrivedCall, users: Mapping[str, Mapping[str, Any]], audible: bool) -> CallShown:
    """What the page says of one call; pure."""
    body, media = call.body, call.media
    day, _, rest = str(body["actualStart"]).partition("T")
    return CallShown(
        id=call.id,
        version=f"{call.media_puts}{'a' if audible else ''}{'t' if call.link_trouble else ''}s{len(call.shared_with)}",
        title=str(body.get("title", "")),
        direction=str(body["direction"]),
        day=day,
        time=rest[:8],
        offset=re.sub(r"^[\d:.]*\d(?=Z|[+-])", "", rest).replace("Z", "UTC"),
        duration=show_seconds(body["duration"]) if "duration" in body else "",
        client_unique_id=call.client_unique_id,
        people=tuple(show_person(party, body["primaryUser"], users) for party in body["parties"]),
        shared_with=tuple(str(users.get(user_id, {}).get("emailAddress", user_id)) for user_id in call.shared_with),
        media="" if media is None else f"{media.kind.upper()} · {show_bytes(media.size_bytes)}",
        sha256="" if media is None else media.sha256,
        puts=call.media_puts,
        by_link="downloadMediaUrl" in body,
        link_trouble=call.link_trouble or "",
        audible=audible,
    )


def show_person(party: Mapping[str, Any], primary_user: str, users: Mapping[str, Mapping[str, Any]]) -> PersonShown:
    """What the page says of one party; pure."""
    user = users.get(str(party.get("userId", "")), {})
    own_name = " ".join(str(user[name]) for name in ("firstName", "lastName") if user.get(name))
    known = [
        party.get("name") or own_name,
        party.get("phoneNumber"),
        party.get("emailAddress"),
        user.get("emailAddress"),
    ]
    texts = list(dict.fromkeys(str(text) for text in known if text))
    channel = party.get("mediaChannelId")
    return PersonShown(
        name=texts[0] if texts else "somebody unnamed",
        details=" · ".join(texts[1:]),
        channel="" if channel is None else ("left channel", "right channel")[channel],
        is_host=party.get("userId") == primary_user,
        is_user="userId" in party,
    )


def show_bytes(size_bytes: int) -> str:
    """A size for people: 812 B, 1.4 MB."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    size = float(size_bytes)
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if size < 999.95 or unit == "TB":
            break
    return f"{size:.1f} {unit}"


def show_seconds(seconds: float) -> str:
    """A duration for people: 0:42, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
