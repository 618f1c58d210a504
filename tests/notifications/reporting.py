"""Messages in which mail servers report what became of a mail, as they write them."""

from textwrap import dedent

RETURNS = "bounces+*@board.example"


def _message(text: str) -> bytes:
    return dedent(text).lstrip("\n").replace("\n", "\r\n").encode()


def postfix(mark: str, *, status: str = "5.1.1", action: str = "failed") -> bytes:
    """A delivery status notification of Postfix, in which only headers come back."""
    return _message(f"""
        Return-Path: <>
        Delivered-To: bounces+{mark}@board.example
        Date: Sun, 29 Nov 2026 12:00:00 +0000 (UTC)
        From: MAILER-DAEMON@mx.board.example (Mail Delivery System)
        Subject: Undelivered Mail Returned to Sender
        To: bounces+{mark}@board.example
        Auto-Submitted: auto-replied
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=delivery-status;
        \tboundary="4D0F21.1764417600/mx.board.example"
        Message-Id: <20261129120000.5A1C2@mx.board.example>

        This is a MIME-encapsulated message.

        --4D0F21.1764417600/mx.board.example
        Content-Description: Notification
        Content-Type: text/plain; charset=us-ascii

        This is the mail system at host mx.board.example.

        <anna@example.org>: host mx.example.org said: 550 5.1.1 User unknown

        --4D0F21.1764417600/mx.board.example
        Content-Description: Delivery report
        Content-Type: message/delivery-status

        Reporting-MTA: dns; mx.board.example
        X-Postfix-Queue-ID: 4D0F21
        X-Postfix-Sender: rfc822; bounces+{mark}@board.example
        Arrival-Date: Sun, 29 Nov 2026 11:59:58 +0000 (UTC)

        Final-Recipient: rfc822; anna@example.org
        Original-Recipient: rfc822;anna@example.org
        Action: {action}
        Status: {status}
        Remote-MTA: dns; mx.example.org
        Diagnostic-Code: smtp; 550 {status} <anna@example.org> User unknown

        --4D0F21.1764417600/mx.board.example
        Content-Description: Undelivered Message Headers
        Content-Type: text/rfc822-headers

        From: Hirewire <no-reply@board.example>
        To: anna@example.org
        Subject: News of your applications
        Message-ID: <0192@board.example>
        X-Hirewire-Mail: {mark}

        --4D0F21.1764417600/mx.board.example--
    """)


def returned_whole(mark: str) -> bytes:
    """A notification that went to another address, with the whole mail and upper-case letters."""
    return _message(f"""
        From: postmaster@outlook.example
        To: no-reply@board.example
        Subject: Undeliverable: News
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=delivery-status; boundary=x

        --x
        Content-Type: multipart/alternative; boundary=y

        --y
        Content-Type: text/plain; charset="utf-8"

        Your message couldn't be delivered.
        --y
        Content-Type: text/html; charset="no-such-charset"
        Content-Transfer-Encoding: base64

        PGI+Tm88L2I+
        --y--
        --x
        Content-Type: message/delivery-status

        Reporting-MTA: dns;OUTLOOK.EXAMPLE

        Final-recipient: RFC822;anna@example.org
        Action: failed
        Status: 5.1.10
        X-Display-Name: Anna

        --x
        Content-Type: message/rfc822

        Return-Path: <BOUNCES+{mark.upper()}@BOARD.EXAMPLE>
        Subject: News
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: 8bit

        Здравствуйте
        --x--
    """)


def other_letters(mark: str) -> bytes:
    """A notification about an address in other letters than ASCII (RFC 6533)."""
    return _message(f"""
        From: <>
        To: bounces+{mark}@board.example
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=global-delivery-status; boundary=x

        --x

        Не доставлено.
        --x
        Content-Type: message/global-delivery-status

        Reporting-MTA: dns;mx.example.org

        Final-recipient: utf-8;анна@пример.рф
        Action: failed
        Status: 5.1.1

        --x
        Content-Type: message/global-headers

        Subject: Новости
        --x--
    """)


def complaint(mark: str, *, kind: str = "abuse") -> bytes:
    """A feedback report (RFC 5965), to the address of the agreement, not to the return address."""
    return _message(f"""
        From: <feedback@isp.example>
        To: <fbl@board.example>
        Subject: FW: News
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=feedback-report; boundary="part1"

        --part1
        Content-Type: text/plain; charset="US-ASCII"

        This is an email abuse report.
        --part1
        Content-Type: message/feedback-report

        Feedback-Type: {kind}
        User-Agent: SomeGenerator/1.0
        Version: 1
        Original-Mail-From: <bounces+{mark}@board.example>
        Original-Rcpt-To: <anna@example.org>

        --part1
        Content-Type: message/rfc822

        From: <no-reply@board.example>
        Subject: News
        Message-ID: <0192@board.example>

        News
        --part1--
    """)


def vacation(mark: str) -> bytes:
    """An automatic reply, which comes to the return address too (RFC 3834)."""
    return _message(f"""
        From: anna@example.org
        To: bounces+{mark}@board.example
        Subject: Out of office
        Auto-Submitted: auto-replied
        Content-Type: text/plain

        I am away. Status: 5.1.1
    """)
