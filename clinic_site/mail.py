"""Handing email to a server that may be slow or in trouble."""

import re
import smtplib
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.utils.encoding import punycode

# A text goes at once into the buffers of the two machines. Where it does not, whoever composed it cannot
# be kept waiting: others may wait for them.
WRITE_TIMEOUT = 1  # seconds


class HurriedSMTP(smtplib.SMTP):
    """A conversation that ends at `until` (of the monotonic clock), as if the server had hung up.

    EMAIL_TIMEOUT is for each silence: a server that sends a byte now and then would keep the worker for ever.
    """

    until = None

    def __init__(self, *where, until: float | None = None, **how):
        self.until = until or self.until
        super().__init__(*where, **how)

    def _get_socket(self, *where):  # all ways to connect come by here, those with TLS as well
        opened = super()._get_socket(*where)
        self.line = opened.dup()  # TLS takes the first one over
        self.end_at(self.until)
        return opened

    def end_at(self, until: float) -> None:
        """Let the conversation last until then, whatever was said before."""
        if clock := getattr(self, "clock", None):
            clock.cancel()
        self.until = until
        self.clock = threading.Timer(max(until - time.monotonic(), 0), self._hang_up)
        self.clock.daemon = True
        self.clock.start()

    def _hang_up(self):
        with suppress(OSError):  # it may have ended in this very moment
            self.line.shutdown(socket.SHUT_RDWR)

    def close(self):
        super().close()
        if clock := getattr(self, "clock", None):
            clock.cancel()
            self.line.close()

    def address(self, sender: str, recipients: list[str]) -> None:
        """Name the sender and the recipients, until the server waits for the text (RFC 5321 3.3)."""
        self.ehlo_or_helo_if_needed()
        code, said = self.mail(sender)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, said, sender)
        for recipient in recipients:
            code, said = self.rcpt(recipient)
            if code not in (250, 251):
                raise smtplib.SMTPRecipientsRefused({recipient: (code, said)})
        code, said = self.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPDataError(code, said)

    def write(self, text: bytes) -> None:
        """Write the whole text; a line that begins with a dot gets one more (RFC 5321 4.5.2)."""
        text = re.sub(rb"(?m)^\.", b"..", text)
        self.sock.settimeout(WRITE_TIMEOUT)
        self.send(text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        self.sock.settimeout(self.timeout)

    def confirm(self) -> None:
        """Wait until the server has taken the text over."""
        code, said = self.getreply()
        if code != 250:
            raise smtplib.SMTPDataError(code, said)


class HurriedSMTPS(smtplib.SMTP_SSL, HurriedSMTP):
    """The same for a server that speaks TLS from the first byte."""

    def __init__(self, *where, until: float, **how):
        self.until = until  # SMTP_SSL would not pass it on
        super().__init__(*where, **how)


class Backend(EmailBackend):
    """Django's own, in a hurry; and an email can be composed when the server waits for its text.

    One connection serves many messages, each within EMAIL_AT_MOST seconds.
    """

    until = None

    @property
    def connection_class(self):
        hurried = HurriedSMTPS if self.use_ssl else HurriedSMTP
        return partial(hurried, until=self.until or time.monotonic() + settings.EMAIL_AT_MOST)

    def hand_over(
        self, recipients: list[str], composed: Callable[[], AbstractContextManager[EmailMessage]]
    ) -> None:
        """Hand over the email that `composed()` gives to all of these addresses, or to none.

        It is entered when the server waits for the text, however long that took, and left as soon as the
        text is written. Where it raises, the connection is closed without a text, and the server has to
        forget it all (RFC 5321 4.1.1.10). Raises what smtplib raises, an OSError.
        """
        self.until = time.monotonic() + settings.EMAIL_AT_MOST
        try:
            self._address([_in_ascii(recipient) for recipient in recipients])
            with composed() as email:
                self.connection.write(email.message().as_bytes(linesep="\r\n"))
            self.connection.confirm()
        except BaseException:
            self._drop()
            raise
        finally:
            self.until = None

    def _address(self, recipients):
        """A server that is tired of a connection that served others before is called once more."""
        is_used = self.connection is not None
        self.open()
        try:
            if is_used:
                self.connection.end_at(self.until)
            self.connection.address(settings.SERVER_EMAIL, recipients)
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPSenderRefused):
            if not is_used or time.monotonic() >= self.until:
                raise
            self._drop()
            self.open()
            self.connection.address(settings.SERVER_EMAIL, recipients)

    def _drop(self):
        """End the connection without a word: the server may take any for a part of the text."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _send(self, email_message):
        recipients = email_message.recipients()
        if recipients:
            self.hand_over(recipients, lambda: nullcontext(email_message))
        return bool(recipients)


def _in_ascii(address):
    local, _, domain = address.rpartition("@")
    return f"{local}@{punycode(domain)}"
