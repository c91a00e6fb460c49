"""Errors in the API's shape and words, and the checks that most fields share."""

from collections.abc import Mapping
from typing import Any

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class ApiError(Exception):
    """An answer other than 200, in the API's shape."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})

    @property
    def type(self) -> str:
        """The API's name for this kind of error."""
        return _ERROR_TYPES[self.status]


def refuse_unknown(fields: Mapping[str, Any], known: frozenset[str]) -> None:
    """Refuse the request if it has a field that is not `known`."""
    for name in fields:
        if name not in known:
            raise ApiError(400, f"{name}: Extra inputs are not permitted")


def required(fields: Mapping[str, Any], name: str) -> Any:
    """The field `name`, which must be there."""
    if name not in fields:
        raise ApiError(400, f"{name}: Field required")
    return fields[name]


def integer(value: object, name: str, least: int) -> int:
    """`value` as a whole number, at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ApiError(400, f"{name}: Input should be a valid integer")
    if value < least:
        raise ApiError(400, f"{name}: Input should be greater than or equal to {least}")
    return value


def optional_string(value: object, name: str) -> str | None:
    """`value` as a text, or None."""
    if value is not None and not isinstance(value, str):
        raise ApiError(400, f"{name}: Input should be a valid string")
    return value


def one_of(value: object, name: str, known: tuple[str, ...]) -> None:
    """Refuse `value` unless it is one of those `known`, at least two."""
    if value not in known:
        names = [f"'{one}'" for one in known]
        raise ApiError(400, f"{name}: Input should be {', '.join(names[:-1])} or {names[-1]}")
