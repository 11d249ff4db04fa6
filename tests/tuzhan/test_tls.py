"""Certificates: one that holds, ones that fail, and a server that speaks no TLS."""

import datetime
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tagsync.tuzhan import deadline
from tagsync.tuzhan.outcomes import Accepted, Blocked, NotSent
from tests.tuzhan.test_client import TOKEN, answering, reply


def certificate(folder, host, days):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=9))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "pair.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(("host", "days"), [("localhost", 9), ("localhost", -1), ("other.example", 9)])
def test_it_stops_at_a_certificate_that_fails(wire, client, tmp_path, host, days):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path, host, days))
    neighbour = wire(answering(reply()), wrap=lambda connection: context.wrap_socket(connection, server_side=True))
    url = neighbour.url.replace("http://127.0.0.1", "https://localhost")
    found = client(url).send(TOKEN, b"{}")
    assert (type(found), found.reason) == (Blocked, "certificate")
    assert neighbour.requests == []


def test_it_calls_a_server_without_tls_unsent(wire, client):
    def act(connection, request):
        return "close"

    neighbour = wire(act)
    found = client(neighbour.url.replace("http:", "https:"), timeout_seconds=0.5).send(TOKEN, b"{}")
    assert type(found) is NotSent


def test_it_talks_tls_with_a_certificate_that_holds(wire, client, tmp_path, monkeypatch):
    path = certificate(tmp_path, "localhost", 9)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    neighbour = wire(answering(reply()), wrap=lambda connection: context.wrap_socket(connection, server_side=True))
    trusting = ssl.create_default_context(cafile=path)
    monkeypatch.setattr(deadline, "_tls", lambda: trusting)
    url = neighbour.url.replace("http://127.0.0.1", "https://localhost")
    assert type(client(url).send(TOKEN, b"{}" * 100_000)) is Accepted
