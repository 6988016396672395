"""Model cards are complete and agree with the models that they describe."""

from __future__ import annotations

from pathlib import Path

import pytest

from commsapp import bundled
from commsapp.errors import Unavailable
from commsapp.textmodels.cards import read_card, read_cards
from commsapp.textmodels.encoder import ENCODER_SHA256, Encoder
from commsapp.textmodels.tone import EMOTIONS, LABELS, ToneModel


def test_each_model_has_a_card() -> None:
    folders = sorted(path.name for path in bundled.models().iterdir() if path.is_dir() and not path.name.startswith("_"))
    assert [card.folder for card in read_cards()] == folders
    for card in read_cards():
        assert card.summary.endswith(".")
        assert "## Limits" in card.text


def test_the_cards_agree_with_the_models(tone: ToneModel) -> None:
    encoder, card = (read_card(bundled.models() / name) for name in ("encoder", "tone"))
    assert encoder.metrics["sha256"] == card.metrics["encoder_sha256"] == ENCODER_SHA256
    assert ENCODER_SHA256 in encoder.text
    assert set(encoder.languages) == Encoder.languages
    assert set(card.languages) == tone.languages
    assert (tuple(card.metrics["sentiments"]), tuple(card.metrics["emotions"])) == (LABELS, EMOTIONS)


@pytest.mark.parametrize("readme", ["no front matter", "---\nname: x\n---\ntext", "---\n: [\n---\ntext"])
def test_a_broken_card_is_one_clear_sentence(tmp_path: Path, readme: str) -> None:
    (tmp_path / "README.md").write_text(readme, "utf-8")
    (tmp_path / "metrics.json").write_text("{}", "utf-8")
    with pytest.raises(Unavailable, match="missing or broken"):
        read_card(tmp_path)
