"""Answers of the server: JSON, or arrays in the safetensors format with JSON in the metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from safetensors.numpy import save
from starlette.responses import Response

from ..arrays import Array
from ..errors import ConvscopeError
from ..text.language import translate

FOREVER = "private, max-age=31536000, immutable"
"""Caching of answers whose addresses have the hash of their content."""


def json_response(document: Any, status: int = 200, cache: str | None = None) -> Response:
    """Return a JSON document. NaN and infinities become null."""
    return Response(finite_json(document).encode(), status, _headers(cache), "application/json")


def finite_json(document: Any) -> str:
    """Return a JSON document in one line. NaN and infinities become null."""
    return json.dumps(finite(document), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def arrays_response(
    arrays: Mapping[str, Array], document: Mapping[str, Any] | None = None, cache: str | None = None
) -> Response:
    """Return arrays with a JSON document, in one safetensors file."""
    head = {"json": json.dumps(finite(document or {}), ensure_ascii=False, allow_nan=False)}
    body = save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, head)
    return Response(body, 200, _headers(cache), "application/octet-stream")


def error_response(error: ConvscopeError, status: int = 422, **more: Any) -> Response:
    """Return an error with its code, and its message in the current language and in English."""
    return json_response(
        {"code": error.code, "message": error.translated(), "english": str(error), **more}, status
    )


def message_response(code: str, message: str, status: int) -> Response:
    """Return an error that is not of the library."""
    return json_response({"code": code, "message": translate(message), "english": str(message)}, status)


def _headers(cache: str | None) -> dict[str, str] | None:
    return None if cache is None else {"cache-control": cache}


def finite(value: Any) -> Any:
    """Return JSON values in which numbers that are not finite are null."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    if isinstance(value, np.generic):
        return finite(value.item())
    if isinstance(value, np.ndarray):
        return finite(value.tolist())
    return value
