"""Who is told what happens to recordings: progress bars, figures, the demo's narrator."""

from __future__ import annotations

from gong_bridge.model import Entry, SourceHealth


class Observer:
    """Told what happens, for progress bars and logs; the base class ignores everything."""

    def found(self, count: int) -> None:
        """So many recordings more are to be worked on."""

    def looked(self, health: SourceHealth) -> None:
        """A source tells how it is doing, and every few seconds how far a long pass is."""

    def stepped(self, before: Entry, after: Entry) -> None:
        """`after` is `before` one checkpoint further."""

    def sending(self, entry: Entry, chunk_bytes: int, size_bytes: int) -> None:
        """Another chunk of the media, which has `size_bytes` in all, has left."""

    def finished_sending(self, entry: Entry) -> None:
        """The upload of this entry ended, well or not."""
