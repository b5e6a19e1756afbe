"""Encryption at rest for what must be kept but never shown: user data, where channels lead."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

# Another purpose gets another key.
LAUNCH_SPEC = b"spot-optimizer launch spec 1"
CHANNEL = b"spot-optimizer notification channel 1"


class Vault:
    """Encrypts and decrypts text with a key derived from SECRET_KEY. Thread-safe."""

    def __init__(self, secret_key: SecretStr, purpose: bytes = LAUNCH_SPEC) -> None:
        derived = HKDF(algorithm=SHA256(), length=64, salt=None, info=purpose).derive(
            secret_key.get_secret_value().encode()
        )
        self._fernet = Fernet(base64.urlsafe_b64encode(derived[:32]))
        self._fingerprint_key = derived[32:]

    def seal(self, text: str) -> str:
        """Return the text encrypted and authenticated, as ASCII."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def fingerprint(self, data: bytes) -> str:
        """Return a keyed hash as 64 upper-case hex digits: it changes with SECRET_KEY too."""
        return hmac.new(self._fingerprint_key, data, hashlib.sha256).hexdigest().upper()

    def open(self, sealed: str) -> str | None:
        """Return the text, or None when SECRET_KEY has changed since it was sealed."""
        try:
            return self._fernet.decrypt(sealed.encode("ascii")).decode()
        except InvalidToken:
            return None
