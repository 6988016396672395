"""The room of the JSON API, version 1. It is empty today; the command line's ``--json`` is what programs may read.

What will live here: one blueprint per area that calls the same services as the pages, schemas of what goes in and comes out,
tokens with the roles of the person who made them. What may not: figures, decisions about them, SQL, anything that a page
can't show to the same role. `commsapp.app` will put it beside the pages.
"""
