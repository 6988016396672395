"""Lists come in pages: some items of all, how many there are, and where the next ones are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import request

from commsapp.api.fields import Shape, Text, Whole, a, asked, one, several

LARGEST_PAGE = 100
USUAL_PAGE = 25


class Paging(Shape):
    """Which page of a list is wanted."""

    page = asked(Whole, "Which page, from 1 on.", example=1, default=1, low=1)
    page_size = asked(Whole, f"How many items a page has, {LARGEST_PAGE} at most.", default=USUAL_PAGE, low=1, high=LARGEST_PAGE)


class Links(Shape):
    """Addresses of this page and of those beside it, with the same filters; null where there is none."""

    self = a(Text, "This page.", example="/api/v1/programmes?page=1&page_size=25")
    next = a(Text, "The next page.", nullable=True)
    previous = a(Text, "The page before.", nullable=True)


def pages_of(item: type[Shape]) -> type[Shape]:
    """The shape of a page of something."""
    made = Shape.from_dict(
        {
            "items": several(item, "What is on this page."),
            "page": a(Whole, "Which page this is.", example=1),
            "page_size": a(Whole, "How many items a full page has.", example=USUAL_PAGE),
            "total": a(Whole, "How many items there are on all pages.", example=1),
            "links": one(Links, "The pages beside this one."),
        },
        name=f"PageOf{item.__name__}",
    )
    made.__doc__ = f"A page of {item.__name__}."
    return made  # type: ignore[return-value]  # from_dict says Schema of what it derives from Shape


def page(items: Sequence[Any], wanted: dict[str, Any], *, total: int) -> dict[str, Any]:
    """A page of items that were cut already."""
    number, size = wanted["page"], wanted["page_size"]
    return {
        "items": items,
        "page": number,
        "page_size": size,
        "total": total,
        "links": {
            "self": _address(number),
            "next": _address(number + 1) if number * size < total else None,
            "previous": _address(number - 1) if number > 1 else None,
        },
    }


def cut(items: Sequence[Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """A page out of a whole list."""
    first = (wanted["page"] - 1) * wanted["page_size"]
    return page(items[first : first + wanted["page_size"]], wanted, total=len(items))


def _address(number: int) -> str:
    kept = {name: value for name, value in request.args.items() if name != "page"}
    return f"{request.path}?{urlencode({**kept, 'page': number})}"
