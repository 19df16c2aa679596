"""OAuth: tokens renew themselves once for all bridges, survive kills, and are readable by nobody else."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from gong_bridge import clock
from gong_bridge.account.logging_in import tokens_of
from gong_bridge.config.oauth import OAuthOptions
from gong_bridge.config.schema import Timeouts
from gong_bridge.config.secrets import Secret
from gong_bridge.errors import BadCredentials, ServiceDown
from gong_bridge.gong.client import GongClient
from gong_bridge.gong.log_in import BearerTokens
from gong_bridge.gong.oauth import OAuth
from gong_bridge.gong.scopes import NEEDED_SCOPES
from gong_bridge.gong.users import Users
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.sealed_tokens import TURN_SECONDS
from gong_bridge.owner import is_alive, owner_name
from gong_bridge.sandbox.options import LOG_IN, Fault
from gong_bridge.sandbox.server import Sandbox
from gong_bridge.tokens import Tokens
from tests.integration.scripted_gong import NotedAllowance

SCOPES = tuple(sorted(NEEDED_SCOPES))


def options_of(sandbox: Sandbox, client_secret: str = "sandbox-client-secret") -> OAuthOptions:
    return OAuthOptions(
        client_id="sandbox-client", client_secret=Secret(client_secret), log_in_url=f"{sandbox.base_url}/oauth2"
    )


def allowed(sandbox: Sandbox, scopes: tuple[str, ...] = SCOPES) -> Tokens:
    """The tokens of an administrator who allowed everything, fetched as a browser and `auth login` do."""
    oauth = OAuth(options_of(sandbox))
    sent_back = httpx.get(oauth.address(scopes, "a state")).headers["location"]
    query = httpx.URL(sent_back).params
    assert query["state"] == "a state"
    return oauth.redeem(query["code"])


def client_of(sandbox: Sandbox, ledger: Ledger, owner: str = "one") -> GongClient:
    options, stop = options_of(sandbox), threading.Event()
    tokens = BearerTokens(tokens_of(None, options, ledger=ledger, owner=owner), OAuth(options).renew, stop)
    return GongClient(tokens, Timeouts(), NotedAllowance(), stop)


def test_a_client_works_with_tokens_at_the_address_that_gong_named(sandbox: Sandbox, ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger:
        tokens = allowed(sandbox)
        assert tokens.base_url == sandbox.base_url
        assert tokens.scopes == SCOPES
        tokens_of(None, options_of(sandbox), ledger=ledger, owner="one").write(tokens)
        with client_of(sandbox, ledger) as client:
            assert len(list(Users(client).list())) == 7


def test_nobody_logged_in_yet_says_which_command_does(sandbox: Sandbox, ledger_url: str) -> None:
    raises = pytest.raises(BadCredentials, match="gong-bridge auth login")
    with Ledger.open(ledger_url) as ledger, client_of(sandbox, ledger) as client, raises:
        list(Users(client).list())
    assert sandbox.requests == []


def test_a_missing_scope_is_named(sandbox: Sandbox, ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger:
        tokens = allowed(sandbox, ("api:calls:create",))
        tokens_of(None, options_of(sandbox), ledger=ledger, owner="one").write(tokens)
        with client_of(sandbox, ledger) as client, pytest.raises(BadCredentials, match="api:users:read"):
            list(Users(client).list())


def test_a_token_that_gong_refuses_is_renewed_at_the_next_request(sandbox: Sandbox, ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger:
        store = tokens_of(None, options_of(sandbox), ledger=ledger, owner="one")
        tokens = allowed(sandbox)
        store.write(Tokens(**{**as_dict(tokens), "access_token": "revoked"}))
        with client_of(sandbox, ledger) as client:
            with pytest.raises(BadCredentials, match="OAuth token"):
                list(Users(client).list())
            assert len(list(Users(client).list())) == 7
        renewed = store.read()
        assert renewed is not None
        assert renewed.refresh_token != tokens.refresh_token


def test_a_spent_refresh_token_needs_a_person_and_an_unreachable_log_in_does_not(
    start_sandbox: Callable[..., Sandbox], ledger_url: str
) -> None:
    sandbox = start_sandbox(faults=(Fault(operation=LOG_IN, kind="status", status=503, skip=1),))
    with Ledger.open(ledger_url) as ledger:
        ended = Tokens(**{**as_dict(allowed(sandbox)), "expires_at": clock.now() - timedelta(seconds=1)})
        tokens_of(None, options_of(sandbox), ledger=ledger, owner="one").write(ended)
        with client_of(sandbox, ledger) as client:
            with pytest.raises(ServiceDown, match="503"):
                list(Users(client).list())
            OAuth(options_of(sandbox)).renew(ended)  # somebody else spends it
            with pytest.raises(BadCredentials, match="gong-bridge auth login"):
                list(Users(client).list())


def test_a_wrong_client_secret_opens_neither_gong_nor_the_ledger(sandbox: Sandbox, ledger_url: str) -> None:
    wrong = options_of(sandbox, "another")
    with pytest.raises(BadCredentials, match="client_secret"):
        OAuth(wrong).renew(allowed(sandbox))
    with Ledger.open(ledger_url) as ledger:
        tokens_of(None, options_of(sandbox), ledger=ledger, owner="one").write(allowed(sandbox))
        with pytest.raises(BadCredentials, match="another client_secret"):
            tokens_of(None, wrong, ledger=ledger, owner="one").read()
        with ledger.database.write() as connection:
            connection.exec_driver_sql("UPDATE oauth_tokens SET account = 'emea'")
        with pytest.raises(BadCredentials, match="another client_secret"):  # nor does a row copied to another account
            tokens_of("emea", options_of(sandbox), ledger=ledger, owner="one").read()


def test_no_token_can_be_read_in_the_ledger_s_file(sandbox: Sandbox, tmp_path: Path) -> None:
    tokens = allowed(sandbox)
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        tokens_of(None, options_of(sandbox), ledger=ledger, owner="one").write(tokens)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"oauth_tokens" in kept
    assert tokens.access_token.encode() not in kept
    assert tokens.refresh_token.encode() not in kept
    assert tokens.access_token not in repr(tokens)


BRIDGE = """
import sys, threading
from gong_bridge import clock
from gong_bridge.config.oauth import OAuthOptions
from gong_bridge.config.secrets import Secret
from gong_bridge.errors import BridgeError
from gong_bridge.gong.log_in import BearerTokens
from gong_bridge.gong.oauth import OAuth
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.account.logging_in import tokens_of
from gong_bridge.owner import is_alive, owner_name
from gong_bridge.owner import owner_name

base_url, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
options = OAuthOptions(
    client_id="sandbox-client", client_secret=Secret("sandbox-client-secret"), log_in_url=base_url + "/oauth2"
)
with Ledger.open(url) as ledger:
    store = tokens_of(None, options, ledger=ledger, owner=owner_name())
    tokens = BearerTokens(store, OAuth(options).renew, threading.Event())
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(count):
        print(tokens.access().auth.token, flush=True)
        clock.wait(threading.Event(), 0.1)
"""


def start_bridge(base_url: str, url: str, count: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", BRIDGE, base_url, url, str(count)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go_on(bridge: subprocess.Popen[str]) -> None:
    assert bridge.stdin is not None
    bridge.stdin.write("\n")
    bridge.stdin.flush()


def test_two_bridges_never_spend_one_refresh_token_twice(
    start_sandbox: Callable[..., Sandbox], ledger_url: str
) -> None:
    """Tokens that live 2 s, so that each is renewed many times; a spent refresh token would end in an error."""
    sandbox = start_sandbox(token_seconds=2)
    with Ledger.open(ledger_url) as ledger:
        tokens_of(None, options_of(sandbox), ledger=ledger, owner="one").write(
            Tokens(**{**as_dict(allowed(sandbox)), "expires_at": clock.now() - timedelta(seconds=1)})
        )
        bridges = [start_bridge(sandbox.base_url, ledger_url, 50) for _ in range(2)]
        told = []
        for bridge in bridges:
            go_on(bridge)
        for bridge in bridges:
            seen, trouble = bridge.communicate(timeout=60)
            assert bridge.returncode == 0, trouble
            told.append(seen.split())
    assert [len(tokens) for tokens in told] == [50, 50]
    used = {token for tokens in told for token in tokens}
    assert 2 <= len(used) <= 12  # about 5 s of tokens that live 2 s: shared, not one for each request
    assert set(told[0]) & set(told[1])


def test_a_bridge_that_is_killed_while_it_asks_for_new_tokens_keeps_nobody_out(
    sandbox: Sandbox, ledger_url: str
) -> None:
    """Gong had not seen the refresh token: the next bridge spends it, and nobody has to log in again."""
    with Ledger.open(ledger_url) as ledger, socket.create_server(("127.0.0.1", 0)) as silent:
        ended = Tokens(**{**as_dict(allowed(sandbox)), "expires_at": clock.now() - timedelta(seconds=1)})
        tokens_of(None, options_of(sandbox), ledger=ledger, owner="one").write(ended)
        dying = start_bridge(f"http://127.0.0.1:{silent.getsockname()[1]}", ledger_url, 1)
        go_on(dying)
        connection, _ = silent.accept()  # it has its turn, and asks
        dying.send_signal(signal.SIGKILL)
        dying.communicate()
        connection.close()
        assert not ledger.turns.take("oauth", "another", clock.now(), TURN_SECONDS)
        assert ledger.turns.give_back_of_dead(is_alive) == 1  # what every start does
        with client_of(sandbox, ledger, owner_name()) as client:
            assert len(list(Users(client).list())) == 7


def as_dict(tokens: Tokens) -> dict[str, object]:
    return {name: getattr(tokens, name) for name in Tokens.__slots__}
