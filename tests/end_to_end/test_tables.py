"""R9: recordings that one growing table describes, and sidecars in a bucket of their own."""

from __future__ import annotations

from pathlib import Path

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home
from tests.end_to_end.recordings import wav
from tests.store import CREDENTIALS, store_client

MAPPING = """\
about: One table for all calls, apart from the recordings.
sidecar:
  format: csv
  find: [{in: cdr, key: calls.csv}]
  table: {join: [{where: {'file | file_name': '{{ name }}'}}]}
call:
  clientUniqueId: "t-{{ sidecar.id }}"
  actualStart: "{{ sidecar.start | time }}"
  direction: Inbound
  primaryUser: "{{ (sidecar.agent | agent).user_id }}"
  parties:
    - userId: "{{ (sidecar.agent | agent).user_id }}"
    - phoneNumber: "+12025550100"
"""


def row(name: str, agent: str) -> str:
    return f"{name},/calls/{name}.wav,2026-09-01T10:00:00Z,{agent}\n"


def test_R9_rows_that_are_appended_free_their_recordings_and_a_partial_one_waits(home: Home, sandbox: Sandbox) -> None:
    agent = "201"
    folder = home.root / "cdr"
    folder.mkdir()
    table = folder / "calls.csv"
    table.write_text("id,file,start,agent\n" + row("a", agent))
    use_table(home, folder)
    for number, name in enumerate(("a", "b", "c"), start=1):
        (home.recorder / f"{name}.wav").write_bytes(wav(number))
    with home.running():
        home.wait_for("a.wav", "done")
        home.wait_for("b.wav", "held", code="missing-sidecar")
        with table.open("a") as file:
            file.write(row("b", agent) + "c,/calls/c.wav,2026-09-01T10")
        home.wait_for("b.wav", "done")
        assert home.states()["c.wav"] == "held"
        with table.open("a") as file:
            file.write(f":00:00Z,{agent}\n")
        home.wait_for("c.wav", "done")
        table.rename(folder / "calls.csv.1")
        table.write_text("id,file,start,agent\n" + row("d", agent))
        (home.recorder / "d.wav").write_bytes(wav(4))
        home.wait_for("d.wav", "done")
    assert sorted(call.client_unique_id for call in sandbox.calls) == ["t-a", "t-b", "t-c", "t-d"]


def test_R9_a_table_in_a_bucket_is_joined_with_recordings_in_a_folder(
    home: Home, sandbox: Sandbox, store_url: str
) -> None:
    client = store_client(store_url)
    client.create_bucket(Bucket="cdr-exports")
    use_table(home, home.root)
    place = {"bucket": "cdr-exports", "prefix": "daily/", "endpoint_url": store_url, "region": "us-east-1"}
    home.source.update(sidecars={"cdr": place}, sidecar_wait="30s")
    home.environment = dict(CREDENTIALS)
    table = "id,file,start,agent\n" + "".join(row(f"x{number}", "201") for number in range(50_000))
    client.put_object(Bucket="cdr-exports", Key="daily/calls.csv", Body=(table + row("a", "201")).encode())
    (home.recorder / "a.wav").write_bytes(wav(1))
    (home.recorder / "b.wav").write_bytes(wav(2))
    with home.running():
        home.wait_for("a.wav", "done")
        grown = table + row("a", "201") + row("b", "201")
        client.put_object(Bucket="cdr-exports", Key="daily/calls.csv", Body=grown.encode())
        home.wait_for("b.wav", "done")
    assert sorted(call.client_unique_id for call in sandbox.calls) == ["t-a", "t-b"]


def test_a_place_that_the_source_does_not_name_is_told_with_its_line(home: Home) -> None:
    use_table(home, home.root)
    del home.source["sidecars"]
    finished = home.run("check")
    assert finished.returncode == 2
    assert "mapping 'table' reads sidecars in 'cdr'; add to the source sidecars: {cdr: {folder: PATH}}" in (
        finished.stdout + finished.stderr
    )


def use_table(home: Home, folder: Path) -> None:
    mappings = home.root / "own-mappings"
    mappings.mkdir()
    (mappings / "table.yaml").write_text(MAPPING)
    home.config["mappings"] = str(mappings)
    home.source.update(mapping="table", sidecar_wait="1s", sidecars={"cdr": {"folder": str(folder)}})
