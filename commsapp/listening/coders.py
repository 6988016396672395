"""Which coder's codings are in use, and what no model may code."""

from __future__ import annotations

from commsapp.storage.codings import CodebookVersion

TOPIC_CODER = "topic assigner"
SENTIMENT_CODER = "sentiment"
EMOTION_CODER = "emotion"

HELD_BACK = "held back as a concern"
NO_CONSENT = "no consent to analyse"


def topic_coder_version(version: CodebookVersion) -> str:
    """The coder of topics is the assigner with one codebook version: another version is another coder."""
    return f"codebook-version/{version.id}/{version.fingerprint[:12]}"
