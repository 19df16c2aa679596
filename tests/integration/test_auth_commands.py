"""`gong-bridge auth`: a person logs in by the browser or by pasting, sees the scopes, and logs out."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import yaml
from typer.testing import CliRunner, Result

from gong_bridge.cli import build_app
from gong_bridge.connected import connected
from gong_bridge.errors import BadCredentials, BridgeError, ConfigError
from gong_bridge.gong.scopes import NEEDED_SCOPES
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox

Command = Callable[..., Result]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@pytest.fixture
def home(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A folder with a bridge.yaml that logs in with OAuth."""
    (tmp_path / "recorder").mkdir()
    oauth = {
        "client_id": "sandbox-client",
        "client_secret": "sandbox-client-secret",
        "log_in_url": f"{sandbox.base_url}/oauth2",
        "redirect_uri": f"http://localhost:{free_port()}/callback",
    }
    config = {
        "gong": {"oauth": oauth},
        "ledger": {"url": f"sqlite:///{tmp_path}/ledger.db"},
        "sources": [{"name": "pbx", "folder": "recorder", "mapping": "sidecar-json"}],
    }
    path = tmp_path / "bridge.yaml"
    path.write_text(yaml.safe_dump(config))
    path.chmod(0o600)
    return tmp_path


def run(home: Path, *arguments: str, typed: str = "") -> Result:
    runner = CliRunner(env={"COLUMNS": "120"})
    return runner.invoke(build_app(arguments[0]), [*arguments, "-c", str(home / "bridge.yaml")], input=typed)


def log_in(home: Path) -> Result:
    """`auth login` while a browser opens the address that it shows."""
    shown: list[str] = []

    def browse() -> None:
        config = yaml.safe_load((home / "bridge.yaml").read_text())["gong"]["oauth"]
        scopes = sorted({*NEEDED_SCOPES, *config.get("more_scopes", ())})
        callback = config["redirect_uri"]
        for _ in range(200):
            try:
                httpx.get(callback.replace("/callback", "/favicon.ico"))
                break
            except httpx.HTTPError:
                threading.Event().wait(0.05)
        query = {"client_id": config["client_id"], "response_type": "code", "scope": " ".join(scopes)}
        query |= {"redirect_uri": callback, "state": state[0]}
        shown.append(httpx.get(f"{config['log_in_url']}/authorize", params=query, follow_redirects=True).text)

    state: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("secrets.token_urlsafe", lambda _size: state.append("the state") or "the state")
        browser = threading.Thread(target=browse)
        browser.start()
        done = run(home, "auth", "login")
        browser.join()
    assert "close this page" in shown[0]
    return done


def test_login_by_the_browser_status_and_logout(home: Path) -> None:
    before = run(home, "auth", "status")
    assert (before.exit_code, "gong-bridge auth login" in before.output) == (1, True)
    assert run(home, "auth", "login", "--paste", typed="nonsense\n").exception is not None
    done = log_in(home)
    assert done.exit_code == 0, done.output
    assert "MISSING" not in done.output
    status = run(home, "auth", "status", "--json")
    assert status.exit_code == 0
    facts = json.loads(status.output)
    assert facts["scopes"] == sorted(NEEDED_SCOPES)
    assert facts["missing_scopes"] == []
    assert "renews itself" in run(home, "auth", "status").output
    assert "forgotten" in run(home, "auth", "logout").output
    assert run(home, "auth", "status").exit_code == 1


def test_the_scope_for_sharing_is_needed_where_a_mapping_shares(home: Path) -> None:
    assert log_in(home).exit_code == 0
    (home / "mappings").mkdir()
    (home / "mappings" / "own.yaml").write_text("about: Own.\nextends: sidecar-json\nshare_with: ['202']\n")
    config = yaml.safe_load((home / "bridge.yaml").read_text())
    config["mappings"] = "mappings"
    config["sources"][0]["mapping"] = "own"
    (home / "bridge.yaml").write_text(yaml.safe_dump(config))
    facts = run(home, "auth", "status", "--json")
    assert (facts.exit_code, json.loads(facts.output)["missing_scopes"]) == (1, ["api:call-user-access:write"])
    shown = run(home, "auth", "status").output
    (row,) = [line.split() for line in shown.splitlines() if "call-user-access" in line]
    assert row[1:] == ["MISSING", "give", "users", "access", "to", "calls"]
    config["gong"]["oauth"]["more_scopes"] = ["api:call-user-access:write"]
    (home / "bridge.yaml").write_text(yaml.safe_dump(config))
    assert log_in(home).exit_code == 0


def test_a_python_program_uses_and_renews_the_tokens_of_the_ledger(home: Path, sandbox: Sandbox) -> None:
    with connected(home / "bridge.yaml") as gong, pytest.raises(BadCredentials, match="gong-bridge auth login"):
        next(iter(gong.users.list()))
    assert log_in(home).exit_code == 0
    before = json.loads(run(home, "auth", "status", "--json").output)["expires_at"]
    with connected(home / "bridge.yaml") as gong:
        assert [user.extension for user in gong.users.list()][:2] == ["201", "202"]
        sandbox.play(Fault(operation="listUsers", kind="status", status=401))
        with pytest.raises(BadCredentials):
            next(iter(gong.users.list()))
        assert next(iter(gong.users.list())).extension == "201"
    assert json.loads(run(home, "auth", "status", "--json").output)["expires_at"] > before


def test_an_answer_to_another_log_in_is_refused(home: Path) -> None:
    done = run(home, "auth", "login", "--paste", typed="http://localhost/callback?code=abc&state=foreign\n")
    assert isinstance(done.exception, ConfigError)
    assert "another log-in" in done.exception.message
    assert not (home / "ledger.db").exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "code=... and state=..."),
        ("http://localhost/callback", "code=... and state=..."),
        ("http://localhost/callback?error=access_denied&state=x", "access_denied"),
    ],
)
def test_a_pasted_address_without_a_code_is_explained(home: Path, typed: str, said: str) -> None:
    done = run(home, "auth", "login", "--paste", typed=typed + "\n")
    assert isinstance(done.exception, BridgeError)
    assert said in done.exception.message


def test_with_an_access_key_the_command_says_what_to_write_for_oauth(home: Path, sandbox: Sandbox) -> None:
    config = yaml.safe_load((home / "bridge.yaml").read_text())
    config["gong"] = {"base_url": sandbox.base_url, "access_key": "a", "access_key_secret": "b"}
    (home / "bridge.yaml").write_text(yaml.safe_dump(config))
    done = run(home, "auth", "status")
    assert isinstance(done.exception, ConfigError)
    assert "client_id" in done.exception.message


@pytest.mark.parametrize(
    ("gong", "said"),
    [
        ({}, "add 'base_url' and 'access_key' and 'access_key_secret' here"),
        ({"access_key": "k"}, "access_key is not used with oauth"),
        ({"base_url": "https://us-1.api.gong.io"}, "base_url is not used with oauth"),
    ],
)
def test_one_way_to_log_in_has_to_be_chosen(home: Path, gong: dict[str, str], said: str) -> None:
    config = yaml.safe_load((home / "bridge.yaml").read_text())
    config["gong"] = {**(config["gong"] if gong else {}), **gong}
    (home / "bridge.yaml").write_text(yaml.safe_dump(config))
    done = run(home, "auth", "status")
    assert isinstance(done.exception, ConfigError)
    assert said in done.exception.message


def test_recordings_are_delivered_with_tokens_and_no_token_is_shown(home: Path, sandbox: Sandbox) -> None:
    from tests.end_to_end.recordings import drop

    assert log_in(home).exit_code == 0
    (home / "agents.csv").write_text("email,extension,login,name\nagent-201@example.com,201,,\n")
    drop(home / "recorder", "one.wav", 1)
    ran = run(home, "run", "--once")
    assert ran.exit_code == 0, ran.output
    assert len(sandbox.calls) == 1
    exported = run(home, "ledger", "export")
    assert "one.wav" in exported.output
    assert "token" not in exported.output + ran.output
