"""The clinic's own address, and handing email to a server that may be in trouble."""

import smtplib
import socket
import threading
from contextlib import suppress

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend


class HurriedSMTP(smtplib.SMTP):
    """A conversation that ends after EMAIL_AT_MOST seconds in all, as if the server had hung up.

    EMAIL_TIMEOUT is for each silence: a server that sends a byte now and then would keep the worker for ever.
    """

    def _get_socket(self, *where):  # all ways to connect come by here, those with TLS as well
        opened = super()._get_socket(*where)
        self.line = opened.dup()  # TLS takes the first one over
        self.clock = threading.Timer(settings.EMAIL_AT_MOST, self._hang_up)
        self.clock.daemon = True
        self.clock.start()
        return opened

    def _hang_up(self):
        with suppress(OSError):  # it may have ended in this very moment
            self.line.shutdown(socket.SHUT_RDWR)

    def close(self):
        super().close()
        if clock := getattr(self, "clock", None):
            clock.cancel()
            self.line.close()


class HurriedSMTPS(smtplib.SMTP_SSL, HurriedSMTP):
    """The same for a server that speaks TLS from the first byte."""


class Backend(EmailBackend):
    """Django's own, in a hurry."""

    @property
    def connection_class(self):
        return HurriedSMTPS if self.use_ssl else HurriedSMTP
