"""Every table, so that metadata is whole wherever it is needed (migrations, tests)."""

from commsapp.storage import (
    attachments,
    campaigns,
    codebooks,
    codings,
    decisions,
    emerging,
    events,
    imports,
    jobs,
    organisations,
    people,
    programmes,
    responses,
    results,
    sealed,
    tokens,
)
from commsapp.storage.base import Base

metadata = Base.metadata

__all__ = [
    "attachments",
    "campaigns",
    "codebooks",
    "codings",
    "decisions",
    "emerging",
    "events",
    "imports",
    "jobs",
    "metadata",
    "organisations",
    "people",
    "programmes",
    "responses",
    "results",
    "sealed",
    "tokens",
]
