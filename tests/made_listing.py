"""A store that only lists (ListObjectsV2), fast: keys in memory, answers as Amazon's; what it was asked is kept."""

from __future__ import annotations

import bisect
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs, quote_plus, urlsplit
from xml.sax.saxutils import escape

_PAGE = 1000


def many_keys(count: int, form: str) -> list[str]:
    """So many keys, spread evenly over the days of a year of 336 days; `form` may name month, day and number."""
    days = [(month, day) for month in range(1, 13) for day in range(1, 29)]
    spread = (days[number * len(days) // count] for number in range(count))
    return sorted(form.format(month=month, day=day, number=number) for number, (month, day) in enumerate(spread))


class Asked(list[str]):
    """The paths that were asked for; keys may come and go meanwhile."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__()
        self.keys = list(keys)
        self.pages: dict[str, bytes] = {}
        self.lock = threading.Lock()

    def remove_key(self, key: str) -> None:
        """The object is deleted."""
        with self.lock:
            self.keys.remove(key)
            self.pages.clear()

    def add_key(self, key: str) -> None:
        """An object is put."""
        with self.lock:
            bisect.insort(self.keys, key)
            self.pages.clear()

    def answer(self, path: str) -> bytes:
        """The page that a path asks for."""
        with self.lock:
            self.append(path)
            if path not in self.pages:
                self.pages[path] = self._page(path)
            return self.pages[path]

    def _page(self, path: str) -> bytes:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
        after = asked.get("continuation-token") or asked.get("start-after", "")
        most = int(asked.get("max-keys", _PAGE))
        at = max(bisect.bisect_left(self.keys, prefix), bisect.bisect_right(self.keys, after))
        contents: list[str] = []
        folders: list[str] = []
        last = ""
        while at < len(self.keys) and self.keys[at].startswith(prefix) and len(contents) + len(folders) < most:
            last = self.keys[at]
            name, slash, _ = last[len(prefix) :].partition(delimiter) if delimiter else (last, "", "")
            if slash:
                folders.append(prefix + name + slash)
                at = bisect.bisect_left(self.keys, folders[-1] + "\U0010ffff", at)
                last = self.keys[at - 1]
            else:
                contents.append(_object(last))
                at += 1
        more = at < len(self.keys) and self.keys[at].startswith(prefix)
        token = f"<NextContinuationToken>{escape(last)}</NextContinuationToken>" if more else ""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>recordings</Name><Prefix>{quote_plus(prefix, '/')}</Prefix><MaxKeys>{most}</MaxKeys>"
            f"<EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>{token}{''.join(contents)}"
            + "".join(f"<CommonPrefixes><Prefix>{quote_plus(one, '/')}</Prefix></CommonPrefixes>" for one in folders)
            + "</ListBucketResult>"
        ).encode()


def _object(key: str) -> str:
    return (
        f"<Contents><Key>{quote_plus(key, '/')}</Key><LastModified>2026-11-05T10:00:00.000Z</LastModified>"
        f"<ETag>&quot;{hash(key) & (2**128 - 1):032x}&quot;</ETag><Size>{1000 + len(key)}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


@contextmanager
def served(keys: Sequence[str]) -> Iterator[tuple[str, Asked]]:
    """The store's URL, and what it was asked."""
    asked = Asked(keys)
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    connections: list[socket.socket] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                connections.append(connection)
                threading.Thread(target=_serve, args=(connection, asked), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
    finally:
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)
        for connection in connections:
            connection.close()


def _serve(connection: socket.socket, asked: Asked) -> None:
    waiting = b""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError):
        while True:
            while b"\r\n\r\n" not in waiting:
                data = connection.recv(65_536)
                if not data:
                    return
                waiting += data
            head, _, waiting = waiting.partition(b"\r\n\r\n")
            body = asked.answer(head.split(b" ", 2)[1].decode())
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
