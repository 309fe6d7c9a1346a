"""run.json: the settings of a run, with a checksum.

The checksum covers the content only: reordering keys or changing spaces has no effect. Runs of schema 1 have no
checksums, neither here nor in the log. They can be read and resumed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import BadFile, BadSetting, suggest
from ..files.atomic import write_durably
from ..files.json_kinds import COUNT, INTEGER, OBJECT, TEXT, first_misfit, list_of, parse_json
from ..text.language import Message

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
    "normalization": OBJECT.maybe(),
    "configuration": OBJECT,
    "notes": OBJECT,
}


def read_run_document(folder: Path) -> dict[str, Any]:
    """Return the document of a run, without its checksum.

    Raises:
        BadFile: [no-run], [damaged-run]
        BadSetting: [configuration-key] for an unknown key.
    """
    path = folder / NAME
    try:
        if not os.path.isfile(path):
            raise FileNotFoundError
        document = parse_json(path.read_bytes())
    except OSError:
        raise BadFile(
            "{folder!r} is not a run folder (no run.json in it). If the run was stopped before its "
            "first checkpoint, start it again with run={folder!r}. [no-run]",
            folder=str(folder),
        ) from None
    except ValueError as error:
        raise BadFile(
            "{path!r} is not valid JSON ({reason}). Restore the file. [damaged-run]",
            path=str(path),
            reason=error.args[0],
        ) from None
    misfit = first_misfit(document, _KINDS)
    if misfit is None and document["schema"] not in (UNCHECKED_SCHEMA, SCHEMA):
        misfit = Message("schema={got!r}", got=document["schema"])
    if misfit is not None:
        raise BadFile(
            "{path!r} does not describe a run of schema {schema} (got {misfit}). Restore the file. [damaged-run]",
            path=str(path),
            schema=SCHEMA,
            misfit=misfit,
        )
    written = document.pop("checksum", None)
    if document["schema"] != UNCHECKED_SCHEMA and written != checksum(document):
        raise BadFile(
            "{path!r} does not match its checksum (edited or damaged). Restore it, or start a new "
            "run with other settings. [damaged-run]",
            path=str(path),
        )
    for key in document:
        if key not in _KINDS:
            raise BadSetting(
                "{owner} has an unknown key {key!r}. {hint} [configuration-key]",
                owner=NAME,
                key=key,
                hint=suggest(key, _KINDS),
            )
    return dict(document)


def write_run_document(folder: Path, document: Mapping[str, Any]) -> None:
    """Write the document of a run, with a checksum if its schema has one.

    Raises:
        BadFile: [write-failed]
    """
    sealed = dict(document)
    if document["schema"] != UNCHECKED_SCHEMA:
        # The checksum is that of the document as read: JSON turns tuples into lists.
        sealed["checksum"] = checksum(json.loads(json.dumps(sealed)))
    text = json.dumps(sealed, indent=2, ensure_ascii=False) + "\n"
    # A path that is not UTF-8 contains lone surrogates, which json can read.
    write_durably(folder / NAME, text.encode("utf-8", "surrogatepass"))


def checksum(document: Mapping[str, Any]) -> str:
    """Return the digest of a document's content."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
