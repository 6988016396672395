"""``commsapp code``: rows and cells as they were, exact columns beside them, and sentences where it can't be done."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass
from pathlib import Path

import given
import numpy as np
import pandas as pd
import pytest
from typed import Typed, typed, typed_apart

from commsapp.listening import coding
from commsapp.listening.files import read_frame
from commsapp.textmodels.tone import Tones

COLUMNS = [
    *("coded_language", "coded_topic", "coded_topic_name", "coded_sentiment"),
    *("coded_negative", "coded_neutral", "coded_positive", "coded_skipped"),
    *("coded_unsure", "coded_emotions"),
    *("coded_anger", "coded_disgust", "coded_fear", "coded_joy", "coded_sadness", "coded_surprise", "coded_neutral_emotion"),
]
EMOTIONS = COLUMNS[-7:]
TONES = ["coded_negative", "coded_neutral", "coded_positive"]
PLACES = (
    *("by the school", "at the station", "behind the shops", "in the park", "near the club"),
    "down our lane",
    "by the river",
)
SAID = [
    text.format(place)
    for place in PLACES
    for text in (
        "Drug dealers stand {} every night",
        "Somebody sells cocaine {} and nobody stops them",
        "Fridges and tyres are dumped {}",
        'They said "leave it", so rubbish piles up {}',
        "A scam caller asked for my bank card {}",
        "My password was stolen by a fake bank text {}",
        "The police were kind to us {}, thank you",
        "Lovely officers, so helpful\n{}",
    )
]
ODD = [
    "",
    "Mae pobl ifanc yn cael eu defnyddio i werthu cyffuriau yn y dref.",
    "👍",
    "---",
    SAID[0],
    "=SUM(A1:A2) is what the thief wrote",
]
TEXTS = [*SAID, *ODD]


def row(number: int, text: str) -> dict[str, str]:
    return {"id": f"{number:03}", "note": "007" if number % 2 else " =1+1 ", "comment": text, "empty": ""}


@dataclass(frozen=True)
class Coded:
    """Three runs over the same words: to CSV with its codebook kept, to XLSX, and with that codebook, packed, to Parquet."""

    table: pd.DataFrame
    csv: pd.DataFrame
    xlsx: pd.DataFrame
    parquet: pd.DataFrame
    said: Typed


@pytest.fixture(scope="module")
def coded(tmp_path_factory: pytest.TempPathFactory) -> Coded:
    folder = tmp_path_factory.mktemp("code")
    rows = [row(number, text) for number, text in enumerate(TEXTS)]
    source = given.table(folder / "said.csv", rows)
    packed = folder / "more.csv.gz"
    later = given.table(folder / "more.csv", [row(900, "Young people sell drugs at night"), *reversed(rows)])
    packed.write_bytes(gzip.compress(later.read_bytes()))
    how = [
        ("code", source, "--text", "comment", "--output", folder / "out.csv", "--save-codebook", folder / "codebook"),
        ("code", source, "--text", "comment", "-o", folder / "out.xlsx"),
        ("code", packed, "--text", "comment", "-o", folder / "out.parquet", "--codebook", folder / "codebook"),
    ]
    runs = [typed(*how[0]), typed(*how[1]), typed_apart(*how[2], folder=folder / "data")]
    assert [run.status for run in runs] == [0, 0, 0], [run.err[-2_000:] for run in runs]
    assert not (folder / "data").exists()  # no database, no key, no settings
    return Coded(
        table=pd.DataFrame(rows),
        csv=read_frame(folder / "out.csv"),
        xlsx=pd.read_excel(folder / "out.xlsx", dtype=object, keep_default_na=False, engine="calamine"),
        parquet=pd.read_parquet(folder / "out.parquet"),
        said=runs[0],
    )


@pytest.mark.slow
def test_the_rows_and_cells_of_the_input_come_out_as_they_were_and_in_order(coded: Coded) -> None:
    assert list(coded.csv.columns) == [*coded.table.columns, *COLUMNS]
    for out in (coded.csv, coded.xlsx):
        assert out[list(coded.table.columns)].to_dict("list") == coded.table.to_dict("list")


@pytest.mark.slow
def test_what_was_coded_has_a_topic_and_a_tone_and_what_was_not_has_a_reason(coded: Coded) -> None:
    out = coded.csv
    skipped = out[out["coded_skipped"] != ""]
    assert dict(zip(skipped["comment"], skipped["coded_skipped"], strict=True)) == {
        "": "empty",
        ODD[1]: "language not read: cy",
        "---": "no words",
    }
    assert (skipped["coded_topic"] == "-1").all()
    assert (skipped[["coded_sentiment", "coded_topic_name", *TONES]] == "").all(axis=None)
    kept = out[out["coded_skipped"] == ""]
    assert kept["coded_topic"].str.fullmatch(r"-1|\d+").all()
    assert kept["coded_topic"].astype(int).nunique() >= 3
    assert ((kept["coded_topic"] == "-1") == (kept["coded_topic_name"] == "")).all()
    tones = kept[TONES].astype(float)
    assert np.allclose(tones.sum(axis=1), 1, atol=1e-9)
    assert (kept["coded_sentiment"] == tones.idxmax(axis=1).str.removeprefix("coded_")).all()
    assert set(kept["coded_sentiment"]) <= {"negative", "neutral", "positive"}
    assert kept.loc[kept["comment"] == SAID[0], COLUMNS].drop_duplicates().shape[0] == 1
    assert out.loc[out["comment"] == ODD[1], "coded_language"].tolist() == ["cy"]


@pytest.mark.slow
def test_another_run_into_another_kind_of_file_has_the_same_content(coded: Coded) -> None:
    csv, xlsx = coded.csv, coded.xlsx
    texts = [name for name in COLUMNS if name not in (*TONES, *EMOTIONS, "coded_topic")]
    assert xlsx[texts].to_dict("list") == csv[texts].to_dict("list")
    assert xlsx["coded_topic"].tolist() == csv["coded_topic"].astype(int).tolist()
    for name in (*TONES, *EMOTIONS):
        assert pd.to_numeric(xlsx[name]).tolist() == pytest.approx(pd.to_numeric(csv[name]).tolist(), abs=1e-12, nan_ok=True)


@pytest.mark.slow
def test_a_kept_codebook_gives_the_same_text_the_same_topic_in_another_process_and_file(coded: Coded) -> None:
    later = coded.parquet.iloc[1:][::-1].reset_index(drop=True)
    assert later["coded_topic"].tolist() == coded.csv["coded_topic"].astype(int).tolist()
    assert later["coded_topic_name"].tolist() == coded.csv["coded_topic_name"].tolist()
    assert later[TONES].to_numpy() == pytest.approx(coded.csv[TONES].apply(pd.to_numeric).to_numpy(), abs=1e-12, nan_ok=True)
    assert pd.api.types.is_integer_dtype(coded.parquet["coded_topic"])
    assert coded.parquet["id"].tolist() == ["900", *reversed(coded.csv["id"].tolist())]


@pytest.mark.slow
def test_it_says_how_many_rows_and_topics_there_were_and_how_many_were_not_coded(coded: Coded) -> None:
    last = coded.said.out.strip().splitlines()[-1]
    assert last.startswith(f"{len(TEXTS)} rows, ")
    assert "3 not coded." in last


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(coding, "load_encoder", lambda: pytest.fail("a model was loaded before the mistake was seen"))
    return given.table(tmp_path / "said.csv", [row(1, "Words")])


def test_a_wrong_column_is_named_with_those_that_there_are(source: Path, tmp_path: Path) -> None:
    ended = typed("code", source, "--text", "words", "--output", tmp_path / "out.csv")
    assert ended.status == 2
    assert ended.sentence == "There is no column 'words'. Choose one of: id, note, comment, empty."
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("output", ["missing/out.csv", "out.json", "out", "folder.csv"])
def test_an_output_that_cannot_be_is_refused_before_any_work(source: Path, tmp_path: Path, output: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    ended = typed("code", source, "--text", "comment", "--output", tmp_path / output)
    assert ended.status == 2
    assert output.rsplit("/", 1)[0] in ended.sentence


def test_codebooks_that_cannot_be_used_are_refused_before_any_work(source: Path, tmp_path: Path) -> None:
    out = ("--text", "comment", "--output", tmp_path / "out.csv")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "codebook.json").write_text("{", encoding="utf-8")
    for more in (
        ("--codebook", tmp_path / "nowhere"),
        ("--codebook", broken),
        ("--save-codebook", source),
        ("--save-codebook", tmp_path / "a", "--codebook", tmp_path / "b"),
    ):
        ended = typed("code", source, *out, *more)
        assert ended.status == 2, more
        assert ended.sentence
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("name", ["nowhere.csv", "empty.csv", "binary.xlsx", "folder"])
def test_a_file_that_cannot_be_read_gives_one_sentence(source: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "binary.xlsx").write_bytes(os.urandom(2_000))
    (tmp_path / "folder").mkdir()
    ended = typed("code", tmp_path / name, "--text", "comment", "--output", tmp_path / "out.csv")
    assert ended.status == 2
    assert name in ended.sentence


def test_a_file_whose_name_is_no_text_is_coded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coding, "load_encoder", Nothing)
    monkeypatch.setattr(coding, "load_tone", Nothing)
    path = given.table(tmp_path / os.fsdecode(b"bad\xff.csv"), [{"comment": "---"}, {"comment": ""}])
    ended = typed("code", path, "--text", "comment", "--output", tmp_path / "out.csv")
    assert ended.status == 0, ended.err
    assert "Topics in bad?.csv" in ended.out


def test_a_table_that_would_not_fit_into_a_sheet_is_refused_before_any_work(source: Path, tmp_path: Path) -> None:
    long = given.table(tmp_path / "long.csv", [row(1, "word " * 10_000)])
    ended = typed("code", long, "--text", "comment", "--output", tmp_path / "out.xlsx")
    assert ended.status == 2
    assert ended.sentence.endswith("more than a sheet's cell holds. Write CSV or Parquet.")


def test_a_table_that_was_coded_before_is_not_overwritten(source: Path, tmp_path: Path) -> None:
    path = given.table(tmp_path / "coded.csv", [{"comment": "Words", "coded_topic": "1"}])
    ended = typed("code", path, "--text", "comment", "--output", tmp_path / "out.csv")
    assert ended.status == 2
    assert "'coded_topic' already" in ended.sentence


class Nothing:
    """A model for texts that there are none of."""

    languages = frozenset({"en"})
    version = "all-MiniLM-L6-v2/53aa5117"

    def encode(self, texts: list[str], progress: object = None) -> np.ndarray:
        assert not texts
        return np.zeros((0, 384), dtype=np.float32)

    def __init__(self, **_set: str) -> None:
        pass

    def score(self, texts: list[str], progress: object = None) -> Tones:
        return Tones(np.zeros((len(texts), 3)), np.zeros((len(texts), 7)))

    def unsure(self, sentiments: np.ndarray) -> np.ndarray:
        return np.zeros(len(sentiments), dtype=bool)

    def heard(self, emotions: np.ndarray) -> list[tuple[str, ...]]:
        return [() for _ in emotions]


def test_rows_that_cannot_be_read_stay_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coding, "load_encoder", Nothing)
    monkeypatch.setattr(coding, "load_tone", Nothing)
    path = tmp_path / "[b]broken[:fire:].csv"
    path.write_text('id,comment\n1,\n2,"never closed\n\n3,---\n4,,,[/] too many\n', encoding="utf-8")
    ended = typed("code", path, "--text", "comment", "--output", tmp_path / "out.csv")
    assert ended.status == 0, ended.err
    assert "[b]broken[:fire:].csv" in ended.out  # brackets are words, not markup
    out = read_frame(tmp_path / "out.csv")
    assert out["coded_skipped"].tolist() == ["empty", "unreadable row", "empty", "no words", "unreadable row"]
    assert out["id"].tolist() == ["1", "", "", "3", "4"]
    assert (out["coded_topic"] == "-1").all()
    assert "[/] too many" in out.iloc[4].tolist()
    assert '2,"never closed' in out.iloc[1].tolist()


def test_the_file_that_is_read_is_never_overwritten(tmp_path: Path) -> None:
    source = given.table(tmp_path / "said.csv", [{"comment": SAID[0]}])
    before = source.read_bytes()
    (tmp_path / "folder").mkdir()
    ended = typed("code", source, "--text", "comment", "--output", tmp_path / "folder" / ".." / "said.csv")
    assert ended.status == 2
    assert "is the file that is read" in ended.sentence
    assert source.read_bytes() == before
