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
    people,
    programmes,
    provider,
    second_factor,
    sign_in,
    start,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    start.blueprint,
    programmes.blueprint,
    frame.blueprint,
    imports.blueprint,
    jobs.blueprint,
    listening.blueprint,
    campaigns.blueprint,
    sign_in.blueprint,
    provider.blueprint,
    account.blueprint,
    second_factor.blueprint,
    second_factor.joining,
    people.blueprint,
)
