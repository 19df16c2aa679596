"""R7: a recording that is cut anywhere is seen to be cut, or was cut where its format cannot tell."""

from __future__ import annotations

import pytest

from gong_bridge.media.containers import examine
from gong_bridge.media.extent import NoRecording
from tests import made_recordings as made
from tests.borders import silent_cuts
from tests.made_recordings import Bytes, Kind, record

STATING = (*made.STATING_THEIR_LENGTH, *made.RARER_STATING_THEIR_LENGTH)
NOT_STATING = (*made.NOT_STATING_IT, *made.RARER_NOT_STATING_IT)


def judged_whole(data: bytes, cuts: list[int]) -> list[int]:
    """The cuts after which nothing is missing, if one believes us."""
    believed = []
    for cut in cuts:
        try:
            if examine(Bytes(data[:cut])).completeness in ("whole", "unstated"):
                believed.append(cut)
        except NoRecording:
            continue
    return believed


@pytest.mark.parametrize("kind", made.RARER_STATING_THEIR_LENGTH + made.RARER_NOT_STATING_IT, ids=str)
def test_R7_rarer_kinds_are_whole_when_they_are(kind: Kind):
    found = examine(Bytes(record(kind, 2.0)))
    assert (found.container, found.completeness in ("whole", "unstated")) == (kind.container, True), found.clue


@pytest.mark.parametrize("kind", STATING, ids=str)
def test_R7_a_cut_at_twenty_places_and_at_every_late_byte_is_seen(kind: Kind):
    data = record(kind, 2.0)
    cuts = kind.cuts(data)
    assert len(cuts) == 20
    assert judged_whole(data, [*cuts, *range(len(data) - 40, len(data))]) == []


@pytest.mark.parametrize("kind", NOT_STATING, ids=str)
def test_R7_what_states_no_length_is_only_believed_where_nothing_can_tell(kind: Kind):
    data = record(kind, 2.0)
    believed = judged_whole(data, [*kind.cuts(data), *range(1000, 2000), *range(len(data) - 400, len(data))])
    assert set(believed) <= silent_cuts(kind, data)


def test_R7_an_asf_that_was_streamed_to_its_end_is_whole_and_seen_to_be_cut_inside_a_packet():
    (streamed,) = [kind for kind in made.RARER_NOT_STATING_IT if kind.container == "asf"]
    data = record(streamed, 2.0)
    assert examine(Bytes(data)).completeness == "whole"  # its last twelve bytes say "end of stream"
    assert examine(Bytes(data[:-12])).completeness == "unstated"
    assert examine(Bytes(data[:-13])).clue == "it ends inside a packet"


def test_R7_a_caf_of_alac_is_cut_while_the_table_of_its_packets_is_missing():
    (alac,) = [kind for kind in made.RARER_STATING_THEIR_LENGTH if (kind.container, kind.codec) == ("caf", "alac")]
    data = record(alac, 2.0)
    table = data.rfind(b"pakt")
    assert examine(Bytes(data[:table])).clue == "the table of its packets is missing"
    assert examine(Bytes(data[:-1])).completeness == "truncated"
