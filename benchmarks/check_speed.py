"""How long `markscheme check` of one rubric takes, as a whole process, beside an empty interpreter in the same run.

python benchmarks/check_speed.py [RUNS]
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUBRIC = ROOT / "examples" / "medicine" / "rubrics" / "chest-pain-at-home.rubric.json"
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
COMMAND = "import sys; sys.argv = ['markscheme', 'check', sys.argv[1]]; from api.cli import main; main()"


def seconds(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True, env=ENVIRONMENT)
    return time.perf_counter() - started


def main(runs: int) -> None:
    seconds("-c", COMMAND, str(RUBRIC))  # so that bytecode is there
    pairs = [(seconds("-c", COMMAND, str(RUBRIC)), seconds("-c", "pass")) for _ in range(runs)]
    check, empty = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"check of one rubric: median {check:.3f} s of {runs} runs (an empty interpreter: {empty:.3f} s)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 11)
