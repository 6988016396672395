"""All pages, one blueprint per area. A new area is a module here and an entry in ``BLUEPRINTS``."""

from __future__ import annotations

from flask import Blueprint

from commsapp.web.pages import (
    account,
    auditing,
    campaigns,
    codebook_topics,
    codebooks,
    emerging,
    explaining,
    frame,
    imports,
    jobs,
    listening,
    originals,
    people,
    programmes,
    provider,
    retention,
    rights,
    second_factor,
    sign_in,
    sorting,
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
    explaining.blueprint,
    originals.blueprint,
    codebooks.blueprint,
    codebook_topics.blueprint,
    emerging.blueprint,
    sorting.blueprint,
    campaigns.blueprint,
    retention.blueprint,
    rights.blueprint,
    sign_in.blueprint,
    provider.blueprint,
    account.blueprint,
    second_factor.blueprint,
    second_factor.joining,
    people.blueprint,
    tokens.blueprint,
    auditing.blueprint,
)
