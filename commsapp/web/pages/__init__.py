"""All pages, one blueprint per area. A new area is a module here and an entry in ``BLUEPRINTS``."""

from __future__ import annotations

from flask import Blueprint

from commsapp.web.pages import campaigns, frame, imports, jobs, listening, programmes, start, tokens

BLUEPRINTS: tuple[Blueprint, ...] = (
    start.blueprint,
    programmes.blueprint,
    frame.blueprint,
    imports.blueprint,
    jobs.blueprint,
    listening.blueprint,
    campaigns.blueprint,
    tokens.blueprint,
)
