"""`GET /v1/models`: the profiles as the API describes models."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from tui.simulator.profiles import Profile
from tui.simulator.refusals import ApiError

_EFFORTS = ("low", "medium", "high", "xhigh", "max")


def one(profiles: Mapping[str, Profile], name: str) -> dict[str, Any]:
    """One model, listed or not."""
    if name not in profiles:
        raise ApiError(404, f"model: {name}")
    return _described(name, profiles[name])


def page(profiles: Mapping[str, Profile], query: str) -> dict[str, Any]:
    """A page of the listed models, the newest first."""
    asked = {key: values[-1] for key, values in parse_qs(query, keep_blank_values=True).items()}
    limit = asked.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= 1000:
        raise ApiError(400, "limit: Input should be between 1 and 1000")
    listed = [name for name, profile in profiles.items() if profile.listed]
    listed.sort(key=lambda name: profiles[name].released, reverse=True)
    if "after_id" in asked:
        listed = listed[_index(listed, asked["after_id"]) + 1 :]
        shown = listed[: int(limit)]
    elif "before_id" in asked:
        listed = listed[: _index(listed, asked["before_id"])]
        shown = listed[-int(limit) :]
    else:
        shown = listed[: int(limit)]
    return {
        "data": [_described(name, profiles[name]) for name in shown],
        "has_more": len(shown) < len(listed),
        "first_id": shown[0] if shown else None,
        "last_id": shown[-1] if shown else None,
    }


def _index(listed: list[str], name: str) -> int:
    if name not in listed:
        raise ApiError(400, f"There is no model {name!r} to page from.")
    return listed.index(name)


def _described(name: str, profile: Profile) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": profile.display_name,
        "line": profile.line,
        "lifecycle": "active",
        "created_at": f"{profile.released.isoformat()}T00:00:00Z",
        "deprecated_at": None,
        "retires_at": None,
        "max_input_tokens": profile.context_tokens,
        "max_tokens": profile.max_output_tokens,
        "capabilities": _capabilities(profile),
    }


def _capabilities(profile: Profile) -> dict[str, Any]:
    no = {"supported": False}
    effort: dict[str, Any] = {level: {"supported": level in profile.effort} for level in _EFFORTS}
    types: dict[str, Any] = {kind: {"supported": kind in profile.thinking} for kind in ("adaptive", "enabled")}
    types["disabled"] = {"supported": not profile.thinking or "disabled" in profile.thinking}
    types["between_tools"] = {"supported": "between_tools" in profile.thinking}
    return {
        "batch": no,
        "citations": no,
        "code_execution": no,
        "context_management": no,
        "effort": {"supported": bool(profile.effort), **effort},
        "image_input": no,
        "pdf_input": no,
        "server_tools": {**no, "code_execution": no, "web_search": no},
        "structured_outputs": no,
        "thinking": {"supported": bool(profile.thinking), "types": types},
    }
