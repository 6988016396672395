"""The only door of sharing: the report of a programme as one file."""

from commsapp.sharing.report import write_report

__all__ = ["write_report"]
