"""`convscope evaluate`: how well a run's model does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ..errors import BadSetting, nearest
from .data_options import (
    checkpoint_option,
    data_choice,
    data_options,
    engine_option,
    run_argument,
    say_left_out,
)
from .group import VERBS
from .options import json_option, one_of, save_option
from .output import remark, say

if TYPE_CHECKING:
    from ..data import Dataset
    from ..data.config import DataConfig
    from ..model import Model
    from ..training.evaluation import Evaluation
    from ..training.run_folder import SavedRun


@click.command("evaluate", short_help=VERBS["evaluate"])
@run_argument
@data_options
@click.option("--part", metavar="NAME", help="test, validation or train; test, or else validation, if left out.")
@checkpoint_option
@engine_option
@save_option("the surest mistakes, as images,")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="The figure's language.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print the confusion matrix as comma-separated values.")
def command(
    run: str,
    part: str | None,
    checkpoint: str | None,
    engine: str | None,
    path: str | None,
    lang: str,
    as_json: bool,
    as_csv: bool,
    **data: Any,
) -> None:
    """Show loss, accuracy of each class, and which classes RUN's model takes for which.

    By default on the test part of the data it was trained on.

    \b
    Examples:
      convscope evaluate runs/lenet-digits
      convscope evaluate runs/lenet-digits --part validation --save mistakes.png --json
    """
    from ..files.readable_json import to_json
    from ..render.evaluation import confusion_csv, evaluation_text
    from ..text.terminal import paint_for, terminal_width
    from ..training.evaluation import evaluate_classes
    from ..training.run_folder import SavedRun

    one_of({"--json": as_json, "--csv": as_csv})
    saved = SavedRun(run)
    model = saved.model(checkpoint, engine)
    choice = _choice(saved, model, data)
    name, source = _part(choice, part)
    say_left_out(source)
    source = _as_learned(model, source, choice)
    evaluation = evaluate_classes(model, source)
    if path is not None:
        _draw(evaluation, source, path, lang)
    if as_json:
        found = {"schema": 1, "run": run, "data": choice.to_dict(), "part": name}
        say(to_json({**found, **evaluation.to_dict()}))
    elif as_csv:
        say(confusion_csv(evaluation))
    else:
        title = f"{run} on {choice.label} ({name}, {len(source):,} images)"
        say(evaluation_text(evaluation, title, terminal_width(), paint_for()))


def _choice(saved: SavedRun, model: Model, given: dict[str, Any]) -> DataConfig:
    """Return the run's own data, or other data, whose images are brought to what the network takes."""
    recorded = saved.data
    if given["data"] is None:
        if recorded is None:
            raise click.UsageError(
                "--data must be given: the model was trained on data that has no name; got none; "
                "name a set, a folder or an .npz file. [data-missing]",
                click.get_current_context(),
            )
        return recorded if given["data_dir"] is None else replace(recorded, data_dir=given["data_dir"])
    choice = data_choice(**given)
    shape = model.network.input_shape
    if len(shape) == 3 and shape[0] in (1, 3):
        height, width = shape[1:]
        choice = replace(choice, resize=choice.resize or (height, width), channels=choice.channels or shape[0])
    return choice


def _part(choice: DataConfig, part: str | None) -> tuple[str, Dataset]:
    from ..data import SPLITS

    if part is None:
        return choice.evaluation_part()
    for split in SPLITS:
        if split == part:
            return part, choice.part(split)  # type: ignore[arg-type]
    raise BadSetting(f"--part must be one of {', '.join(SPLITS)}; got {part!r}; {nearest(part, SPLITS)} [part]")


def _as_learned(model: Model, source: Dataset, choice: DataConfig) -> Dataset:
    """Return the data with its classes in the order in which the model learned them."""
    from ..data.transforms import relabel
    from .data_fit import refuse_misfit

    if model.classes is not None:
        source = relabel(source, model.classes)
    refuse_misfit(model.network, source, choice.label)
    return source


def _draw(evaluation: Evaluation, source: Dataset, path: str, lang: str) -> None:
    from .. import plots

    plots.save(plots.mistakes_figure(evaluation, source, lang), path)
    remark(f"drew {path}")
