"""Listening: from files of what people said to listening results.

What may come in: readers for exports, cleaning, coding with text models, codebooks, measuring. What may not: audiences,
plans, verdicts, pages. ``service`` is the only door.
"""
