"""Letters as messages: what stands in their headers as they are sent."""

from datetime import UTC, datetime
from email.policy import SMTP
from uuid import uuid4

from hirewire.kit.mail.letters import Letter, Sender, as_message, one_line

SENDER = Sender("no-reply@example.org", "Hirewire", "https://jobs.example.org")


def test_addresses_of_links_are_not_encoded_however_long() -> None:
    """Mail programs post to the first one (RFC 8058): an encoded word is no address."""
    addresses = [
        f"<https://jobs.example.org/{'a' * 150}>",
        f"<mailto:a@example.org?subject={'b' * 90}>",
    ]
    letter = Letter(
        to="anna@example.org",
        language="ru",
        subject="Приглашение на вакансию с длинным названием, которое не помещается в строке",
        lines=["Текст"],
        headers={"List-Unsubscribe": ", ".join(addresses)},
    )
    message = as_message(uuid4(), letter, SENDER, datetime.now(UTC)).as_bytes(policy=SMTP)
    lines = message.decode("ascii").split("\r\n\r\n")[0].split("\r\n")
    at = lines.index(f"List-Unsubscribe: {addresses[0]},")
    assert lines[at + 1] == f" {addresses[1]}"
    assert all(len(line) <= 78 for line in lines if "a" * 20 not in line and "b" * 20 not in line)


def test_a_text_of_somebody_in_a_line() -> None:
    assert one_line(None, 10) == ""
    assert one_line("a\r\n b\u2028c", 10) == "a b c"
    assert one_line("\u202ea\u2066b", 10) == "ab"
    assert one_line("x" * 100, 10) == "x" * 9 + "…"
