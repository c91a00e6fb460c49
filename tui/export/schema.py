"""The schema of the JSON export, from its types; run as a script it writes `configs/export.schema.json` anew."""

import inspect
import sys
from typing import Any

import msgspec

from tui.config import paths
from tui.export.document import VERSION, Export

FILE = "export.schema.json"


def schema() -> bytes:
    """JSON Schema (draft 2020-12) of `tui.export.document.Export`."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:latency-tui:export:{VERSION}",
        "title": "latency-tui export",
    }
    return msgspec.json.format(msgspec.json.encode(head | _dedented(msgspec.json.schema(Export)))) + b"\n"


def _dedented(part: dict[str, Any]) -> dict[str, Any]:
    """The schema with its descriptions as Python 3.13 has docstrings: older versions leave their indentation."""
    for name, value in part.items():
        if name == "description" and isinstance(value, str):
            part[name] = inspect.cleandoc(value)
        elif isinstance(value, dict):
            _dedented(value)
    return part


if __name__ == "__main__":
    paths.builtin_config(FILE).write_bytes(schema())
    sys.exit()
