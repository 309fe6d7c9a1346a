"""`convscope evaluate`: accuracy and confusion matrix of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ..errors import BadSetting, suggest
from ..text.language import Message, current_language, localize
from ..text.lists import join_or
from .data import (
    checkpoint_option,
    data_choice,
    data_options,
    engine_option,
    print_skipped,
    run_argument,
    saved_run,
)
from .group import COMMANDS
from .options import exclusive, json_option, language_option, save_option, with_default
from .output import print_result, print_saved

if TYPE_CHECKING:
    from ..data import Dataset
    from ..data.config import DataConfig
    from ..model import Model
    from ..training.evaluation import Evaluation
    from ..training.run_folder import SavedRun


@click.command("evaluate", short_help=COMMANDS["evaluate"])
@run_argument
@data_options
@click.option(
    "--part",
    metavar="[test|validation|train]",
    help=with_default("Part of the data to evaluate.", "test, or validation if there is none"),
)
@checkpoint_option
@engine_option
@save_option("a figure of the errors with the highest confidence")
@language_option
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print the confusion matrix as comma-separated values.")
def command(
    run: str,
    part: str | None,
    checkpoint: str | None,
    engine: str | None,
    path: str | None,
    as_json: bool,
    as_csv: bool,
    **data: Any,
) -> None:
    """Show the loss of the model of RUN, its accuracy per class, and the confusion matrix.

    By default it is evaluated on the test part of the data it was trained on.

    \b
    Examples:
      convscope evaluate runs/lenet-digits
      convscope evaluate runs/lenet-digits --part validation --save mistakes.png --json
    """
    from ..files.readable_json import to_json
    from ..render.evaluation import confusion_csv, evaluation_text
    from ..text.terminal import paint_for, terminal_width
    from ..training.evaluation import evaluate_classes

    exclusive({"--json": as_json, "--csv": as_csv})
    saved = saved_run(run)
    model = saved.model(checkpoint, engine)
    choice = _choice(saved, model, data)
    name, source = _part(choice, part)
    print_skipped(source)
    source = _in_model_order(model, source, choice)
    evaluation = evaluate_classes(model, source)
    if path is not None:
        _draw(evaluation, source, path)
    if as_json:
        document = {"schema": 1, "run": run, "data": choice.to_dict(), "part": name}
        print_result(to_json({**document, **evaluation.to_dict()}))
    elif as_csv:
        print_result(confusion_csv(evaluation))
    else:
        title = localize(
            "{run} on {data} ({part}, {count:,} image(s))",
            run=run,
            data=choice.label,
            part=name,
            count=len(source),
        )
        print_result(evaluation_text(evaluation, title, terminal_width(), paint_for()))


def _choice(saved: SavedRun, model: Model, options: dict[str, Any]) -> DataConfig:
    """Return the run's own data, or other data, with images converted to the network's input."""
    recorded = saved.data
    if options["data"] is None:
        if recorded is None:
            raise click.UsageError(
                Message(
                    "The run was trained on arrays, so its data cannot be loaded. Add --data with a dataset, a "
                    "folder or an .npz file. [data-missing]"
                ),
                click.get_current_context(),
            )
        return recorded if options["data_dir"] is None else replace(recorded, data_dir=options["data_dir"])
    choice = data_choice(**options)
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
    raise BadSetting(
        "--part must be {splits} (got {got!r}). {hint} [part]",
        splits=join_or(SPLITS),
        got=part,
        hint=suggest(part, SPLITS),
    )


def _in_model_order(model: Model, source: Dataset, choice: DataConfig) -> Dataset:
    """Return the data with its classes in the order of the model's outputs."""
    from ..data.transforms import relabel
    from .data import refuse_misfit

    if model.classes is not None:
        source = relabel(source, model.classes)
    refuse_misfit(model.network, source, choice.label)
    return source


def _draw(evaluation: Evaluation, source: Dataset, path: str) -> None:
    from .. import plots

    plots.save(plots.mistakes_figure(evaluation, source, current_language()), path)
    print_saved(path)
