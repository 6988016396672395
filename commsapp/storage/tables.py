"""Every table, so that metadata is whole wherever it is needed (migrations, tests)."""

from commsapp.storage import (
    campaigns,
    codings,
    events,
    imports,
    jobs,
    organisations,
    people,
    programmes,
    responses,
    results,
    tokens,
)
from commsapp.storage.base import Base

metadata = Base.metadata

__all__ = [
    "campaigns",
    "codings",
    "events",
    "imports",
    "jobs",
    "metadata",
    "organisations",
    "people",
    "programmes",
    "responses",
    "results",
    "tokens",
]
