"""Strict YAML files: data that knows its line and column, and mistakes as sentences with a place.

Used by config and mapping alike, so it lies below both and imports only errors. Its four public names stand here;
reading order: nodes (text to nodes), document (files), findings (errors of pydantic), keys, problems (sentences).
"""

from gong_bridge.strict_yaml.document import Document, MistakeAt, load_document
from gong_bridge.strict_yaml.problems import problems_of

__all__ = ["Document", "MistakeAt", "load_document", "problems_of"]
