"""Checks of single values that a type cannot express: each gives the value back or raises ValueError; pure."""

from __future__ import annotations

import difflib
import ipaddress
import re
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones


def check_zone(value: str) -> str:
    """The zone's name back, or a ValueError that names the nearest known zone."""
    try:
        ZoneInfo(value)
    except Exception:
        near = _near_zone(value)
        hint = f"; did you mean {near}?" if near else "; zones are named by a place: America/New_York, Europe/Berlin"
        raise ValueError(f"zone {value!r} is not known{hint}") from None
    return value


def _near_zone(value: str) -> str | None:
    """The zone that was meant: of that city, or spelt nearly so. Never EST or GMT+1: those know no summer time."""
    places = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    city = value.strip().replace(" ", "_").casefold()
    of_city = [zone for zone in places if zone.rpartition("/")[2].casefold() == city]
    near = of_city or difflib.get_close_matches(value, places, n=1, cutoff=0.7)
    return near[0] if near else None


def check_bucket(value: str) -> str:
    """The bucket's name back, or a ValueError that parts an address into bucket and prefix."""
    name, _, prefix = value.removeprefix("s3://").strip("/").partition("/")
    if value != name or not re.fullmatch(r"[A-Za-z0-9._-]{1,255}", name):
        cure = f"write bucket: {name}" + (f" and prefix: {prefix}/" if prefix else "")
        raise ValueError(f"{value!r} is no bucket's name; {cure}")
    return value


def check_layout(value: str) -> str:
    """Dated folders with a slash at their end, or a ValueError with the cure."""
    layout = value.strip("/") + "/"
    names = re.findall(r"\{(.*?)\}", layout)
    cure = "write it like {Y}/{m}/{d}/ or year={Y}/month={m}/day={d}/"
    if not names or names != ["Y", "m", "d", "H"][: len(names)]:
        raise ValueError(f"layout {value!r} needs {{Y}}, {{m}}, {{d}}, {{H}} in this order, the later may miss; {cure}")
    if "*" in layout[layout.index("{") :] or re.search(r"[^/]\*|\*[^/]", layout):
        raise ValueError(f"in layout {value!r} a * stands for one whole folder before the date; {cure}")
    return layout


def check_queue_url(value: str) -> str:
    """The URL of an SQS queue back, or a ValueError with the cure."""
    example = "https://sqs.us-east-1.amazonaws.com/123456789012/recordings"
    cure = f"write the queue's URL, such as {example} (`aws sqs get-queue-url --queue-name NAME` prints it)"
    found = re.fullmatch(r"arn:aws[a-z-]*:sqs:([a-z0-9-]+):(\d+):([\w.-]+)", value)
    if found:
        domain = "amazonaws.com.cn" if found[1].startswith("cn-") else "amazonaws.com"
        raise ValueError(
            f"this is the queue's ARN; write its URL, https://sqs.{found[1]}.{domain}/{found[2]}/{found[3]}"
        )
    try:
        url = urlsplit(value)
        host, _ = url.hostname or "", url.port
    except ValueError:
        raise ValueError(f"this is no URL; {cure}") from None
    if url.scheme not in ("http", "https") or not host or not url.path.strip("/") or re.search(r"\s", value):
        raise ValueError(f"this is no queue's URL; {cure}")
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("keys do not belong in the URL of the queue; name them by profile:")
    return value


def check_expression(value: str) -> str:
    """The regular expression back, or a ValueError that says where it breaks."""
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(
            f"{value!r} is no regular expression ({error}); for three to five digits write '\\d{{3,5}}'"
        ) from None
    return value


def check_base_url(value: str) -> str:
    """The base URL without a slash at its end, or a ValueError with the cure; never shows a password in it."""
    example = "https://us-12345.api.gong.io (Gong's API page shows yours)"
    try:
        url = urlsplit(value.strip())
        host, _ = url.hostname or "", url.port
    except ValueError:
        raise ValueError(f"base_url must look like {example}") from None
    if url.scheme not in ("http", "https") or not host or any(character.isspace() for character in value.strip()):
        raise ValueError(f"base_url must look like {example}")
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("base_url takes no user, password, query or fragment; keys go to access_key")
    if host.endswith("app.gong.io"):
        raise ValueError(f"base_url is the address of Gong's web pages; write that of its API, such as {example}")
    if url.path.rstrip("/").split("/")[-1:] == ["v2"] or "/v2/" in url.path:
        raise ValueError(f"base_url ends before /v2; write it like {example}")
    return value.strip().rstrip("/")


def is_this_machine(base_url: str) -> bool:
    """Whether the URL's host is this machine itself."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
