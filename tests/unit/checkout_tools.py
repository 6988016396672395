"""The scripts of tools/, which are no package, as modules."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType


def names_model() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "tools" / "names_model.py"
    spec = importlib.util.spec_from_file_location("names_model", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
