"""Credentials made here: random, shown once, stored only as SHA-256."""

import hashlib
import secrets
import string
from dataclasses import dataclass, field

TOKEN_PREFIX = "token-"  # noqa: S105 - the public form of a token, not a secret
API_KEY_PREFIX = "sok_"
RANDOM_LENGTH = 32  # alphanumerics, 190 bits: a fast hash is enough, no guess will ever hit
HINT_LENGTH = 4

_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A credential at the moment of its making; the text is never stored and has no repr."""

    text: str = field(repr=False)

    @property
    def hash(self) -> str:
        """The SHA-256, as hex text."""
        return sha256_hex(self.text)

    @property
    def hint(self) -> str:
        """The last characters, which help people to tell credentials apart."""
        return self.text[-HINT_LENGTH:]


def new_client_token() -> NewSecret:
    """Make a client token: ``token-`` and 32 alphanumerics."""
    return NewSecret(TOKEN_PREFIX + _random())


def new_api_key() -> NewSecret:
    """Make an operator's API key: ``sok_`` and 32 alphanumerics."""
    return NewSecret(API_KEY_PREFIX + _random())


def new_session_token() -> NewSecret:
    """Make the secret of a browser session."""
    return NewSecret(_random())


def new_password() -> NewSecret:
    """Make a password that a person can copy."""
    return NewSecret("-".join(_random()[:5] for _ in range(4)))


def sha256_hex(text: str) -> str:
    """Return the SHA-256 of ``text`` as hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def masked(prefix: str, hint: str) -> str:
    """Return how a stored credential is shown: prefix, stars, last characters."""
    return f"{prefix}{'*' * 8}{hint}"


def _random() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(RANDOM_LENGTH))
