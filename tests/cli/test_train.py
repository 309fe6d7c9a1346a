"""`convscope train` from the first epoch to a run that is gone on with."""

import json
from pathlib import Path

import convscope as cs
from cli.small_data import CLASSES, NETWORK, same_run, write_folder
from convscope.optim.losses import CrossEntropy
from convscope.optim.optimizers import SGD, AdamW
from convscope.optim.schedules import OneCycle, WarmUp
from convscope.training.configuration import Configuration
from convscope.training.run_folder import RunFolder

FILES = {"best.safetensors", "curves.png", "last.safetensors", "log.jsonl", "previous.safetensors", "run.json"}


def configuration(folder):
    return Configuration.from_dict(RunFolder(Path(folder)).read()["configuration"])


def test_train_prints_each_epoch_once(convscope, here):
    """One line per epoch as it ends, on stderr; the summary on stdout names the best one and no other."""
    ended = convscope("train", NETWORK, "--data", "small.npz", "--epochs", 3, width=120)
    assert ended.code == 0
    assert {path.name for path in Path("runs/network-small").iterdir()} == FILES
    events = [json.loads(line) for line in Path("runs/network-small/log.jsonl").read_text().splitlines()]
    epochs = [event for event in events if event["event"] == "epoch"]
    best = min(epochs, key=lambda event: event["validation_loss"])
    assert ended.out.splitlines() == [
        f"network on small: 56 images of 1×6×5, 3 classes, 103 parameters, engine {cs.Model(NETWORK).engine}",
        f"best: epoch {best['epoch']} of 3, validation loss {best['validation_loss']:.4f}, "
        f"accuracy {100 * best['validation_accuracy']:.2f} %",
        f"runs/network-small: {', '.join(sorted(FILES))}",
        "next: convscope evaluate runs/network-small",
    ]
    told = ended.err.splitlines()
    assert told[0] == "writing runs/network-small"
    assert [line.rpartition(" (")[0] for line in told[1:]] == [
        f"epoch {event['epoch']}: loss {event['loss']:.4f}, accuracy {100 * event['accuracy']:.2f} %, "
        f"validation {event['validation_loss']:.4f}, {100 * event['validation_accuracy']:.2f} %"
        for event in epochs
    ]


def test_run_folders_are_numbered(convscope, here):
    """Nothing is overwritten; names come from the model and the data."""
    for _ in range(3):
        assert convscope("train", NETWORK, "--data", "small.npz", "--epochs", 1).code == 0
    assert sorted(path.name for path in Path("runs").iterdir()) == [
        "network-small",
        "network-small-2",
        "network-small-3",
    ]


def test_json_is_one_document_with_the_epochs(convscope, here):
    """What a program needs: the run, the data, the best epoch."""
    ended = convscope("train", NETWORK, "--data", "small.npz", "--epochs", 2, "--json", "--run", "mine")
    assert ended.code == 0
    document = json.loads(ended.out)
    assert document["schema"] == 1
    assert (document["model"], document["run"], document["images"]) == ("network", "mine", 56)
    assert (document["input_shape"], document["classes"]) == ([1, 6, 5], list(CLASSES))
    assert document["params"] == 4 * 6 + 4 + 24 * 3 + 3
    assert document["data"]["name"] == str(here / "small.npz")
    assert (document["stopped"], len(document["epochs"])) == ("epochs", 2)
    assert document["best"] == min(document["epochs"], key=lambda epoch: epoch["validation_loss"])


def test_every_option_reaches_the_run(convscope, here):
    """What the command line says is what run.json has."""
    words = (
        "--epochs 2 --batch-size 9 --optimizer adamw --lr 0.002 --weight-decay 0.03 --schedule one-cycle --warmup 4 "
        "--clip-norm 0.7 --label-smoothing 0.1 --augment shift=1,flip --seed 5 --patience 3 --checkpoint-every 2 "
        "--run all --validation 0.2"
    )
    assert convscope("train", NETWORK, "--data", "small.npz", *words.split()).code == 0
    assert configuration("all") == Configuration(
        epochs=2,
        batch_size=9,
        optimizer=AdamW(lr=0.002, weight_decay=0.03),
        loss=CrossEntropy(0.1),
        schedule=WarmUp(steps=4, then=OneCycle()),
        clip_norm=0.7,
        augment="shift=1,flip=0.5",
        patience=3,
        checkpoint_every=2,
    )
    document = RunFolder(Path("all")).read()
    assert (document["seed"], document["images"]) == (5, 62 - 12)
    assert document["notes"]["data"]["hold_out"] == 0.2


def test_defaults_of_training_are_those_of_the_library(convscope, here):
    """They are those of the library; a single setting changes only itself."""
    convscope("train", NETWORK, "--data", "small.npz", "--epochs", 1, "--run", "one")
    assert configuration("one") == Configuration(epochs=1)
    convscope("train", NETWORK, "--data", "small.npz", "--epochs", 1, "--lr", 0.3, "--run", "two")
    assert configuration("two").optimizer == SGD(lr=0.3, momentum=0.9)


def test_no_validation(convscope, here):
    """All images are trained on, and the table has no such columns."""
    ended = convscope("train", NETWORK, "--data", "small.npz", "--epochs", 1, "--validation", 0)
    assert "62 images" in ended.out
    assert "validation" not in ended.out


def test_images_are_resized_and_colored_when_asked(convscope, here):
    """Arrays too, not only folders."""
    net = "input 3x9x7 | conv 2 3 | relu | flatten | dense 3"
    ended = convscope("train", net, "--data", "small.npz", "--epochs", 1, "--resize", "9x7", "--channels", 3)
    assert ended.code == 0
    assert "images of 3×9×7" in ended.out


def test_network_with_more_outputs_than_classes_prints_a_note(convscope, here):
    """It is trained all the same."""
    net = "input 1x6x5 | flatten | dense 7"
    ended = convscope("train", net, "--data", "small.npz", "--epochs", 1)
    assert ended.code == 0
    assert ended.err.splitlines()[0] == "network has 7 outputs for 3 classes: the others are unused"


def test_skip_corrupt_skips_damaged_images(convscope, here):
    """And named."""
    folder = write_folder(here / "folder")
    (folder / "bone" / "broken.png").write_bytes(b"no image")
    ended = convscope("train", NETWORK, "--data", "folder", "--epochs", 1, "--skip-corrupt")
    assert ended.code == 0
    assert ended.err.splitlines()[0] == "skipped 1 unreadable image: folder/bone/broken.png"


def test_command_line_overrides_configuration_file(convscope, here):
    """Keys with and without hyphens; MODEL is one of them."""
    Path("mine.yaml").write_text(
        f"model: '{NETWORK}'\ndata: small.npz\nepochs: 4\nbatch-size: 11\nlr: 0.01\nrun: from-file\naugment: shift=1\n"
    )
    ended = convscope("train", "--config", "mine.yaml", "--epochs", 1)
    assert ended.code == 0
    assert configuration("from-file") == Configuration(
        epochs=1, batch_size=11, optimizer=SGD(lr=0.01, momentum=0.9), augment="shift=1"
    )


def test_resumed_run_is_bit_identical(convscope, here):
    """More epochs later, from the run's folder alone, end in the same bits as all at once."""
    more = ("--batch-size", 8, "--optimizer", "adam", "--augment", "shift=1")
    convscope("train", NETWORK, "--data", "small.npz", *more, "--epochs", 5, "--run", "whole")
    convscope("train", NETWORK, "--data", "small.npz", *more, "--epochs", 2, "--run", "parts")
    ended = convscope("train", "--resume", "parts", "--epochs", 5)
    assert ended.code == 0
    assert ended.err.splitlines()[0] == "resuming parts"
    same_run(here / "whole", here / "parts")


def test_resumed_run_that_is_finished_says_how_to_continue(convscope, here):
    convscope("train", NETWORK, "--data", "small.npz", "--epochs", 2, "--run", "mine")
    ended = convscope("train", "--resume", "mine")
    assert (ended.code, ended.err) == (
        0,
        "The run in mine is already finished. Continue it with `convscope train --resume mine --epochs 3`, or more.\n",
    )


def test_run_resumes_from_another_folder(convscope, here, monkeypatch):
    """Paths are kept whole."""
    convscope("train", NETWORK, "--data", "small.npz", "--epochs", 1, "--run", "mine")
    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")
    assert convscope("train", "--resume", "../mine", "--epochs", 2).code == 0


def test_run_started_in_python_resumes(convscope, here):
    """Its data were named to fit."""
    net = "input 1x8x8 | flatten | dense 10"
    cs.Model(net, seed=2).fit("digits", epochs=1, run="python", progress=False)
    ended = convscope("train", "--resume", "python", "--epochs", 2)
    assert ended.code == 0
    cs.Model(net, seed=2).fit("digits", epochs=2, run="whole", progress=False)
    assert (here / "python/log.jsonl").read_bytes() == (here / "whole/log.jsonl").read_bytes()


def test_run_folder_is_a_model(convscope, here):
    """Its network can be inspected, and diagnosed together with its training."""
    convscope("train", NETWORK, "--data", "small.npz", "--epochs", 1, "--run", "mine")
    assert convscope("inspect", "mine").out == convscope("inspect", NETWORK).out
    shown = convscope("diagnose", "mine").out
    assert shown.startswith("mine: training, ")
    assert "\nnetwork: input 1×6×5, " in shown
    document = json.loads(convscope("diagnose", "mine", "--json").out)
    assert {"run", "training", "findings"} < set(document)


def test_a_run_with_dead_units_is_diagnosed(convscope, here):
    """The layer is named, with a number and a suggestion."""
    net = "input 1x6x5 | flatten | hidden: dense 8 | dead: relu | dense 3"
    convscope("train", net, "--data", "small.npz", "--epochs", 2, "--lr", 30, "--run", "hot", "--clip-norm", 100)
    shown = convscope("diagnose", "hot").out
    assert "units of dead (" in shown
    assert "→ lower the learning rate, use LeakyReLU" in shown
