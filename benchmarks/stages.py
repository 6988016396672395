"""What ``commsapp code`` does, with a clock at each stage: ``python benchmarks/stages.py INPUT.csv COLUMN OUTPUT.csv``.

Prints one line of JSON: stage → seconds. Stages that run beside others count until the next one is told of.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

started = time.monotonic()


def main(source: str, column: str, output: str) -> None:
    from commsapp.listening.coding import code_frame
    from commsapp.listening.files import read_frame, write_frame

    marks: list[tuple[str, float]] = [("Start", started)]

    def tell(stage: str, _: int, __: int) -> None:
        if marks[-1][0] != stage:
            marks.append((stage, time.monotonic()))

    frame = read_frame(Path(source))
    tell("Loading the models", 0, 0)
    coded = code_frame(frame, text=column, progress=tell)
    tell("Writing", 0, 0)
    write_frame(coded.frame, Path(output))
    ends = [*(mark for _, mark in marks[1:]), time.monotonic()]
    seconds: dict[str, float] = {}
    for (stage, begin), end in zip(marks, ends, strict=True):
        seconds[stage] = round(seconds.get(stage, 0) + end - begin, 2)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:4])
