"""Sharing: what leaves the tool for people who don't sign in: reports now, share packs for partners later.

What may come in: putting together what the other domains found, figures as pictures, the files themselves. What may not:
estimating anything anew, pages, words of people who did not consent to be quoted. ``service`` is the only door.
"""
