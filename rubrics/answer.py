"""An answer: what one model wrote for one example."""

from __future__ import annotations

import hashlib
from json.encoder import encode_basestring

from pydantic import Field

from rubrics.example import Example
from rubrics.json_text import canonical_json, canonical_text
from rubrics.model import Id, Metadata, Model, Text, WholeNumber
from rubrics.plain_example import PlainExample


class Answer(Model):
    """What one answerer wrote for one example."""

    example_id: Id
    """The example that is answered."""
    model: Id
    """Who answered: a model, a person, a system; the name scores are shown by."""
    text: Text
    """The answer itself."""
    sample: WholeNumber = 0
    """Which of several tries this is, from 0."""
    metadata: Metadata = Field(default_factory=dict)
    """Free fields, kept and never scored."""

    @property
    def key(self) -> tuple[str, str, int]:
        """What makes the answer unique: example, model, sample."""
        return self.example_id, self.model, self.sample


_SHORT = 200


class AnswerHasher:
    """Computes `answer_hash` for the answers to one example, hashing its prompt once."""

    __slots__ = ("_prefix", "_state")

    def __init__(self, example: Example | PlainExample) -> None:
        prompt = example.prompt
        if isinstance(prompt, str):
            written = canonical_text(prompt)
        else:
            turns = prompt if isinstance(example, PlainExample) else [turn.model_dump(mode="json") for turn in prompt]
            written = canonical_json(turns)
        before = b'{"prompt":' + written + b',"text":'
        # The state of a hash is 250 bytes: a prompt shorter than that is kept as it is.
        self._prefix = before if len(before) < _SHORT else b""
        self._state = None if len(before) < _SHORT else hashlib.sha256(before)

    def hash(self, text: str) -> str:
        """First 16 hex digits of SHA-256 over canonical JSON of {"prompt", "text"}."""
        after = encode_basestring(text).encode("utf-8") + b"}"
        if self._state is None:
            return hashlib.sha256(self._prefix + after).hexdigest()[:16]
        digest = self._state.copy()
        digest.update(after)
        return digest.hexdigest()[:16]


def answer_hash(example: Example, answer: Answer) -> str:
    """First 16 hex digits of SHA-256 over canonical JSON of the prompt and the answer's text."""
    return AnswerHasher(example).hash(answer.text)
