"""A mail as bytes, and the exchanges of SMTP that hand it over.

The standard library builds a tree of parts and looks at every header from all sides, which costs more than all
else that a mail needs. Here the shape that our mails have is written line by line; whatever has another shape
goes the general way. Providers' back ends never come here.
"""

import re
import secrets
import smtplib
from email.policy import compat32
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import forbid_multi_line_headers, sanitize_address

LINES = compat32.clone(linesep="\r\n")
WIDE = 78
"""Characters of a header line that needs no folding (RFC 5322, 2.1.1)."""
LONGEST = 998
"""Octets of a line of text (RFC 5322, 2.1.1); a longer one needs another encoding."""
BREAK = re.compile(r"\r\n|\r|\n")
PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+", re.ASCII)


class Mail(EmailMultiAlternatives):
    """A mail that knows its bytes; what a mailbox gets is what the standard library would write."""

    def wire(self) -> bytes:
        """The whole mail with the line ends of SMTP."""
        text = body_part("plain", str(self.body))
        others = [body_part("html", str(one[0])) for one in self.alternatives]
        unusual = not self.body or self.cc or self.bcc or self.reply_to
        if unusual or text is None or None in others:
            made: Any = self.message()
            whole: bytes = made.as_bytes(linesep="\r\n")
            return whole
        kind, content = enclosed("alternative", [text, *(one for one in others if one)])
        if self.attachments:
            parts = [kind + b"\r\n" + content, *map(attached, self.attachments)]
            kind, content = enclosed("mixed", parts)
        named = {
            "Subject": str(self.subject),
            "From": self.from_email,
            "To": ", ".join(map(str, self.to)),
            "Date": formatdate(localtime=settings.EMAIL_USE_LOCALTIME),
            **self.extra_headers,
        }
        headers = b"".join(header(name, value) for name, value in named.items())
        return b"".join((kind, headers, b"\r\n", content))


def header(name: str, value: str) -> bytes:
    """A header's line; only one that needs encoding, or can be folded, takes the general way.

    Nearly all of a mail's headers are plain, and each costs the general way as much as a statement.
    """
    if value.isascii() and value.isprintable():
        line = f"{name}: {value}\r\n"
        if len(line) <= WIDE + 2 or (len(line) <= LONGEST and " " not in value):
            return line.encode("ascii")
    return folded(*forbid_multi_line_headers(name, value, settings.DEFAULT_CHARSET))


def folded(name: str, value: str) -> bytes:
    """As the standard library folds it."""
    lines: bytes = LINES.fold_binary(name, value)
    return lines


def body_part(subtype: str, words: str) -> bytes | None:
    """A text with its headers; None where a line is too long to go as it is."""
    content = BREAK.sub("\r\n", words).encode("utf-8", "surrogateescape")
    if len(content) > LONGEST and max(map(len, content.split(b"\r\n"))) > LONGEST:
        return None
    bits = "7bit" if words.isascii() else "8bit"
    opening = (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\nMIME-Version: 1.0\r\n'
        f"Content-Transfer-Encoding: {bits}\r\n\r\n"
    )
    return opening.encode("ascii") + content


def attached(part: Any) -> bytes:
    """An attachment whose content is encoded already."""
    lines = b"".join(header(name, value) for name, value in part.items())
    return lines + b"\r\n" + BREAK.sub("\r\n", part.get_payload()).encode("ascii")


def enclosed(subtype: str, parts: list[bytes]) -> tuple[bytes, bytes]:
    """Headers and content of parts that belong together. The boundary is random, so no part can hold it."""
    boundary = f"=_{secrets.token_hex(16)}"
    opening = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\nMIME-Version: 1.0\r\n'
    between = f"--{boundary}\r\n".encode("ascii")
    content = b"".join(between + one + b"\r\n" for one in parts)
    return opening.encode("ascii"), content + f"--{boundary}--\r\n".encode("ascii")


@lru_cache(maxsize=64)
def sender_of(address: str) -> str:
    """The bare address behind a From header."""
    return bare(sanitize_address(address, settings.DEFAULT_CHARSET))


def recipient_of(address: str) -> str:
    """The address as SMTP takes it; only an unusual one is taken apart."""
    if PLAIN_ADDRESS.fullmatch(address):
        return address
    return bare(sanitize_address(address, settings.DEFAULT_CHARSET))


def bare(address: str) -> str:
    quoted: str = smtplib.quoteaddr(address)
    return quoted.removeprefix("<").removesuffix(">")


def announce(server: smtplib.SMTP, sender: str, to: str, size: int) -> None:
    """Say that a mail comes, until the server waits for its content. Nothing of it has been handed over yet.

    Sender, recipient and start go together where the server says that it takes them so (RFC 2920), else one
    by one. A refusal ends the exchange: the connection can be used for the next mail.
    """
    server.ehlo_or_helo_if_needed()
    extra = f" SIZE={size}" if server.has_extn("size") else ""
    commands = [f"MAIL FROM:<{sender}>{extra}", f"RCPT TO:<{to}>", "DATA"]
    wanted = [(250,), (250, 251), (354,)]
    together = server.has_extn("pipelining")
    if together:
        server.send("".join(f"{one}\r\n" for one in commands))
    replies: list[tuple[int, bytes]] = []
    for command, fits in zip(commands, wanted, strict=True):
        if not together:
            server.putcmd(command)
        replies.append(server.getreply())
        if replies[-1][0] not in fits and not together:
            break
    failed = [
        number for number, (code, _answer) in enumerate(replies) if code not in wanted[number]
    ]
    if not failed:
        return
    end_refused(server, replies)
    code, answer = replies[failed[0]]
    if failed[0] == 0:
        raise smtplib.SMTPSenderRefused(code, answer, sender)
    if failed[0] == 1:
        raise smtplib.SMTPRecipientsRefused({to: (code, answer)})
    raise smtplib.SMTPDataError(code, answer)


def end_refused(server: smtplib.SMTP, replies: list[tuple[int, bytes]]) -> None:
    """Leave the server ready for another mail, or closed."""
    try:
        if any(code == 421 for code, _answer in replies):
            server.close()
        elif len(replies) == 3 and replies[-1][0] == 354:
            # It waits for the content of a mail that goes to nobody: an empty one ends that.
            server.send(".\r\n")
            server.getreply()
        else:
            server.rset()
    except smtplib.SMTPServerDisconnected:
        server.close()


def hand_over(server: smtplib.SMTP, content: bytes) -> None:
    """The content, with its end. From here on a lost connection leaves it unknown whether the mail arrived."""
    ending = b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"
    server.send(content.replace(b"\r\n.", b"\r\n..") + ending)
    code, answer = server.getreply()
    if code != 250:
        if code == 421:
            server.close()
        else:
            server.rset()
        raise smtplib.SMTPDataError(code, answer)
