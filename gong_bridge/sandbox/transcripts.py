"""What "was said" in a call: a made-up conversation of its parties, the same each time it is asked for; pure."""

from __future__ import annotations

from typing import Any

from gong_bridge.sandbox.answers import EXTRA
from gong_bridge.sandbox.arrived import ArrivedCall

_SENTENCES = (
    ("Small talk", "Good morning, how are you?"),
    ("Small talk", "Very well, thank you."),
    ("Pricing", "Shall we go through the price list?"),
    ("Pricing", "Yes, the second line is new to us."),
    ("Next steps", "I will send the offer this week."),
    ("Next steps", "Fine, until then."),
)
_SENTENCE_MS = 2500


def party_id(call: ArrivedCall, number: int) -> str:
    """The id of a call's party; its `number` counts from 1."""
    return f"{call.id[-12:]}{number:03d}"


def transcript_of(call: ArrivedCall) -> dict[str, Any]:
    """CallTranscript: the parties speak in turn."""
    parties = len(call.body["parties"])
    monologues = [
        {
            "speakerId": party_id(call, number % parties + 1),
            "topic": topic,
            "sentences": [
                {"start": number * _SENTENCE_MS, "end": (number + 1) * _SENTENCE_MS - 300, "text": text, **EXTRA}
            ],
            **EXTRA,
        }
        for number, (topic, text) in enumerate(_SENTENCES)
    ]
    return {"callId": call.id, "transcript": monologues, **EXTRA}


def topics_seconds() -> dict[str, int]:
    """How long is spoken of what."""
    seconds: dict[str, int] = {}
    for topic, _ in _SENTENCES:
        seconds[topic] = seconds.get(topic, 0) + round(_SENTENCE_MS / 1000)
    return seconds
