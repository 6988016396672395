"""What is kept in the repository is ours, is small, and says nothing about the machine it was written on."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from checkout import ROOT, kept_files, named

TEXT = {
    "", ".cfg", ".css", ".html", ".ini", ".js", ".json", ".mako", ".md", ".py", ".sh", ".svg", ".toml", ".txt", ".yaml", ".yml",
}  # fmt: skip
LARGEST = 3 * 1024**2
LARGEST_MODEL_FILE = 25 * 1024**2

THIRD_PARTY = re.compile(
    r"\.min\.(js|css)$|\.(woff2?|ttf|otf|eot)$|(^|/)(node_modules|vendor|site-packages)/|\.(whl|pickle|pkl|pt)$"
)
# Put together from parts, or this file would find itself.
HTTP = "htt" + "p"
HOSTS = ("pypi" + ".org", "files.python" + "hosted.org", "registry.npm" + "js.org", "registry.yarn" + "pkg.com")
ADDRESS = re.compile(
    "|".join(map(re.escape, (*HOSTS, "download.py" + "torch.org")))
    + rf'|"resolved": *"{HTTP}|(index|registry|find-links)(-url)? *[= ] *({HTTP}s?|file):'
)


def texts() -> Iterator[tuple[str, str]]:
    for path in kept_files():
        if path.suffix in TEXT and path.stat().st_size < LARGEST:
            yield named(path), path.read_text("utf-8", errors="replace")


def own_places() -> list[str]:
    """Folders of this machine that no file should speak of: the checkout, what it lies in, the home folder."""
    places = {ROOT, Path.home()} | ({ROOT.parent} if len(ROOT.parent.parts) > 2 else set())
    return sorted(f"{place}/" for place in places if len(place.parts) > 1)


def test_no_file_names_a_place_of_this_machine() -> None:
    places = own_places()
    found = [f"{name}: {place}" for name, text in texts() for place in places if place in text]
    assert not found


def test_no_link_is_kept_in_place_of_a_file_or_a_folder() -> None:
    """A link to another checkout's environment would take the place of one's own."""
    listed = subprocess.run(["git", "ls-files", "--stage"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not [line for line in listed.splitlines() if line.startswith("120000")]


def test_no_file_names_a_package_registry_or_a_download_address() -> None:
    found = [f"{name}: {match[0]}" for name, text in texts() if (match := ADDRESS.search(text))]
    assert not found


def test_a_registry_in_a_lock_file_is_found() -> None:
    assert ADDRESS.search(f'"resolved": "{HTTP}s://example.org/a.tgz"')
    assert ADDRESS.search(f"--index-url {HTTP}s://example.org") and ADDRESS.search(f"registry={HTTP}s://example.org")
    assert not ADDRESS.search("see https://example.org/index of registries")


def test_the_lock_file_has_a_hash_for_every_package() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    assert not [name for name, package in lock["packages"].items() if name and "integrity" not in package]


def test_no_third_party_file_is_kept() -> None:
    assert not [named(path) for path in kept_files() if THIRD_PARTY.search(named(path))]


def test_no_large_file_is_kept() -> None:
    # Sizes in MiB; weights are what models/ is for.
    large = {
        named(path): path.stat().st_size // 1024**2
        for path in kept_files()
        if path.stat().st_size > (LARGEST_MODEL_FILE if named(path).startswith("models/") else LARGEST)
    }
    assert not large
