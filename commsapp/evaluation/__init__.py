"""Evaluation: whether a message moved the listening result it was to move, and how sure that is.

What may come in: methods (one file each), diagnostics, the verdict, the one result type (``effect``), reading records for them.
What may not: plans (planning), pages, figures without an interval. ``service`` is the only door.
"""
