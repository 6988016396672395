"""Another classifier in the place of ours: a Hugging Face sequence classifier in a folder, or in this machine's cache.

Weights are read from safetensors or ONNX and from nothing else: other formats can run code when they are read. Labels are
mapped by their names, and what isn't known is refused. Nothing is fetched here: a model that somebody names must be on this
machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from commsapp.errors import BadInput, Unavailable
from commsapp.textmodels import windows
from commsapp.textmodels.tone import EMOTIONS, LABELS, Odds, Part
from commsapp.textmodels.windows import Floats, Progress

SENTIMENT_SETTING, EMOTION_SETTING = "COMMSAPP_SENTIMENT_MODEL", "COMMSAPP_EMOTION_MODEL"

# The grouping of GoEmotions (Demszky et al. 2020) into Ekman's six.
_GROUPS = {
    "anger": ("annoyance", "disapproval"),
    "disgust": (),
    "fear": ("nervousness",),
    "joy": (
        *("amusement", "approval", "excitement", "gratitude", "love", "optimism"),
        *("relief", "pride", "admiration", "desire", "caring"),
    ),
    "sadness": ("disappointment", "embarrassment", "grief", "remorse"),
    "surprise": ("realization", "confusion", "curiosity"),
    "neutral": (),
}  # fmt: skip
EMOTION_OF = {name: emotion for emotion, own in _GROUPS.items() for name in (emotion, *own)}
"""GoEmotions' label → one of ours."""

_HALF = 0.5
"""From which probability another model is believed, as nobody has measured it on texts held out."""

_NAMES = "labels.json"
_FILES = ("config.json", "tokenizer.json", "model.safetensors", "model.onnx", _NAMES)
_OTHERS = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt", "*.h5", "*.msgpack")
_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def is_id(place: str) -> bool:
    """Whether a setting names a model as Hugging Face does: 'owner/name'."""
    return _ID.fullmatch(place) is not None


def load_sentiment_part(place: str) -> Part:
    """Load what says the sentiment from a folder or a Hugging Face id.

    Raises
    ------
    BadInput : it is no classifier of negative, neutral and positive, or in a format that isn't read. Unavailable : it isn't here.

    """
    reader = _load(SENTIMENT_SETTING, place, {name: name for name in LABELS}, LABELS)
    return Part(reader, slice(None), reader.version, {"unsure": _HALF})


def load_emotion_part(place: str) -> Part:
    """Load what says the emotions from a folder or a Hugging Face id: Ekman's, or GoEmotions' 28, which are grouped.

    Raises
    ------
    BadInput : it is no classifier of emotions, or in a format that isn't read. Unavailable : it isn't here.

    """
    reader = _load(EMOTION_SETTING, place, EMOTION_OF, EMOTIONS)
    return Part(reader, slice(None), reader.version, dict.fromkeys(EMOTIONS, _HALF))


@dataclass(frozen=True, eq=False)
class _Grouping:
    """Which of a model's outputs make which of our labels. ``several``: the labels don't exclude each other."""

    members: tuple[tuple[int, ...], ...]
    several: bool

    def odds(self, logits: Any) -> Floats:
        """Probabilities (rows, our labels)."""
        logits = np.asarray(logits, dtype=np.float64)
        if self.several:
            each = 1 / (1 + np.exp(-logits))
            return np.stack([each[:, own].max(1) for own in map(list, self.members)], 1).astype(np.float32)
        powers = np.exp(logits - logits.max(1, keepdims=True))
        each = powers / powers.sum(1, keepdims=True)
        return np.stack([each[:, own].sum(1) for own in map(list, self.members)], 1).astype(np.float32)


class _Classifier:
    """A sequence classifier of somebody else; ``version`` names its weights and how its labels are read."""

    # Nobody says what a classifier reads; the encoder that stands beside it reads English.
    languages = frozenset({"en"})

    def __init__(self, run: Any, tokenizer: Any, special: tuple[int, int], padding: int, groups: _Grouping, version: str) -> None:
        self._run = run
        self._tokenizer = tokenizer
        self._special = special
        self._padding = padding
        self._groups = groups
        self.version = version

    def read(self, texts: Sequence[str], progress: Progress | None = None) -> Odds:
        """Probabilities of our labels; each text alone and in any batch the same, see `commsapp.textmodels.windows`."""
        out = np.full((len(texts), len(self._groups.members)), 1 / len(self._groups.members))
        for position, mean in windows.run(
            texts, tokenize=self._ids, special=self._special, compute=self._compute, progress=progress
        ):
            out[position] = mean
        return np.asarray(np.clip(out, 0, 1))

    def _ids(self, texts: list[str]) -> list[list[int]]:
        return [list(one.ids) for one in self._tokenizer.encode_batch(texts, add_special_tokens=False)]

    def _compute(self, ids: Any, mask: Any) -> Floats:
        return self._groups.odds(self._run(np.where(mask == 1, ids, self._padding), mask))


def _load(setting: str, place: str, known: Mapping[str, str], wanted: tuple[str, ...]) -> _Classifier:
    folder = _folder(setting, place)
    weights = next((folder / name for name in ("model.safetensors", "model.onnx") if (folder / name).is_file()), None)
    if weights is None:
        others = sorted(path.name for pattern in _OTHERS for path in folder.glob(pattern))
        found = f"only {', '.join(others)}, which could run code when it is read" if others else "no weights"
        raise BadInput(f"The model that {setting} names has {found}.", "Use one with model.safetensors or model.onnx.")
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        labels = {int(number): str(name) for number, name in config["id2label"].items()}
        renamed = json.loads((folder / _NAMES).read_text("utf-8")) if (folder / _NAMES).is_file() else {}
        if not isinstance(renamed, dict) or sorted(labels) != list(range(len(labels))):
            raise ValueError("labels")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"The model that {setting} names has no config.json with labels that can be read.", _USABLE) from error
    members = _members(setting, labels, renamed, known, wanted)
    tokenizer, special, padding = _tokenizer(setting, folder, config)
    several = config.get("problem_type") == "multi_label_classification"
    run = _onnx(setting, weights) if weights.suffix == ".onnx" else _safetensors(setting, folder)
    grouping = _Grouping(members, several)
    version = f"{_called(place)}/{_digest(weights, grouping)[:8]}"
    return _Classifier(run, tokenizer, special, padding, grouping, version)


_USABLE = "Use a folder with config.json, tokenizer.json and model.safetensors or model.onnx of a sequence classifier."


def _folder(setting: str, place: str) -> Path:
    """The folder that a setting names: itself, or the one in the cache where a model of that id lies."""
    if Path(place).is_dir():
        return Path(place)
    if not is_id(place):
        raise BadInput(f"{setting} is '{place}', which is no folder here and no Hugging Face id.", _USABLE)
    os.environ["HF_HUB_OFFLINE"] = "1"
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(place, allow_patterns=list(_FILES), local_files_only=True))
    except Exception as error:
        raise Unavailable(
            f"The model {place} that {setting} names is not on this machine.",
            f"Bring it with 'hf download {place}', name a folder with its files, or name huggingface.co in "
            "COMMSAPP_OUTGOING_HOSTS.",
        ) from error


def _members(
    setting: str, labels: Mapping[int, str], renamed: Mapping[str, Any], known: Mapping[str, str], wanted: tuple[str, ...]
) -> tuple[tuple[int, ...], ...]:
    """For each of our labels the outputs that stand for it. A label that ``renamed`` maps to null stands for none."""
    own: dict[str, list[int]] = {name: [] for name in wanted}
    unknown = []
    for number, name in sorted(labels.items()):
        meant = renamed.get(name, name)
        if meant is None:
            continue
        ours = known.get(str(meant).strip().lower())
        if ours is None:
            unknown.append(name)
        else:
            own[ours].append(number)
    if unknown:
        raise BadInput(
            f"The model that {setting} names has labels that are not known: {', '.join(unknown)}.",
            f'Say what they mean in its {_NAMES}, such as {{"{unknown[0]}": "{wanted[0]}"}}; known are: {", ".join(known)}.',
        )
    missing = [name for name in wanted if not own[name]]
    if missing:
        raise BadInput(
            f"The model that {setting} names never says {', '.join(missing)}; its labels are {', '.join(labels.values())}.",
            f"Use one that can say {', '.join(wanted)}.",
        )
    return tuple(tuple(own[name]) for name in wanted)


def _tokenizer(setting: str, folder: Path, config: Mapping[str, Any]) -> tuple[Any, tuple[int, int], int]:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library raises what its Rust part gives
        raise BadInput(f"The model that {setting} names has no tokenizer.json that can be read.", _USABLE) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    special = tokenizer.encode("").ids
    # RoBERTa counts positions from behind its padding token.
    room = config.get("max_position_embeddings") or windows.WINDOW + 2
    if len(special) != 2 or room < windows.WINDOW:
        raise BadInput(
            f"The model that {setting} names doesn't read windows of {windows.WINDOW} tokens between two special ones.",
            "Use one of the kinds BERT, RoBERTa, DistilBERT or DeBERTa.",
        )
    return tokenizer, (special[0], special[1]), int(config.get("pad_token_id") or 0)


def _safetensors(setting: str, folder: Path) -> Any:
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from transformers import AutoModelForSequenceClassification

    try:
        network = AutoModelForSequenceClassification.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, dtype=torch.float32
        )
    except Exception as error:
        raise BadInput(f"The model that {setting} names can't be read ({type(error).__name__}).", _USABLE) from error
    network.train(mode=False)

    def run(ids: Any, mask: Any) -> Any:
        with torch.inference_mode():
            return network(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).logits.numpy()

    return run


def _onnx(setting: str, path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise Unavailable(
            f"The model that {setting} names needs onnxruntime.", "Install commsapp with its extra 'names'."
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BadInput(f"The model that {setting} names can't be read ({type(error).__name__}).", _USABLE) from error
    inputs = {one.name for one in session.get_inputs()}
    output = session.get_outputs()[0].name

    def run(ids: Any, mask: Any) -> Any:
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return session.run([output], {name: value for name, value in given.items() if name in inputs})[0]

    return run


def _called(place: str) -> str:
    """A model's name in codings and results: the last part of where it lies."""
    return re.sub(r"[^\w.-]+", "-", Path(place).resolve().name if Path(place).is_dir() else place.partition("/")[2]) or "model"


def _digest(weights: Path, grouping: _Grouping) -> str:
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    # Other meanings of the same outputs are other codings.
    digest.update(json.dumps([grouping.members, grouping.several]).encode())
    return digest.hexdigest()
