"""Configuration of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import BadData
from ..files.json_kinds import FLAG, NUMBER, POSITIVE, TEXT, first_misfit, list_of
from .dataset import Dataset, Split
from .load import DATA_NAMES, HELD_OUT_SHARE, load_data
from .transforms import resize_dataset

_KINDS = {
    "name": TEXT,
    "data_dir": TEXT.or_null().maybe(),
    "hold_out": NUMBER.maybe(),
    "resize": list_of(POSITIVE, 2).or_null().maybe(),
    "channels": POSITIVE.or_null().maybe(),
    "skip_corrupt": FLAG.maybe(),
}


@dataclass(frozen=True)
class DataConfig:
    """A dataset by name or path, and how its images are read.

    `resize` (h, w) and `channels` (1 or 3) apply to every kind of data, `skip_corrupt` to folders only.
    """

    name: str
    data_dir: str | None = None
    hold_out: float = HELD_OUT_SHARE
    resize: tuple[int, int] | None = None
    channels: int | None = None
    skip_corrupt: bool = False

    @property
    def label(self) -> str:
        """Return a short name: that of the dataset, folder or file."""
        return self.name if _is_known(self.name) else _label(Path(self.name)) or self.name

    def part(self, split: Split) -> Dataset:
        """Return one part of the dataset.

        Raises:
            BadData: [fit-channels], and the errors of `load_data`.
        """
        source = load_data(
            self.name,
            split,
            self.data_dir,
            hold_out=self.hold_out,
            resize=self.resize,
            channels=self.channels,
            skip_corrupt=self.skip_corrupt,
        )
        return resize_dataset(source, self.channels, self.resize)

    def evaluation_part(self) -> tuple[Split, Dataset]:
        """Return the test part, or the validation part of a dataset without a test part.

        Raises:
            BadData: As `part`.
        """
        try:
            return "test", self.part("test")
        except BadData as error:
            if not str(error).endswith("[data-split]"):
                raise
            return "validation", self.part("validation")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with absolute paths."""
        name = self.name if _is_known(self.name) else str(Path(self.name).resolve())
        folder = None if self.data_dir is None else str(Path(self.data_dir).resolve())
        return {**asdict(self), "name": name, "data_dir": folder}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> DataConfig:
        """Return the configuration in a JSON document. Unknown keys are ignored.

        Raises:
            ValueError: If a value is missing or has the wrong type.
        """
        misfit = first_misfit(document, _KINDS)
        if misfit is not None:
            raise ValueError(misfit)
        known = {item.name: document[item.name] for item in fields(cls) if item.name in document}
        if known.get("resize") is not None:
            height, width = known["resize"]
            known["resize"] = (height, width)
        return cls(**known)


def _label(path: Path) -> str:
    """Return the name of a folder, or that of a file without its ending."""
    return path.name if path.is_dir() else path.stem


def _is_known(name: str) -> bool:
    return name.strip().lower().replace("_", "-") in DATA_NAMES
