"""Mail to a server that speaks TLS, from the first byte or after STARTTLS."""

import smtplib
import socket
import ssl
import subprocess

import pytest
from aiosmtpd.controller import Controller
from django.core.mail import get_connection, send_mail

from tests.conftest import Mailbox


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for this machine, which signs itself."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-keyout", key, "-out", certificate, "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*made, "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    return key, certificate


@pytest.fixture(params=["smtps", "starttls"])
def box(request, certificate, settings, monkeypatch):
    key, chain = certificate
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    how = {"ssl_context": context} if request.param == "smtps" else {"tls_context": context}
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=port, **how)
    server.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "clinic_site.mail.Backend", "localhost"
    settings.EMAIL_PORT = port
    settings.EMAIL_USE_SSL, settings.EMAIL_USE_TLS = request.param == "smtps", request.param == "starttls"
    yield box
    server.stop()


def test_mail_goes_through_tls_and_one_connection_takes_several(box):
    with get_connection() as server:
        for number in range(2):
            send_mail(f"Number {number}", ".\n..\nEnd.", None, ["a@b.example"], connection=server)

    assert [mail["Subject"] for mail in box.messages] == ["Number 0", "Number 1"]
    assert box.messages[0].get_content().splitlines() == [".", "..", "End."]


def test_a_server_that_hangs_is_hung_up_on_through_tls(box, settings):
    settings.EMAIL_AT_MOST = 0.3
    box.stalls = True

    with pytest.raises(smtplib.SMTPServerDisconnected):
        send_mail("Number 1", "End.", None, ["a@b.example"])
