"""The only place that writes SQL: tables and queries, one file per domain.

What may come in: table definitions, queries that take an open session and an actor, and return plain rows, frozen
dataclasses or DataFrames. What may not: statistics, text models, pages, decisions about what a figure means.
Nothing here commits; the edge that opened the session does, once.
"""
