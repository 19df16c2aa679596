"""A transcript sentence by sentence: one row each, for spreadsheets and reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gong_bridge.gong.models.transcripts import CallTranscript
from gong_bridge.gong.wire import GongAnswer, Number
from gong_bridge.receive.reading import Batches


class SpokenSentence(GongAnswer):
    """One sentence. start, end: milliseconds from the start of the call. speaker_id: as in the parties of the call."""

    call_id: str | None = None
    speaker_id: str | None = None
    topic: str | None = None
    start: Number | None = None
    end: Number | None = None
    text: str | None = None


class Sentences:
    """A list of transcripts as one of sentences, with the same pages."""

    def __init__(self, transcripts: Batches) -> None:
        self._transcripts = transcripts

    @property
    def cursor(self) -> str | None:
        """That of the transcripts."""
        return self._transcripts.cursor

    @property
    def finished(self) -> bool:
        """Whether the last page has come."""
        return self._transcripts.finished

    @property
    def total(self) -> int | None:
        """Gong counts transcripts, not sentences."""
        return None

    def next_rows(self) -> Sequence[SpokenSentence]:
        """The sentences of the next page of transcripts. Raises StopIteration after the last page."""
        calls = [call for call in self._transcripts.next_rows() if isinstance(call, CallTranscript)]
        return [sentence for call in calls for sentence in _sentences(call)]


def _sentences(call: CallTranscript) -> Iterator[SpokenSentence]:
    for monologue in call.transcript or ():
        for sentence in monologue.sentences or ():
            yield SpokenSentence(
                call_id=call.call_id,
                speaker_id=monologue.speaker_id,
                topic=monologue.topic,
                start=sentence.start,
                end=sentence.end,
                text=sentence.text,
            )
