"""The only door of sharing: the report of a programme as one file, and the charts that pages may show as well."""

from commsapp.sharing.figures import svg, topics_chart, waves_chart
from commsapp.sharing.report import write_report

__all__ = ["svg", "topics_chart", "waves_chart", "write_report"]
