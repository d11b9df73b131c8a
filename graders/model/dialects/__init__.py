"""The forms in which endpoints take a request and give a reply."""

from graders.model.dialects.anthropic import AnthropicDialect
from graders.model.dialects.dialect import Dialect, Request
from graders.model.dialects.openai import OpenAIDialect

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (OpenAIDialect(), AnthropicDialect())}
"""All dialects by their names in a grader file."""

__all__ = ["DIALECTS", "AnthropicDialect", "Dialect", "OpenAIDialect", "Request"]
