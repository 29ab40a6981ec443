"""An SMTP server of one test: STARTTLS or TLS, a login, and scripted refusals (RFC 5321, 3207, 4954)."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

USER, PASSWORD = "mailer", "the-mail-password"


@dataclass
class Mailbox:
    """A running server. answers: by verb, in place of 250. encrypted: whether each mail came over TLS."""

    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)


@contextmanager
def running(context: ssl.SSLContext, *, from_first_byte: bool = False) -> Iterator[Mailbox]:
    """A server on a free port of this machine."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session)
    server.daemon_threads = True
    mailbox = Mailbox(server.server_address[1])
    server.mailbox, server.context, server.from_first_byte = mailbox, context, from_first_byte  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield mailbox
    server.shutdown()
    server.server_close()
    thread.join()


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.mailbox: Mailbox = self.server.mailbox  # type: ignore[attr-defined]
        self.secure = self.logged_in = False
        try:
            if self.server.from_first_byte:  # type: ignore[attr-defined]
                self._encrypt()
            self._say("220 mail.example.com ESMTP")
            while line := self.rfile.readline().decode().strip():
                if not self._command(line):
                    return
        except (ssl.SSLError, OSError):
            return

    def _command(self, line: str) -> bool:
        verb = line.split(maxsplit=1)[0].upper()
        if verb in self.mailbox.answers:
            self._say(self.mailbox.answers[verb])
        elif verb == "EHLO":
            self._say(
                "250-mail.example.com\r\n250-AUTH PLAIN\r\n250 STARTTLS"
                if not self.secure
                else "250-mail\r\n250 AUTH PLAIN"
            )
        elif verb == "STARTTLS":
            self._say("220 go ahead")
            self._encrypt()
        elif verb == "AUTH":
            right = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
            self.logged_in = self.secure and line.split()[-1] == right
            self._say("235 welcome" if self.logged_in else "535 5.7.8 authentication failed")
        elif verb == "DATA":
            self._data()
        else:
            self._say("221 bye" if verb == "QUIT" else "250 ok" if self.logged_in or verb == "RSET" else "530 log in")
        return verb != "QUIT"

    def _data(self) -> None:
        self._say("354 end with a dot")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        self.mailbox.mails.append(b"".join(lines))
        self.mailbox.encrypted.append(self.secure)
        self._say("250 queued")

    def _encrypt(self) -> None:
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)  # type: ignore[attr-defined]
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.secure = True

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
