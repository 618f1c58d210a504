"""What a password must be."""

import unicodedata

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 200


def normalised_password(password: str, email: str) -> str:
    """The password as it is hashed: in NFC, as two keyboards may type one letter differently.

    Raises `ValueError` when it is too short, too long, or the address itself.
    """
    password = unicodedata.normalize("NFC", password)
    if len(password) < SHORTEST_PASSWORD:
        raise ValueError(f"at least {SHORTEST_PASSWORD} characters")
    if len(password) > LONGEST_PASSWORD:
        raise ValueError(f"at most {LONGEST_PASSWORD} characters")
    if password.strip().casefold() == email.casefold():
        raise ValueError("must not be the e-mail address")
    return password
