"""Audiences: who can be spoken to.

What will live here: segments (a rule over attributes, or a group found from topics, tone, answers or votes), opinion groups,
the checks for proxies of protected characteristics, the cards that describe a segment. Until then a segment is written as
one attribute with one of its choices ('age = 16-24'), as listening results name it.
"""
