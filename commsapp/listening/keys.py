"""Keyed hashes: of a text, so that codings can belong to it without its words, and of a respondent's name in an export.

Without the key, which lies outside the database, nobody can test whether a known sentence or person is in it.
"""

from __future__ import annotations

import hashlib
import hmac


def text_key(secret: str, text: str) -> str:
    """The key of an analysis text: 32 hexadecimal digits of an HMAC-SHA256."""
    return _keyed(secret, "text", text)[:32]


def respondent_key(secret: str, channel_id: int, given: str) -> str:
    """The pseudonym of a respondent within a channel, from the identifier that the export gives."""
    return _keyed(secret, f"respondent/{channel_id}", given.strip())[:32]


def identity_key(secret: str, channel_id: int, identity: str) -> str:
    """What stays of a response that is gone: the key of its identity within a channel, which tells nobody who it was."""
    return _keyed(secret, f"identity/{channel_id}", identity)[:32]


def _keyed(secret: str, purpose: str, content: str) -> str:
    message = f"{purpose}\x00{content}".encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
