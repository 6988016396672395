"""All pages, one blueprint per area. A new area is a module here and an entry in ``BLUEPRINTS``."""

from __future__ import annotations

from flask import Blueprint

from commsapp.web.pages import (
    account,
    campaigns,
    frame,
    imports,
    jobs,
    listening,
    originals,
    people,
    programmes,
    sign_in,
    start,
    tokens,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    start.blueprint,
    programmes.blueprint,
    frame.blueprint,
    imports.blueprint,
    jobs.blueprint,
    listening.blueprint,
    originals.blueprint,
    campaigns.blueprint,
    sign_in.blueprint,
    account.blueprint,
    people.blueprint,
    tokens.blueprint,
)
