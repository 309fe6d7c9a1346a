"""run.json: what a run was begun with, covered by a checksum.

The checksum is over the content, not the spelling: keys in another order or other spaces change nothing. Runs of
schema 1 were written without checksums, of this file and of the log's lines; they are read and resumed as such.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import BadFile, BadSetting, nearest
from ..files.atomic import write_durably
from ..files.json_kinds import COUNT, INTEGER, OBJECT, TEXT, first_misfit, list_of, parse_json

NAME = "run.json"
SCHEMA = 2
UNCHECKED_SCHEMA = 1

_KINDS = {
    "schema": INTEGER,
    "network": TEXT,
    "seed": COUNT,
    "dtype": TEXT,
    "classes": list_of(TEXT),
    "images": COUNT,
    "configuration": OBJECT,
    "notes": OBJECT,
}


def read_run_document(folder: Path) -> dict[str, Any]:
    """Return a run's document, without its checksum.

    Errors:   BadFile [no-run], [damaged-run]; BadSetting [configuration-key] for a key that has no meaning
    """
    path = folder / NAME
    try:
        if not os.path.isfile(path):
            raise FileNotFoundError
        document = parse_json(path.read_bytes())
    except OSError:
        raise BadFile(
            f"{str(folder)!r} must be the folder of a run; got no run.json in it; if the run was stopped "
            f"before it had begun, start it again with run={str(folder)!r}. [no-run]"
        ) from None
    except ValueError as error:
        raise BadFile(f"{str(path)!r} must be JSON; got {error}; restore it. [damaged-run]") from None
    misfit = first_misfit(document, _KINDS)
    if misfit is None and document["schema"] not in (UNCHECKED_SCHEMA, SCHEMA):
        misfit = f"schema={document['schema']!r}"
    if misfit is not None:
        raise BadFile(
            f"{str(path)!r} must describe a run of schema {SCHEMA}; got {misfit}; restore it. [damaged-run]"
        )
    written = document.pop("checksum", None)
    if document["schema"] != UNCHECKED_SCHEMA and written != checksum(document):
        raise BadFile(
            f"{str(path)!r} must be as the run wrote it; got other content than its checksum was made of (changed "
            "by hand, or damaged); restore it, or begin a new run with other settings. [damaged-run]"
        )
    for key in document:
        if key not in _KINDS:
            raise BadSetting(
                f"run.json must have only keys that mean something; got {key!r}; {nearest(key, _KINDS)} "
                "[configuration-key]"
            )
    return dict(document)


def write_run_document(folder: Path, document: Mapping[str, Any]) -> None:
    """Write a run's document, with its checksum where its schema has one.

    Errors:   BadFile [write-failed]
    """
    sealed = dict(document)
    if document["schema"] != UNCHECKED_SCHEMA:
        # Of what a reader will see: tuples are lists there.
        sealed["checksum"] = checksum(json.loads(json.dumps(sealed)))
    text = json.dumps(sealed, indent=2, ensure_ascii=False) + "\n"
    # A path that is not UTF-8 has lone surrogates, which json reads back.
    write_durably(folder / NAME, text.encode("utf-8", "surrogatepass"))


def checksum(document: Mapping[str, Any]) -> str:
    """Return the digest of a document's content."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
