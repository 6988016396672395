"""Commands as somebody types them: exit status, standard output, standard error. Anything but an exit is a traceback."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from commsapp.cli import main


@dataclass(frozen=True)
class Typed:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """What it complained of, which is one line of whole sentences, and nothing else on standard error."""
        line = self.err.strip()
        assert line.endswith((".", ")")), self.err
        assert "Traceback" not in self.err
        assert "\n" not in line, self.err
        return line


def typed(*words: object) -> Typed:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return Typed(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def typed_apart(*words: object, folder: Path) -> Typed:
    """Run a command in a process of its own."""
    process = subprocess.run(
        [sys.executable, "-m", "commsapp", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COMMSAPP_DATA_DIR": str(folder)},
    )
    return Typed(process.returncode, process.stdout, process.stderr)
