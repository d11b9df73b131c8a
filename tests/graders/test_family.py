"""A model's family is told by its name: versions, sizes, dates, providers and paths do not count."""

import pytest

from graders import family_warnings, model_family


@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("gpt", ["gpt-5-mini", "openai/gpt-4o-2024-11-20", "chatgpt-4o-latest", "o3-mini", "azure/o1", "gpt-oss:120b"]),
        ("claude", ["claude-sonnet-4-5", "us.anthropic.claude-3-haiku-20240307-v1:0", "anthropic/claude-opus-4"]),
        ("gemini", ["gemini-2.5-pro", "models/gemini-flash", "google/gemma-3-27b-it", "medgemma-27b"]),
        ("llama", ["meta-llama/Llama-3.3-70B-Instruct", "llama3.1:8b", "CodeLlama-7b"]),
        ("qwen", ["Qwen/Qwen3-0.6B", "qwen2.5:7b", "QwQ-32B", "unsloth/Qwen3-8B-GGUF"]),
        ("mistral", ["mistral-large-latest", "mixtral-8x7b", "mistralai/Ministral-8B", "magistral-small"]),
        ("deepseek", ["deepseek-ai/DeepSeek-V3", "deepseek-r1:7b", "DeepSeek-R1-Distill-Qwen-32B"]),
        ("acme", ["acme-7b", "someone/acme2-large"]),
        ("7", ["7"]),
    ],
)
def test_relatives_have_one_family(family: str, names: list[str]) -> None:
    assert {model_family(name) for name in names} == {family}


def test_a_grader_is_warned_of_where_it_would_judge_its_own_kind() -> None:
    answerers = ["gpt-5", "Qwen3-8B", "gpt-4o"]
    assert family_warnings(answerers, ["rules", "human", "model:claude-opus-4"]) == []
    (warning,) = family_warnings(answerers, ["rules", "model:qwen2.5:72b"])
    assert warning.startswith("grader 'model:qwen2.5:72b' and answerer 'Qwen3-8B' are of one family (qwen)")


def test_a_person_or_a_plug_in_has_no_family() -> None:
    assert family_warnings(["gpt-5"], ["gpt", "dr-gpt", "gpt-5"]) == []
