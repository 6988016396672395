"""Where a page stands: the trail of links back from it, and the names of languages."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for

from commsapp.listening.views import Programme

Crumb = dict[str, str]

LANGUAGES = {
    "en": "English", "cy": "Welsh", "gd": "Scottish Gaelic", "ga": "Irish", "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali",
    "cs": "Czech", "de": "German", "es": "Spanish", "fa": "Farsi", "fr": "French", "gu": "Gujarati", "hi": "Hindi",
    "hu": "Hungarian", "it": "Italian", "ku": "Kurdish", "lt": "Lithuanian", "lv": "Latvian", "nl": "Dutch", "pa": "Punjabi",
    "pl": "Polish", "ps": "Pashto", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "so": "Somali",
    "sq": "Albanian", "ta": "Tamil", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
"""Languages that people in Britain often speak, by their code."""


def language(code: str) -> str:
    """'cy' → 'Welsh'; a code that isn't on the list stays as it is."""
    return LANGUAGES.get(code.partition("-")[0], code)


def reason(words: str) -> str:
    """Why a comment was set aside, with the name of its language: 'language not read: cy' → 'language not read: Welsh'."""
    before, colon, after = words.partition(": ")
    return f"{before}{colon}{language(after)}"


def trail(programme: Programme, *steps: tuple[str, str]) -> list[Crumb]:
    """Breadcrumbs to a page of a programme; ``steps`` are (words, address) of the pages between the two."""
    above = [
        ("Programmes", address_of("programmes.index")),
        (programme.name, address_of("programmes.show", programme_id=programme.id)),
    ]
    return [{"text": text, "href": href} for text, href in (*above, *steps) if href]


def address_of(endpoint: str, **values: Any) -> str:
    """Address of a page; '' where this application doesn't have it, as a test may run with few pages."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else ""
