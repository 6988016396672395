"""The JSON API, version 1: the same services as the pages, for programs that show a token.

What may come in: one blueprint per area that translates between JSON and services, with the shapes of what goes in and comes out;
who may call with which scope; the document that describes it all. What may not: figures, decisions about them, SQL, anything
that a page can't show to the same role. No cookie is read or set here.
"""
