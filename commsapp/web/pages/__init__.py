"""All pages, one blueprint per area. A new area is a module here and an entry in ``BLUEPRINTS``."""

from __future__ import annotations

from flask import Blueprint

from commsapp.web.pages import auditing, campaigns, frame, imports, jobs, listening, programmes, retention, rights, start

BLUEPRINTS: tuple[Blueprint, ...] = (
    start.blueprint,
    programmes.blueprint,
    frame.blueprint,
    imports.blueprint,
    jobs.blueprint,
    listening.blueprint,
    campaigns.blueprint,
    retention.blueprint,
    rights.blueprint,
    auditing.blueprint,
)
