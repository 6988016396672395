"""Settings: read once, refused in one sentence."""

from pathlib import Path

import pytest

from commsapp.config import load_settings, other_models
from commsapp.errors import BadInput


def refusal(tmp_path: Path, **environ: str) -> str:
    with pytest.raises(BadInput) as caught:
        load_settings({"COMMSAPP_DATA_DIR": str(tmp_path), **environ})
    return str(caught.value)


def test_a_misspelt_setting_is_refused_with_the_right_name(tmp_path: Path) -> None:
    assert "Did you mean COMMSAPP_DATABASE_URL?" in refusal(tmp_path, COMMSAPP_DATABSE_URL="sqlite:///x")


def test_an_address_that_others_could_reach_needs_the_address_that_people_open(tmp_path: Path) -> None:
    assert "Set COMMSAPP_PUBLIC_URL too" in refusal(tmp_path, COMMSAPP_HOST="0.0.0.0")
    public = {"COMMSAPP_HOST": "0.0.0.0", "COMMSAPP_PUBLIC_URL": "https://Listening.example.org/"}
    settings = load_settings({"COMMSAPP_DATA_DIR": str(tmp_path), **public})
    assert (settings.host, settings.address) == ("0.0.0.0", "https://listening.example.org")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://listening.example.org", "without https anybody on the way could read"),
        ("https://listening.example.org/app", "with more than a host"),
        ("listening.example.org", "which is no address"),
        ("ftp://listening.example.org", "which is no address"),
    ],
)
def test_an_address_that_people_could_not_open_safely_is_refused(tmp_path: Path, address: str, sentence: str) -> None:
    assert sentence in refusal(tmp_path, COMMSAPP_PUBLIC_URL=address)


def test_a_port_that_is_no_number_is_refused(tmp_path: Path) -> None:
    assert "COMMSAPP_PORT is 'http'" in refusal(tmp_path, COMMSAPP_PORT="http")


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    assert "shorter than 32" in refusal(tmp_path, COMMSAPP_SECRET_KEY="secret")


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    first = load_settings({"COMMSAPP_DATA_DIR": str(tmp_path)}).secret_key
    assert load_settings({"COMMSAPP_DATA_DIR": str(tmp_path)}).secret_key == first
    assert len(first) >= 32
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0


def test_other_models_are_named_by_settings_and_need_no_data_folder(tmp_path: Path) -> None:
    given = {"COMMSAPP_DATA_DIR": str(tmp_path / "data"), "COMMSAPP_EMOTION_MODEL": "owner/name"}
    assert other_models(given) == {"sentiment_model": "", "emotion_model": "owner/name"}
    assert not (tmp_path / "data").exists()
    settings = load_settings(given)
    assert (settings.sentiment_model, settings.emotion_model) == ("", "owner/name")
