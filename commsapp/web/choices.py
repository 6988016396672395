"""What people choose between, in the words that pages use for it: how people were chosen, handling levels, what a column is."""

from __future__ import annotations

from commsapp.actor import HandlingLevel

CHOSEN = {
    "random": "Drawn at random",
    "quota": "Picked to fill quotas",
    "opt-in": "They chose themselves",
    "everything": "Everything that came in",
}
CHOSEN_HINTS = {
    "random": "Everybody had a known chance to be asked, as in a sampled survey. Shares speak of people.",
    "quota": "So many of each age, sex or area were asked, as in an online panel. Shares speak of people, with care.",
    "opt-in": "Whoever wanted to could speak: an open survey, an event, an inbox. Shares speak of feedback, never of people.",
    "everything": "All calls or messages of a period, as in a hotline log. Shares speak of feedback, never of people.",
}

HANDLING = {
    HandlingLevel.OPEN.value: "everybody in your organisation but partners",
    HandlingLevel.OFFICIAL_SENSITIVE.value: "those cleared for it",
    HandlingLevel.CONCERN.value: "somebody may be at risk; held back from the analysis",
}
"""What each handling level means; its name is the organisation's (`levels`)."""

READ_AS = {
    "text": "What people said (comment)",
    "date": "Date",
    "area": "Area",
    "attribute": "About the person (attribute)",
    "question": "Answer to a closed question",
    "language": "Language of the comment",
    "translation": "Translation into English",
    "translator": "Who translated",
    "weight": "Survey weight",
    "respondent": "Key of the person",
    "identity": "Id of the response",
    "consent": "Consent",
    "handling": "Handling level",
    "skip": "Leave out",
}
"""Every field of a column mapping, and 'skip'; attributes and questions may be chosen for several columns."""

OFTEN = frozenset({"attribute", "question", "skip"})
