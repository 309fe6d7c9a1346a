"""A run's folder, or a saved model, for those who use what was learned."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.config import DataChoice
from ..errors import BadFile, BadSetting, nearest
from .checkpoint import RunFolder
from .log import Event

if TYPE_CHECKING:
    from ..model import Model

CHECKPOINTS = ("best", "last", "previous")


class SavedRun:
    """What lies in a run's folder; a model saved by itself has no log and no data.

    Errors:   BadFile [no-model] for a path where nothing was saved
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not os.path.exists(self.path):
            raise BadFile(
                f"{str(path)!r} must be a run's folder; got no such folder; {_way_to(self.path)} [no-model]"
            )

    @property
    def is_run(self) -> bool:
        """Tell whether this is a run, with a log, and not a model saved by itself."""
        return os.path.isfile(self.path / "run.json")

    @cached_property
    def document(self) -> dict[str, Any]:
        """Return run.json.

        Errors:   BadFile [no-run], [damaged-run]
        """
        return RunFolder(self.path).read()

    @property
    def data(self) -> DataChoice | None:
        """Return the data that the run was begun with; None where it had no name."""
        if not self.is_run:
            return None
        noted = self.document["notes"].get("data")
        if noted is None:
            named = self.document["configuration"].get("data")
            noted = None if named is None else {"name": named}
        try:
            return None if noted is None else DataChoice.from_dict(noted)
        except ValueError as error:
            raise BadFile(
                f"{str(self.path / 'run.json')!r} must name its data; got {error}; restore it, or name the data "
                "by --data. [damaged-run]"
            ) from None

    def events(self) -> list[Event]:
        """Return the log's events.

        Errors:   as `RunFolder.events`
        """
        return RunFolder(self.path).events()

    def model(self, checkpoint: str | None = None, engine: str | None = None) -> Model:
        """Return the model: the best one, or that of another checkpoint.

        Errors:   BadSetting [checkpoint]; BadFile as Model.load
        """
        from ..model import Model

        if checkpoint is None:
            return Model.load(self.path, engine)
        if checkpoint not in CHECKPOINTS:
            raise BadSetting(
                f"checkpoint must be one of {', '.join(CHECKPOINTS)}; got {checkpoint!r}; "
                f"{nearest(checkpoint, CHECKPOINTS)} [checkpoint]"
            )
        return Model.load(self.path / f"{checkpoint}.safetensors", engine)


def _way_to(path: Path) -> str:
    """Name the runs that lie beside a path."""
    folder = path.parent
    runs = (
        [str(folder / entry.parent.name) for entry in folder.glob("*/run.json")] if os.path.isdir(folder) else []
    )
    return nearest(str(path), runs) if runs else "make one by `convscope train`."
