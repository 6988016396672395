"""The wheel, installed alone into an empty environment, has all that the pages, the models and the campaigns need."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from checkout import ROOT, quiet_environment

pytestmark = pytest.mark.slow

# Runs in the new environment, far from the checkout.
PROBE = """
import json, re, sys
from pathlib import Path
import commsapp
from commsapp import bundled
from commsapp.accounts.service import ensure_local
from commsapp.app import create_app
from commsapp.config import load_settings
from commsapp.storage import database
from commsapp.storage.keyring import open_keyring
from commsapp.storage.session import open_sessions

settings = load_settings({"COMMSAPP_DATA_DIR": sys.argv[1]})
database.upgrade(settings.database_url)
with open_sessions(settings.database_url, keyring=open_keyring(settings)).writing() as session:
    ensure_local(session)
client = create_app(settings).test_client()
page = client.get("/", base_url="http://localhost", follow_redirects=True)  # where one signs in
text = page.get_data(as_text=True)
links = re.findall(r'<link[^>]+href="([^"]+)"', text) + re.findall(r'<script[^>]+src="([^"]+)"', text)
linked = {link: client.get(link, base_url="http://localhost") for link in links if link.startswith("/")}
print(json.dumps({
    "package": str(Path(commsapp.__file__).parent),
    "status": page.status_code,
    "title": "<title" in text and "</html>" in text,
    "elsewhere": [link for link in links if not link.startswith("/")],
    "linked": {link: [reply.status_code, len(reply.data), reply.mimetype] for link, reply in linked.items()},
    "folders": {name: str(getattr(bundled, name)()) for name in ("models", "campaigns", "templates", "static")},
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def probe(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the installed package says of itself."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", "--quiet", str(wheel))
    # Dependencies are those of this environment, as torch alone would take minutes. A path in a .pth file is added, but .pth
    # files in that path are not read, so the one that leads back to the checkout is not followed.
    at = next(path for path in (folder / "env" / "lib").glob("python3*/site-packages") if path.is_dir())
    (at / "dependencies.pth").write_text("".join(f"{path}\n" for path in {purelib(), platlib()}), "utf-8")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    said = run(str(python), "-I", "-c", PROBE, str(folder / "data"), cwd=elsewhere)
    told: dict[str, object] = json.loads(said.splitlines()[-1])
    assert Path(str(told["package"])).is_relative_to(at), "the checkout was found in place of the wheel"
    return told


def purelib() -> str:
    return sysconfig.get_paths()["purelib"]


def platlib() -> str:
    return sysconfig.get_paths()["platlib"]


def run(*command: str, cwd: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=quiet_environment())
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_first_page_is_rendered(probe: dict[str, object]) -> None:
    assert (probe["status"], probe["title"]) == (200, True)


def test_every_script_and_style_of_the_start_page_is_there(probe: dict[str, object]) -> None:
    linked = probe["linked"]
    assert isinstance(linked, dict)
    kinds = {kind for _, _, kind in linked.values()}
    assert {"text/css", "text/javascript"} <= kinds
    assert not {link: reply for link, reply in linked.items() if reply[0] != 200 or reply[1] == 0}
    assert not probe["elsewhere"]


def test_models_campaigns_and_templates_lie_inside_the_package(probe: dict[str, object]) -> None:
    folders = probe["folders"]
    assert isinstance(folders, dict)
    package = Path(str(probe["package"]))
    assert not [name for name, folder in folders.items() if not Path(folder).is_relative_to(package)]
    assert (Path(folders["templates"]) / "base.html").is_file()
    assert list((Path(folders["campaigns"]) / "playbooks").glob("*.yaml"))
    assert list((Path(folders["campaigns"]) / "sample").glob("*.csv"))
    weights = [path for path in (Path(folders["models"]) / "tone").iterdir() if path.suffix in {".safetensors", ".onnx"}]
    assert weights and all(path.stat().st_size > 10_000 for path in weights)
    assert (Path(folders["models"]) / "tone" / "README.md").is_file()


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"commsapp", f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"}
    assert not [name for name in names if name.endswith((".pyc", ".sqlite", ".key")) or "/tests/" in name]
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "commsapp/web/static/vendor/LICENCES.txt" in names
