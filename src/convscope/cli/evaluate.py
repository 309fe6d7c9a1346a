"""`convscope evaluate`: accuracy and confusion matrix of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ..errors import BadSetting, suggest
from ..text.language import Message, current_language, localize
from ..text.lists import join_or
from .data import (
    DATA_OPTIONS,
    checkpoint_option,
    data_choice,
    data_options,
    engine_option,
    fit_to_network,
    print_skipped,
    saved_run,
)
from .group import COMMANDS
from .options import exclusive, json_option, language_option, model_argument, save_option, with_default
from .output import print_result, print_saved
from .weighted_model import is_run, read_model, weights_options

if TYPE_CHECKING:
    from ..data import Dataset
    from ..data.config import DataConfig
    from ..model import Model
    from ..training.evaluation import Evaluation


@click.command("evaluate", short_help=COMMANDS["evaluate"])
@model_argument
@data_options
@click.option(
    "--part",
    metavar="[test|validation|train]",
    help=with_default("Part of the data to evaluate.", "test, or validation if there is none"),
)
@weights_options
@checkpoint_option
@engine_option
@save_option("a figure of the errors with the highest confidence")
@language_option
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print the confusion matrix as comma-separated values.")
def command(
    model: str,
    part: str | None,
    path: str | None,
    as_json: bool,
    as_csv: bool,
    **options: Any,
) -> None:
    """Show the loss of MODEL, its accuracy per class, and the confusion matrix.

    MODEL is the folder of a run, which is evaluated on the test part of the data it was trained on by default, or
    another model with weights: see --weights. Images are resized and converted to the network's input.

    \b
    Examples:
      convscope evaluate runs/lenet-digits
      convscope evaluate runs/lenet-digits --part validation \\
        --save mistakes.png --json
      convscope evaluate lenet --weights lenet.safetensors \\
        --normalize 0.13/0.31 --data digits
    """
    from ..data.normalization import normalize_dataset
    from ..files.readable_json import to_json
    from ..render.evaluation import confusion_csv, evaluation_text
    from ..text.terminal import paint_for, terminal_width
    from ..training.evaluation import evaluate_classes

    exclusive({"--json": as_json, "--csv": as_csv})
    data = {name: options.pop(name) for name in DATA_OPTIONS}
    loaded = read_model(model, **options)
    choice = _choice(model, loaded, data)
    name, source = _part(choice, part)
    print_skipped(source)
    source = _in_model_order(loaded, source, choice)
    evaluation = evaluate_classes(loaded, normalize_dataset(source, loaded.normalization))
    if path is not None:
        _draw(evaluation, source, path)
    if as_json:
        document = {"schema": 1, "run": model, "data": choice.to_dict(), "part": name}
        print_result(to_json({**document, **evaluation.to_dict()}))
    elif as_csv:
        print_result(confusion_csv(evaluation))
    else:
        title = localize(
            "{run} on {data} ({part}, {count:,} image(s))",
            run=model,
            data=choice.label,
            part=name,
            count=len(source),
        )
        print_result(evaluation_text(evaluation, title, terminal_width(), paint_for()))


def _choice(source: str, model: Model, options: dict[str, Any]) -> DataConfig:
    """Return the run's own data, or other data, with images converted to the network's input."""
    if options["data"] is not None:
        return fit_to_network(data_choice(**options), model.network)
    if not is_run(source):
        raise click.UsageError(
            Message(
                "No data to evaluate on are given. Add --data with a dataset, a folder or an .npz file. "
                "[data-missing]"
            ),
            click.get_current_context(),
        )
    recorded = saved_run(source).data
    if recorded is None:
        raise click.UsageError(
            Message(
                "The run was trained on arrays, so its data cannot be loaded. Add --data with a dataset, a "
                "folder or an .npz file. [data-missing]"
            ),
            click.get_current_context(),
        )
    return recorded if options["data_dir"] is None else replace(recorded, data_dir=options["data_dir"])


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
