"""What a codebook drafted by the machine is, and how it is kept in a folder: JSON and safetensors, never a pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from commsapp.errors import BadInput
from commsapp.textmodels.encoder import ENCODER_VERSION
from commsapp.textmodels.tree import Tree

Granularity = Literal["coarse", "medium", "fine"]
GRANULARITIES: tuple[Granularity, ...] = ("coarse", "medium", "fine")
MOST_TOPICS = 500
"""More than anybody reads."""
NO_TOPIC = -1
_TEXT = "codebook.json"
_CENTROIDS = "centroids.safetensors"
_FORMAT = 1
_CURE = "Save the codebook again, or choose another folder."


def granularity_of(text: str) -> Granularity | int:
    """A granularity as people write it: coarse, medium, fine, or how many topics they want.

    Raises
    ------
    BadInput : it is neither.

    """
    word = text.strip().lower()
    named = next((known for known in GRANULARITIES if known == word), None)
    if named is not None:
        return named
    if word.isdecimal() and len(word) < 5 and 2 <= int(word) <= MOST_TOPICS:
        return int(word)
    raise BadInput(
        f"'{text[:40]}' says nothing of how many topics there should be.",
        f"Use one of {', '.join(GRANULARITIES)}, or a number from 2 to {MOST_TOPICS}.",
    )


@dataclass(frozen=True, eq=False)
class TopicDraft:
    """A topic as found: ``centroid`` is its unit-length mean embedding (384,), ``size`` the comments that it was given.

    ``prototypes`` (parts, 384) are the middles of its parts, by which comments are coded; a codebook from before they came
    has none, and codes by the centroid.

    ``examples`` are row positions, in the texts it was found in, of distinct comments nearest to the centroid. ``parts`` (parts,)
    says which of the codebook's leaves each prototype is of; empty where the topic is of none. ``stability`` is the mean Jaccard
    similarity, 0 to 1, to the most alike topic that is found in a part of the texts; None where nobody looked.
    """

    number: int
    name: str
    phrases: tuple[str, ...]
    centroid: npt.NDArray[np.float32]
    size: int
    examples: tuple[int, ...]
    prototypes: npt.NDArray[np.float32] | None = None
    parts: tuple[int, ...] = ()
    stability: float | None = None

    @property
    def middles(self) -> npt.NDArray[np.float32]:
        """What a comment is compared with: (parts, 384)."""
        return self.centroid[np.newaxis] if self.prototypes is None else self.prototypes


@dataclass(frozen=True)
class Leaf:
    """One of the finest groups that topics were put together from: its telling phrases, best first, and how many texts it has."""

    phrases: tuple[str, ...]
    size: int


@dataclass(frozen=True, eq=False)
class CodebookDraft:
    """A list of topics and the similarity below which a comment fits none. ``version`` is the hash of what coding depends on.

    ``tree`` says how the finest groups, ``leaves``, lie within larger ones, so that a topic can be made of more or fewer of them.
    """

    encoder_version: str
    granularity: str
    topics: tuple[TopicDraft, ...]
    threshold: float
    version: str
    leaves: tuple[Leaf, ...] = ()
    tree: Tree | None = None

    def name_of(self, number: int) -> str:
        """Name of the topic with that number; empty for none."""
        return next((topic.name for topic in self.topics if topic.number == number), "")


def make_codebook(
    *,
    encoder_version: str,
    granularity: str,
    topics: Iterable[TopicDraft],
    threshold: float,
    leaves: tuple[Leaf, ...] = (),
    tree: Tree | None = None,
) -> CodebookDraft:
    """Put topics together and give the codebook its version."""
    frozen = tuple(topics)
    version = _version(encoder_version, frozen, threshold)
    return CodebookDraft(encoder_version, granularity, frozen, threshold, version, leaves, tree)


def _version(encoder_version: str, topics: tuple[TopicDraft, ...], threshold: float) -> str:
    digest = hashlib.sha256(json.dumps([_FORMAT, encoder_version, repr(float(threshold))]).encode())
    for topic in topics:
        digest.update(json.dumps([topic.number, topic.name, list(topic.phrases)]).encode())
        digest.update(np.ascontiguousarray(topic.centroid, dtype="<f4").tobytes())
        if topic.prototypes is not None:
            digest.update(np.ascontiguousarray(topic.prototypes, dtype="<f4").tobytes())
    return digest.hexdigest()[:16]


def save_codebook(codebook: CodebookDraft, folder: Path) -> None:
    """Write a codebook into a folder, which is made when it isn't there.

    Raises
    ------
    BadInput : the folder can't be written to.

    """
    from safetensors.numpy import save_file

    content = {
        "format": _FORMAT,
        "version": codebook.version,
        "encoder": codebook.encoder_version,
        "granularity": codebook.granularity,
        "threshold": codebook.threshold,
        "topics": [
            {
                **{"number": t.number, "name": t.name, "phrases": list(t.phrases), "size": t.size},
                **{"examples": list(t.examples), "parts": list(t.parts), "stability": t.stability},
            }
            for t in codebook.topics
        ],
        "leaves": [{"phrases": list(leaf.phrases), "size": leaf.size} for leaf in codebook.leaves],
        "merges": [] if codebook.tree is None else [list(pair) for pair in codebook.tree.merges],
    }
    centroids = np.stack([t.centroid for t in codebook.topics]) if codebook.topics else np.zeros((0, 0))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        numbers = {"centroids": np.ascontiguousarray(centroids, dtype=np.float32)}
        if codebook.topics and all(topic.prototypes is not None for topic in codebook.topics):
            numbers["prototypes"] = np.ascontiguousarray(np.concatenate([t.middles for t in codebook.topics]), dtype=np.float32)
            numbers["parts"] = np.array([len(t.middles) for t in codebook.topics], dtype=np.int64)
        save_file(numbers, folder / _CENTROIDS)
        (folder / _TEXT).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"The codebook can't be written to {folder}: {error.strerror}.", "Choose another folder.") from error


def load_codebook(folder: Path, *, encoder_version: str = ENCODER_VERSION) -> CodebookDraft:
    """Read a codebook that `save_codebook` wrote.

    Raises
    ------
    BadInput : it is missing, broken, was changed by hand, or was made with another encoder.

    """
    if not (folder / _TEXT).is_file():
        raise BadInput(f"There is no codebook in {folder} ({_TEXT} is missing).", "Save one with --save-codebook.")
    try:
        content = json.loads((folder / _TEXT).read_text("utf-8"))
        encoder, threshold, granularity = str(content["encoder"]), float(content["threshold"]), str(content["granularity"])
        topics = _topics(content["topics"], *_numbers(folder / _CENTROIDS))
        leaves, tree = _tree(content)
        stated = content["version"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"The codebook in {folder} is broken.", _CURE) from error
    if encoder != encoder_version:
        raise BadInput(
            f"The codebook in {folder} was made with the encoder {encoder}, but this is {encoder_version}.",
            "Find topics anew, without --codebook.",
        )
    codebook = make_codebook(
        encoder_version=encoder, granularity=granularity, topics=topics, threshold=threshold, leaves=leaves, tree=tree
    )
    if codebook.version != stated:
        raise BadInput(f"The codebook in {folder} was changed after it was saved.", _CURE)
    return codebook


def _numbers(path: Path) -> tuple[npt.NDArray[np.float32], list[npt.NDArray[np.float32] | None]]:
    """The centroids, and the prototypes of each topic where the file has any."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        found = load_file(path)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    centroids = _table(found["centroids"])
    if "prototypes" not in found:
        return centroids, [None] * len(centroids)
    ends = np.cumsum(found["parts"])
    prototypes = _table(found["prototypes"])
    if len(ends) != len(centroids) or (found["parts"] < 1).any() or ends[-1:] != [len(prototypes)]:
        raise ValueError("prototypes and topics don't fit together")
    return centroids, list(np.split(prototypes, ends[:-1]))


def _table(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if values.ndim != 2 or values.dtype != np.float32 or not np.isfinite(values).all():
        raise ValueError("not a table of numbers")
    return cast("npt.NDArray[np.float32]", values)


def _topics(
    rows: list[dict[str, Any]], centroids: npt.NDArray[np.float32], prototypes: list[npt.NDArray[np.float32] | None]
) -> list[TopicDraft]:
    return [
        TopicDraft(
            number=int(row["number"]),
            name=str(row["name"]),
            phrases=tuple(str(phrase) for phrase in row["phrases"]),
            centroid=centroid,
            size=int(row["size"]),
            examples=tuple(int(position) for position in row["examples"]),
            prototypes=middles,
            parts=tuple(int(leaf) for leaf in row.get("parts", ())),
            stability=None if row.get("stability") is None else float(row["stability"]),
        )
        for row, centroid, middles in zip(rows, centroids, prototypes, strict=True)
    ]


def _tree(content: dict[str, Any]) -> tuple[tuple[Leaf, ...], Tree | None]:
    """Leaves and tree; none in a codebook from before they came."""
    leaves = tuple(Leaf(tuple(map(str, leaf["phrases"])), int(leaf["size"])) for leaf in content.get("leaves", ()))
    merges = tuple((int(one), int(other)) for one, other in content.get("merges", ()))
    if len(merges) != max(0, len(leaves) - 1):
        raise ValueError("leaves and tree don't fit together")
    return leaves, Tree(len(leaves), merges) if leaves else None
