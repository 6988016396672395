"""The models are loaded once for all tests: that costs some seconds."""

from __future__ import annotations

import pytest

from commsapp.textmodels.encoder import Encoder, load_encoder
from commsapp.textmodels.sentiment import SentimentModel, load_sentiment


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return load_encoder()


@pytest.fixture(scope="session")
def sentiment() -> SentimentModel:
    return load_sentiment()
