"""The fake chat endpoint of `fakellm.c`, built and running for as long as a `with` block lasts."""

import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType

_SOURCE = Path(__file__).with_name("fakellm.c")


@dataclass(frozen=True, slots=True)
class Seen:
    """What came in since the last reset; times in ns of the monotonic clock."""

    requests: int
    ok: int
    """Answered with a verdict that is right."""
    r429: int
    limited: int
    """The share of r429 that the limit in flight refused."""
    r500: int
    dropped: int
    bad_reply: int
    bad_body: int
    unique: int
    """Different criteria that were asked about."""
    body_bytes: int
    in_flight: int
    max_in_flight: int
    first_ns: int
    last_ns: int


class Endpoint:
    """`with Endpoint() as endpoint`: `endpoint.url` takes calls, `reset` says how it behaves, `seen` what came in."""

    def __enter__(self) -> "Endpoint":
        compiler = shutil.which(os.environ.get("CC", "cc"))
        if compiler is None:
            raise SystemExit("no C compiler: install one (`cc`), or name yours in CC")
        self._folder = tempfile.TemporaryDirectory()
        program = Path(self._folder.name) / "fakellm"
        subprocess.run([compiler, "-O2", "-o", str(program), str(_SOURCE)], check=True)
        self._process = subprocess.Popen([str(program), "0"], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}/v1"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def reset(self, *, lat: float = 0, **how: float) -> None:
        """Behave anew, from zero: `lat` in ms, the others as `fakellm.c` names them."""
        self._get("/reset?" + "&".join(f"{name}={value}" for name, value in {"lat": lat, **how}.items()))

    def seen(self) -> Seen:
        """The counters now."""
        told = self._get("/stats")
        return Seen(**{field.name: told[field.name] for field in fields(Seen)})

    def _get(self, path: str) -> dict[str, int]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
            told: dict[str, int] = json.load(response)
        return told
