"""A call is shared with whom its mapping names: after its media, before its source is settled, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gong_bridge.account import agents_file
from gong_bridge.model import Entry, State
from gong_bridge.routes import mapping_watch
from gong_bridge.sandbox.arrived import ArrivedCall
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.people import DEFAULT_USERS
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.recordings import drop
from tests.integration.bench import Bench, bench
from tests.recorded_groups import drop as drop_part
from tests.recorded_groups import write_mapping as write_grouped

ID_OF = {str(user["extension"]): str(user["id"]) for user in DEFAULT_USERS if user["extension"]}
MAPPING = "about: a test's\nextends: sidecar-json\nshare_with: {}\n"
ACCESS = "/v2/calls/users-access"


def write_mapping(root: Path, share_with: str) -> None:
    (root / "mappings").mkdir(exist_ok=True)
    (root / "mappings" / "shared.yaml").write_text(MAPPING.format(share_with))


@pytest.fixture(autouse=True)
def _corrections_are_seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents_file, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(mapping_watch, "LOOK_SECONDS", 0.0)


@pytest.fixture
def bridge(tmp_path: Path, sandbox: Sandbox) -> Iterator[Bench]:
    """A bench whose recordings are deleted when they are delivered."""
    write_mapping(tmp_path, "['202', agent-203@example.com]")
    source = {"mapping": "shared", "after_upload": "delete"}
    with bench(tmp_path, sandbox.base_url, source=source, mappings="mappings") as opened:
        yield opened


def deliver(bridge: Bench, name: str = "one.wav", **call: Any) -> Entry:
    """One recording, as far as it goes."""
    drop(bridge.recorder, name, 1, **call)
    bridge.find()
    bridge.work()
    return list(bridge.bridge.ledger.views.entries())[-1]


def the_call(sandbox: Sandbox) -> ArrivedCall:
    (call,) = sandbox.calls
    return call


def asked(sandbox: Sandbox) -> int:
    return sum(request.path == ACCESS for request in sandbox.requests)


def correct(bridge: Bench, share_with: str) -> None:
    """Change the mapping as an editor does, and let the bridge notice."""
    write_mapping(bridge.root, share_with)
    for _ in range(3):
        bridge.bridge.mapping_watch.look()
    bridge.work_again()


def test_R30_a_call_is_shared_after_its_media_and_before_its_source_is_touched(bridge: Bench, sandbox: Sandbox) -> None:
    entry = deliver(bridge)
    assert entry.state is State.DONE
    assert the_call(sandbox).shared_with == (ID_OF["202"], ID_OF["203"])
    assert list(bridge.recorder.glob("*.wav")) == []
    events = [(str(event.to_state), event.code) for event in bridge.bridge.ledger.views.events(entry.id)]
    assert events[-3:] == [("delivered", None), ("delivered", "shared"), ("done", "source-deleted")]
    paths = [request.path.replace(entry.call_id or "", "ID") for request in sandbox.requests]
    assert paths[-2:] == ["/v2/calls/ID/media", ACCESS]


def test_the_primary_user_needs_no_access_and_nobody_costs_no_request(bridge: Bench, sandbox: Sandbox) -> None:
    correct(bridge, "['201']")
    assert deliver(bridge).state is State.DONE
    assert (asked(sandbox), the_call(sandbox).shared_with) == (0, ())


def test_a_source_that_is_left_alone_ends_with_the_sharing(tmp_path: Path, sandbox: Sandbox) -> None:
    write_mapping(tmp_path, "['202']")
    with bench(tmp_path, sandbox.base_url, source={"mapping": "shared"}, mappings="mappings") as left:
        entry = deliver(left)
        assert (entry.state, entry.reason_code, entry.share_with) == (State.DONE, "shared", ())
        assert the_call(sandbox).shared_with == (ID_OF["202"],)


@pytest.mark.parametrize("kind", ["status", "status_after", "drop_before", "drop_after"])
def test_R22_trouble_while_sharing_sends_no_media_again_and_ends_shared(
    bridge: Bench, sandbox: Sandbox, kind: str
) -> None:
    sandbox.play(Fault(operation="addUsersAccessToCalls", kind=kind, status=500))
    entry = deliver(bridge)
    assert (entry.state, len(list(bridge.recorder.glob("*.wav")))) == (State.DELIVERED, 1)
    bridge.work_again()
    assert bridge.entry(entry.id).state is State.DONE
    assert (the_call(sandbox).media_puts, the_call(sandbox).shared_with) == (1, (ID_OF["202"], ID_OF["203"]))


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_holds_this_call_alone_after_its_delivery_and_names_the_cure(
    bridge: Bench, sandbox: Sandbox, status: int
) -> None:
    sandbox.play(Fault(operation="addUsersAccessToCalls", kind="status", status=status, times=None))
    entry = deliver(bridge)
    assert (entry.state, entry.held_from, entry.reason_code) == (State.HELD, State.DELIVERED, "not-shared")
    assert entry.reason is not None
    assert f"the call {entry.call_id} is in Gong with its media, but not shared" in entry.reason
    assert ("scope api:call-user-access:write" in entry.reason) == (status != 400)
    assert bridge.paused == []
    assert the_call(sandbox).media is not None
    sandbox.play_no_faults()
    bridge.retry()
    bridge.work()
    assert bridge.entry(entry.id).state is State.DONE
    assert the_call(sandbox).shared_with == (ID_OF["202"], ID_OF["203"])


def test_keys_that_have_become_wrong_pause_and_hold_nothing(bridge: Bench, sandbox: Sandbox) -> None:
    for operation in ("addUsersAccessToCalls", "getCall"):
        sandbox.play(Fault(operation=operation, kind="status", status=401, times=None))
    entry = deliver(bridge)
    assert (entry.state, {cause.code for cause in bridge.paused}) == (State.DELIVERED, {"bad-credentials"})


def test_somebody_unknown_holds_the_source_until_agents_csv_says_who_it_is(bridge: Bench, sandbox: Sandbox) -> None:
    correct(bridge, "['202', '299']")
    entry = deliver(bridge)
    assert (entry.state, entry.reason_code, entry.person) == (State.HELD, "unknown-person", "extension 299")
    assert entry.reason is not None
    assert "is in Gong with its media, but not shared with everybody: extension '299' is nobody" in entry.reason
    assert (entry.share_with, the_call(sandbox).shared_with) == (("299",), (ID_OF["202"],))
    assert len(list(bridge.recorder.glob("*.wav"))) == 1
    (bridge.root / "agents.csv").write_text("email,extension,login,name\nagent-203@example.com,299,,\n")
    bridge.bridge.agents.reload()
    bridge.work()
    assert bridge.entry(entry.id).state is State.DONE
    assert the_call(sandbox).shared_with == (ID_OF["202"], ID_OF["203"])
    assert asked(sandbox) == 2


@pytest.mark.parametrize(("corrected", "shared"), [("['203']", ("203",)), ("[]", ())])
def test_a_corrected_mapping_frees_a_call_that_was_to_be_shared_with_nobody(
    bridge: Bench, sandbox: Sandbox, corrected: str, shared: tuple[str, ...]
) -> None:
    correct(bridge, "[tem.lead@example.com]")
    entry = deliver(bridge)
    assert (entry.state, entry.person) == (State.HELD, "email tem.lead@example.com")
    correct(bridge, corrected)
    assert bridge.entry(entry.id).state is State.DONE
    assert the_call(sandbox).shared_with == tuple(ID_OF[one] for one in shared)
    assert the_call(sandbox).media_puts == 1


def test_a_mapping_that_changes_after_the_sharing_sends_nothing_again(bridge: Bench, sandbox: Sandbox) -> None:
    deliver(bridge)
    requests = len(sandbox.requests)
    correct(bridge, "['203', '204']")
    assert len(sandbox.requests) == requests
    assert the_call(sandbox).shared_with == (ID_OF["202"], ID_OF["203"])


def test_new_media_is_shared_as_the_mapping_says_by_then_and_takes_nothing_back(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    write_mapping(tmp_path, "['202']")
    with bench(tmp_path, sandbox.base_url, source={"mapping": "shared"}, mappings="mappings") as bridge:
        deliver(bridge)
        correct(bridge, "['203']")
        drop(bridge.recorder, "one.wav", 2)
        bridge.find()
        bridge.work()
        assert the_call(sandbox).media_puts == 2
        assert the_call(sandbox).shared_with == (ID_OF["202"], ID_OF["203"])


def test_the_call_s_own_account_is_asked_who_it_is_and_shares_the_call(
    tmp_path: Path, sandbox: Sandbox, start_sandbox: Callable[..., Sandbox]
) -> None:
    """The same extension is another person in each account."""
    people = [user if user["extension"] != "202" else {**user, "id": "909"} for user in DEFAULT_USERS]
    emea = start_sandbox(users=tuple(people))
    write_mapping(tmp_path, "['202']")
    keys = {"access_key": "sandbox", "access_key_secret": "sandbox-secret"}
    accounts = {"emea": {"base_url": emea.base_url, **keys}}
    source = {"mapping": "shared", "account": "emea"}
    with bench(tmp_path, sandbox.base_url, source=source, mappings="mappings", accounts=accounts) as bridge:
        assert deliver(bridge).state is State.DONE
    assert the_call(emea).shared_with == ("909",)
    assert (sandbox.calls, asked(sandbox), asked(emea)) == ([], 0, 1)


def test_a_corrected_mapping_shares_a_call_of_several_files_by_what_it_knows_of_all_of_them(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    def write(who: str) -> None:
        write_grouped(tmp_path, window="1ms")
        with (tmp_path / "mappings" / "grouped.yaml").open("a") as mapping:
            mapping.write(f"share_with: [\"{{{{ '{who}' if group.merged else '204' }}}}\"]\n")

    write("299")
    with bench(tmp_path, sandbox.base_url, source={"mapping": "grouped"}, mappings="mappings") as bridge:
        for part in ("in", "out"):
            drop_part(bridge.recorder, "c1", part)
        bridge.find()
        bridge.work()
        bridge.work_again()
        assert [code for _, code in bridge.states().values()].count("unknown-person") == 1
        write("203")
        for _ in range(3):
            bridge.bridge.mapping_watch.look()
        bridge.work_again()
        assert {state for state, _ in bridge.states().values()} <= {"done", "skipped"}
    assert the_call(sandbox).shared_with == (ID_OF["203"],)
