"""The schema of the JSON export, from its types; run as a script it writes `configs/export.schema.json` anew."""

import sys

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
    return msgspec.json.format(msgspec.json.encode(head | msgspec.json.schema(Export))) + b"\n"


if __name__ == "__main__":
    paths.builtin_config(FILE).write_bytes(schema())
    sys.exit()
