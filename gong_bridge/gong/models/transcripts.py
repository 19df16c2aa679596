"""What was said in a call: monologues of sentences."""

from __future__ import annotations

from gong_bridge.gong.wire import GongAnswer, Number, Page


class Sentence(GongAnswer):
    """start, end: milliseconds from the start of the call."""

    start: Number | None = None
    end: Number | None = None
    text: str | None = None


class Monologue(GongAnswer):
    """Sentences of one speaker. speaker_id: as in the parties of the call."""

    speaker_id: str | None = None
    topic: str | None = None
    sentences: tuple[Sentence, ...] | None = None


class CallTranscript(GongAnswer):
    """The transcript of one call."""

    call_id: str | None = None
    transcript: tuple[Monologue, ...] | None = None


class TranscriptsPage(Page):
    """One page of POST /v2/calls/transcript."""

    call_transcripts: tuple[CallTranscript, ...] | None = None
