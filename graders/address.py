"""Where a model is: its name and the base URL of its endpoint, as users write them on the command line."""

from __future__ import annotations

import os
from dataclasses import dataclass

DEFAULT_BASE_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class ModelAddress:
    """A model at an endpoint."""

    name: str
    base_url: str


def parse_model_address(written: str, api_key_env: str) -> ModelAddress | None:
    """`NAME@BASE_URL`, or `NAME` where OPENAI_BASE_URL or a key says where it is; None where nothing does.

    >>> parse_model_address("qwen3@http://127.0.0.1:8000/v1", "OPENAI_API_KEY")
    ModelAddress(name='qwen3', base_url='http://127.0.0.1:8000/v1')
    """
    name, at, address = written.rpartition("@http")
    if at:
        return ModelAddress(name, f"http{address}")
    if (base_url := os.environ.get("OPENAI_BASE_URL", "")) or os.environ.get(api_key_env):
        return ModelAddress(written, base_url or DEFAULT_BASE_URL)
    return None


def address_words(form: str, api_key_env: str) -> str:
    """What to write instead, where there is no address."""
    return (
        f"expected an address: {form}@http://HOST:PORT/v1 (or https://…), or OPENAI_BASE_URL, or a key in "
        f"{api_key_env} for {DEFAULT_BASE_URL}"
    )
