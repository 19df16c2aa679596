"""Lengths, addresses, yes and no as recorders write them become values, or an error that says what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gong_bridge.errors import BadMetadata
from gong_bridge.mapping.durations import read_duration
from gong_bridge.mapping.phones import e164, user_part

from .scenes import compose, mapping_of

ONE_FIELD = """
about: One value of a JSON, written into the title.
placeholders: [anonymous, unknown]
sidecar: {format: json, find: [{replace_extension: .json}]}
call:
  clientUniqueId: x
  actualStart: '2026-01-14T10:00:00Z'
  direction: Inbound
  title: "{{ sidecar.x | FILTER }}"
  primaryUser: '7201'
  parties: [{userId: '7201'}]
"""


def title_of(folder: Path, filter_text: str, value: str) -> Any:
    """What the filter makes of the value, as the call's title."""
    mapping = mapping_of(folder, ONE_FIELD.replace("FILTER", filter_text))
    draft = compose(mapping, "a.wav", files={"a.json": b'{"x": ' + value.encode() + b"}"}).draft
    assert draft is not None
    return draft.title


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("192", 192.0), (61, 61.0), (61.5, 61.5), ("61,5", 61.5), ("3:12", 192.0), ("00:03:12", 192.0),
        ("1:00:03", 3603.0), ("00:03:12.5000000", 192.5), ("1.00:00:05", 86405.0), ("75:30", 4530.0),
        ("PT3M12S", 192.0), ("PT1H", 3600.0), ("PT61.5S", 61.5), ("P1DT2S", 86402.0), ("pt3m", 180.0),
        ("3m 12s", 192.0), ("1h 2m", 3720.0), ("1 hour, 2 minutes", 3720.0), ("12 sec", 12.0),
    ],
)  # fmt: skip
def test_a_length_of_time_is_read_however_it_is_written(written: Any, seconds: float) -> None:
    assert read_duration(written) == seconds


@pytest.mark.parametrize("written", ["", "P", "PT", "-5", "3:12 PM", "three minutes", "1:2:3:4:5", "9" * 50, True, [1]])
def test_what_is_no_length_of_time_is_refused(written: Any) -> None:
    with pytest.raises(ValueError, match="length of time"):
        read_duration(written)


@pytest.mark.parametrize(
    ("address", "user"),
    [
        ("sip:201@10.0.0.1;transport=tls", "201"), ('"Desk <2>" <sips:201@pbx>', "201"), ("<201>", "201"),
        ("2249888500@172.16.198.55", "2249888500"), ("tel:+18005550122;ext=204", "+18005550122"),
        ("SIP:first.login%40office@pbx.example.com", "first.login@office"), ("201", "201"), ("", ""), ("<>", "<>"),
    ],
)  # fmt: skip
def test_an_address_gives_its_user(address: str, user: str) -> None:
    assert user_part(address) == user


def test_an_extension_behind_a_number_is_left_off_only_where_the_filter_says_so() -> None:
    assert e164("+1 800 555 0122 x 204", "US") is None
    assert e164("+1 800 555 0122 x 204", "US", drop_extension=True) == "+18005550122"


@pytest.mark.parametrize(
    ("value", "title"),
    [
        ('"+1 800 555 0122 x 204"', "+18005550122"),
        ('"%2B18005550122"', "+18005550122"),
        ('"Anonymous"', None),
        ('"sip:anonymous@10.0.0.1"', None),
        ('"\\"Caller\\" <sip:caller@anonymous.invalid>"', None),
        ('"no number"', "no number"),
    ],
)
def test_a_customer_s_number_becomes_a_number_or_nothing(tmp_path: Path, value: str, title: str | None) -> None:
    assert title_of(tmp_path, "phone", value) == title


@pytest.mark.parametrize(
    ("value", "said"), [('"true"', "true"), ("1", "true"), ('"No"', "false"), ("null", "false"), ("false", "false")]
)
def test_yes_and_no_are_read_in_any_spelling(tmp_path: Path, value: str, said: str) -> None:
    assert title_of(tmp_path, "is_true ~ ''", value) == said


def test_a_word_that_is_neither_yes_nor_no_holds_the_recording(tmp_path: Path) -> None:
    with pytest.raises(BadMetadata, match=r"title: .*'maybe' is neither yes nor no; compare it with == instead"):
        title_of(tmp_path, "is_true ~ ''", '"maybe"')


def test_a_condition_that_gives_the_text_false_is_no_silent_yes(tmp_path: Path) -> None:
    skipping = ONE_FIELD.replace(
        "sidecar: {", "skip_when: [{when: sidecar.x, because: voicemail}]\nsidecar: {"
    ).replace("| FILTER", "")

    with pytest.raises(
        BadMetadata, match=r"when: the text 'false' is not empty, so it .* count as true; add \| is_true"
    ):
        compose(mapping_of(tmp_path, skipping), "a.wav", files={"a.json": b'{"x": "false"}'})


def test_ids_in_other_digits_become_numbers(tmp_path: Path) -> None:
    assert title_of(tmp_path, "int(36) ~ ''", '"zz"') == "1295"
    assert title_of(tmp_path, "int(16) ~ ''", '"ff"') == "255"


def test_the_zone_may_stand_in_the_sidecar_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    local = "'2026-01-14 10:00:00' | time('%Y-%m-%d %H:%M:%S', zone=sidecar.x)"
    text = ONE_FIELD.replace("sidecar.x | FILTER", local)

    found = compose(mapping_of(tmp_path, text), "a.wav", files={"a.json": b'{"x": "Europe/Berlin"}'}).draft
    assert found is not None
    assert found.title == "2026-01-14T10:00:00+01:00"
    with pytest.raises(BadMetadata, match=r"zone '\.\./etc/passwd' is not known"):
        compose(mapping_of(tmp_path, text), "a.wav", files={"a.json": b'{"x": "../etc/passwd"}'})
