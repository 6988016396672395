"""All pages, one blueprint per area. A new area is a module here and an entry in ``BLUEPRINTS``."""

from __future__ import annotations

from flask import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = ()
