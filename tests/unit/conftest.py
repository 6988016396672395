"""The models are loaded once for all tests: that costs some seconds."""

from __future__ import annotations

import pytest

from commsapp.textmodels.encoder import Encoder, load_encoder
from commsapp.textmodels.tone import ToneModel, load_tone


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return load_encoder()


@pytest.fixture(scope="session")
def tone() -> ToneModel:
    return load_tone()
