"""Hostile sidecars and recordings are held with a clear reason, and the good ones beside them are delivered."""

from __future__ import annotations

import os

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, wait_until
from tests.end_to_end.recordings import drop, wav
from tests.proofs.broken_files import broken_files
from tests.proofs.hostile_files import hostile_file
from tests.proofs.served_hostile_files import serve

LOL = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
FIELDS = ('"actualStart": "2026-09-01T10:15:30Z", "direction": "Inbound", "parties": [{"emailAddress": '
          '"agent-201@example.com"}]')  # fmt: skip

JSON_SIDECARS: dict[str, tuple[bytes, str]] = {
    "deep-list": (b"[" * 100_000 + b"]" * 100_000, "the JSON is nested too deeply"),
    "deep-object": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "the JSON is nested too deeply"),
    "long-number": (b'{"a": ' + b"9" * 1_000_000 + b"}", "a number in the JSON is too long"),
    "long-login": (
        f'{{"clientUniqueId": "x", {FIELDS}, "primaryUser": "{"x" * 1_000_000}"}}'.encode(),
        "a text of 1000000 characters is nobody's extension, login, e-mail address or name",
    ),
    "many-values": (b"[" + b"0," * 1_000_000 + b"0]", "more than 200000 values"),
    "not-utf-8": (b'{"a": "\xff"}', "1:8: this byte is not UTF-8"),
    "nul": (b'{"a": "\0"}', "1:8: this is no JSON"),
    "utf-16": ('{"a": "b"}'.encode("utf-16"), "the file is UTF-16"),
}
XML_SIDECARS: dict[str, tuple[bytes, str]] = {
    "billion-laughs": (f'<!DOCTYPE l [<!ENTITY l0 "lol">{LOL}]><call>&l9;</call>'.encode(), "a DTD or entities"),
    "quadratic": (f'<!DOCTYPE l [<!ENTITY l "{"x" * 50_000}">]><call>{"&l;" * 9000}</call>'.encode(), "a DTD"),
    "outside": (b'<!DOCTYPE l [<!ENTITY l SYSTEM "file:///etc/passwd">]><call>&l;</call>', "a DTD or entities"),
    "deep-xml": (b"<a>" * 100_000 + b"</a>" * 100_000, "nested more than 64 levels deep"),
}
CSV_SIDECARS: dict[str, tuple[bytes, str]] = {
    "a-million-rows": (b"id,start\n" + b"1,2026-09-01T10:15:30Z\n" * 1_000_000, "larger than 4 MiB"),
    "one-cell": (b'id,start\n1,"' + b"x" * 1_000_000, "field larger than field limit"),
    "nul-in-cells": (b"id,start\n1,2026-09\0\0\0\n", "2:10: there are NUL bytes in it"),
}


def test_R9_hostile_sidecars_are_held_and_hold_up_nobody(home: Home, sandbox: Sandbox) -> None:
    home.source["sidecar_wait"] = "0s"
    home.config["sources"] = [home.source, other(home, "xml"), other(home, "csv")]
    held: dict[str, str] = {"huge.wav": "the sidecar huge.json is larger than 4 MiB: is it the right file?"}
    with (home.recorder / "huge.json").open("wb") as file:
        file.truncate(1 << 30)
    (home.recorder / "huge.wav").write_bytes(wav(90))
    for format, sidecars in (("json", JSON_SIDECARS), ("xml", XML_SIDECARS), ("csv", CSV_SIDECARS)):
        for number, (name, (data, reason)) in enumerate(sidecars.items()):
            folder = home.recorder if format == "json" else home.root / format
            (folder / f"{name}.{format}").write_bytes(data)
            settled(folder / f"{name}.{format}")
            (folder / f"{name}.wav").write_bytes(wav(100 + 20 * len(held) + number))
            held[f"{name}.wav"] = reason
    good = [f"good-{number}" for number in range(5)]
    for number, name in enumerate(good):
        drop(home.recorder, f"{name}.wav", number)
    with home.running() as service:
        wait_until(lambda: all(state in ("done", "held") for state in home.states().values()), "all are done or held")
        wait_until(lambda: len(home.states()) == len(held) + len(good), "all are found")
        for name in good:
            home.wait_for(f"{name}.wav", "done")
        for name in held:
            home.wait_for(name, "held", code="bad-metadata")
        assert "Traceback" not in service.log_text
        assert "thread failed" not in service.log_text
    wrong = {
        entry["key"]: entry["reason"]
        for entry in home.entries()
        if entry["key"] in held and held[entry["key"]] not in entry["reason"]
    }
    assert wrong == {}
    assert max(len(entry["reason"] or "") for entry in home.entries()) < 400  # people read them in a table
    assert sorted(call.client_unique_id or "" for call in sandbox.calls) == good


def test_R7_the_good_recordings_among_hostile_files_are_delivered(home: Home, sandbox: Sandbox) -> None:
    hostile = [content for _, content in broken_files(30, 7)] + [hostile_file(number, 7)[1] for number in range(30)]
    told = serve(home, sandbox, hostile, 3, seconds=60)
    assert sum(told.values()) == 60


def other(home: Home, format: str) -> dict[str, object]:
    """One more source, whose sidecars are written in this format."""
    (home.root / format).mkdir()
    return {**home.source, "name": format, "folder": format, "mapping": f"sidecar-{format}"}


def settled(path: os.PathLike[str]) -> None:
    """What cannot be read and was changed just now may still be being written, and would be read again."""
    status = os.stat(path)
    os.utime(path, (status.st_atime, status.st_mtime - 60))
