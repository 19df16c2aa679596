"""TLS is always verified, a proxy's refusal is no answer of Gong, and neither sees the keys."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gong_bridge.errors import BadCredentials, BridgeError, ServiceDown, Unclear
from gong_bridge.gong.calls import Calls
from gong_bridge.gong.client import GongClient
from tests.integration.scripted_gong import Exchange, NotedAllowance, ScriptedGong, Zeros, client_of

LARGE = 50_000_000


def create(client: GongClient) -> None:
    Calls(client).create({"clientUniqueId": "pbx-17", "primaryUser": "2345"})


def upload(client: GongClient) -> None:
    Calls(client).put_media("7", lambda: Zeros(LARGE), LARGE, "wav", "audio/wav")


def never_answers(exchange: Exchange) -> None:
    exchange.drain()
    exchange.connection.recv(1)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gong.example.com")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "gong.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def stores(exchange: Exchange) -> None:
    exchange.drain()
    exchange.answer(201, {"callId": "7", "users": []})


def test_a_certificate_that_is_not_trusted_stops_everything_before_a_byte_leaves(certificate: Path) -> None:
    allowance = NotedAllowance()
    with ScriptedGong(stores, server_tls(certificate)) as gong, client_of(gong.base_url, allowance) as client:
        with pytest.raises(ServiceDown, match="SSL_CERT_FILE") as caught:
            create(client)
        assert gong.requests == []
    assert caught.value.keeps_attempt
    assert allowance.notes == ["take"]


def test_a_certificate_named_in_ssl_cert_file_is_trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with ScriptedGong(stores, server_tls(certificate)) as gong, client_of(gong.base_url) as client:
        create(client)
        upload(client)
        assert [exchange.method for exchange in gong.requests] == ["POST", "PUT"]


def test_an_early_answer_is_read_through_tls_too(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(exchange: Exchange) -> None:
        exchange.answer(401, {"requestId": "r-3", "errors": ["early"]})
        exchange.drain()
        exchange.close()

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with (
        ScriptedGong(refuses, server_tls(certificate)) as gong,
        client_of(gong.base_url) as client,
        pytest.raises(BadCredentials) as caught,
    ):
        upload(client)
    assert caught.value.request_id == "r-3"


def test_abort_also_breaks_off_what_is_encrypted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    caught: list[BridgeError] = []

    def work(client: GongClient) -> None:
        with pytest.raises(BridgeError) as error:
            upload(client)
        caught.append(error.value)

    with ScriptedGong(never_answers, server_tls(certificate)) as gong, client_of(gong.base_url) as client:
        worker = threading.Thread(target=work, args=(client,))
        worker.start()
        time.sleep(1)
        client.abort()
        worker.join(2)
        assert not worker.is_alive()
    assert [type(error) for error in caught] == [Unclear]


def test_a_proxy_that_refuses_the_tunnel_is_no_request_to_gong(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(exchange: Exchange) -> None:
        exchange.answer(403, {}, content_type="text/html")
        exchange.close()

    allowance = NotedAllowance()
    with ScriptedGong(refuses) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.base_url)
        with (
            client_of("https://gong.example.com", allowance) as client,
            pytest.raises(ServiceDown, match="HTTPS_PROXY") as caught,
        ):
            create(client)
        assert [(exchange.method, exchange.target) for exchange in proxy.requests] == [
            ("CONNECT", "gong.example.com:443")
        ]
        assert "authorization" not in proxy.requests[0].headers
    assert caught.value.keeps_attempt
    assert allowance.notes == ["take"]
