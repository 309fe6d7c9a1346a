"""Model: parameters, prediction, saving and input checks."""

import re

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from torch import nn

import convscope as cs
from convscope.errors import BadData, BadFile, BadSetting, BadShape
from convscope.optim.losses import CrossEntropy
from convscope.training.model_io import arrays_of, describe, write_model_file

NET = "input 2x6x5 | conv 4 3x2 s1x2 | bn | relu | flatten | dense 3"


def images(size=7, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=(size, 2, 6, 5)).astype(dtype)


def refused(error, message, action):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        action()


def test_parameters_match_pytorch_names_and_shapes():
    model = cs.Model(NET)
    assert {name: array.shape for name, array in model.parameters.items()} == {
        "conv1.weight": (4, 2, 3, 2),
        "conv1.bias": (4,),
        "bn1.weight": (4,),
        "bn1.bias": (4,),
        "dense1.weight": (3, 32),
        "dense1.bias": (3,),
    }
    assert {name: array.shape for name, array in model.buffers.items()} == {
        "bn1.running_mean": (4,),
        "bn1.running_var": (4,),
    }
    assert "conv1.weight" in model.parameters
    assert "conv1.weight" not in model.buffers
    assert "conv1.weight: 4×2×3×2" in repr(model.parameters)


def test_parameter_can_be_set():
    """Arrays are copied when set; arrays that are read are read-only copies."""
    model = cs.Model(NET)
    bias = np.array([5.0, 0.0, -5.0])
    model.parameters["dense1.weight"] = np.zeros((3, 32))
    model.parameters["dense1.bias"] = bias
    bias[:] = 0
    np.testing.assert_allclose(model.logits(images()), np.tile([5.0, 0.0, -5.0], (7, 1)))
    read = model.parameters["dense1.bias"]
    assert read.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        read[0] = 1


def test_bad_parameters_are_refused():
    parameters = cs.Model(NET).parameters
    refused(
        BadShape,
        "'dense1.weight' must be 3×32 (got 32×3). Reshape or transpose it. [array-shape]",
        lambda: parameters.update({"dense1.weight": np.zeros((32, 3))}),
    )
    refused(
        BadSetting,
        "'dense1.bias' must be an array of real numbers (got dtype=int64). Convert it with "
        ".astype('float32'). [array-type]",
        lambda: parameters.update({"dense1.bias": np.zeros(3, np.int64)}),
    )
    refused(
        BadSetting,
        "The network has no parameter 'dense.bias'. Did you mean dense1.bias, bn1.bias, dense1.weight? [array-name]",
        lambda: parameters["dense.bias"],
    )
    refused(
        BadSetting,
        "'bn1.bias' is part of the network and cannot be deleted. Set it to zeros instead. [array-fixed]",
        lambda: parameters.pop("bn1.bias"),
    )


def softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def sigmoid(scores):
    return 1 / (1 + np.exp(-scores))


def test_classifier_probabilities_do_not_depend_on_the_last_layer():
    """Logits, softmax and log-softmax with the same parameters: the same probabilities and logits."""
    found = []
    for end in ("", " | softmax", " | logsoftmax"):
        model = cs.Model(NET + end, task="classification")
        found.append((model.predict(images()), model.logits(images())))
    for probabilities, logits in found:
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_allclose(probabilities, found[0][0], rtol=1e-5)
        np.testing.assert_allclose(logits, found[0][1], rtol=1e-6)
    assert found[0][0].dtype == np.float32


def test_fresh_model_predicts_the_raw_output():
    for end, change in (("", lambda y: y), (" | softmax", softmax), (" | sigmoid", sigmoid)):
        model = cs.Model(NET + end)
        logits = cs.Model(NET).logits(images())
        np.testing.assert_allclose(model.predict(images()), change(logits), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(model.logits(images()), logits, rtol=1e-5, atol=1e-6)
        assert model.task is None


def test_predictions_follow_the_loss():
    """Softmax for cross-entropy, sigmoid for its binary form, the output itself for squared errors."""
    model = cs.Model(NET)
    logits = model.logits(images())
    for loss, task, wanted in (
        ("cross_entropy", "classification", softmax(logits)),
        ("bce", "multi_label", sigmoid(logits)),
        ("mse", "regression", logits),
    ):
        model.compile(loss=loss)
        assert model.task == task
        np.testing.assert_allclose(model.predict(images()), wanted, rtol=1e-5)


def test_training_steps_imply_the_task():
    """A step without compile uses cross-entropy."""
    model = cs.Model(NET)
    model.train_step(images(), np.arange(7) % 3)
    assert model.task == "classification"
    np.testing.assert_allclose(model.predict(images()).sum(axis=1), 1, rtol=1e-6)
    model = cs.Model(NET)
    model.fit((images(), np.arange(7) % 3), 1, loss="mse", progress=False)
    assert model.task == "regression"
    np.testing.assert_array_equal(model.predict(images()), model.logits(images()))


def test_declared_task_is_kept_and_chooses_the_default_loss():
    model = cs.Model(NET, task="classification")
    model.compile(loss="mse")
    assert model.task == "classification"
    np.testing.assert_allclose(model.predict(images()), softmax(model.logits(images())), rtol=1e-5)
    model = cs.Model(NET, task="multi-label")
    model.fit((images(), np.arange(7) % 3), 1, progress=False)
    assert type(model.training.objective.loss).__name__ == "BinaryCrossEntropy"
    model.task = None
    np.testing.assert_array_equal(model.predict(images()), model.logits(images()))


@pytest.mark.parametrize("engine", ["native", "reference", "torch"])
@pytest.mark.parametrize("loss", [None, "cross_entropy", "bce", "mse"])
def test_probabilities_argument_overrides_the_task(engine, loss):
    model = cs.Model(NET, engine=engine)
    if loss is not None:
        model.compile(loss=loss)
    logits = model.logits(images())
    np.testing.assert_array_equal(model.predict(images(), probabilities=False), logits)
    wanted = sigmoid(logits) if loss == "bce" else softmax(logits)
    np.testing.assert_allclose(model.predict(images(), probabilities=True), wanted, rtol=1e-5)
    maps = cs.Model("input 2x6x5 | conv 4 3", engine=engine)
    found = maps.predict(images(), probabilities=True)
    np.testing.assert_allclose(found, softmax(maps.predict(images())), rtol=1e-5)


def test_single_channel_is_a_binary_probability():
    """A softmax over one channel would always be 1."""
    model = cs.Model("input 2x6x5 | conv 1 3", task="classification")
    raw = model.predict(images(), probabilities=False)
    np.testing.assert_allclose(model.predict(images()), sigmoid(raw), rtol=1e-5)


@pytest.mark.parametrize("task", ["classification", "multi_label", "regression", None])
@pytest.mark.parametrize("loss", ["cross_entropy", "bce", "mse", None])
def test_task_is_saved_with_the_model(tmp_path, task, loss):
    model = cs.Model(NET, task=task)
    if loss is not None:
        model.compile(loss=loss)
    model.save(tmp_path / "m.safetensors")
    read = cs.Model.load(tmp_path / "m.safetensors")
    assert read.task == model.task
    for probabilities in (None, True, False):
        np.testing.assert_array_equal(
            read.predict(images(), probabilities), model.predict(images(), probabilities)
        )


@pytest.mark.parametrize("trained", [True, False])
def test_file_without_a_task_is_a_classifier_if_it_was_trained(tmp_path, trained):
    """Older files have only a loss and classes."""
    path = tmp_path / "m.safetensors"
    model = cs.Model(NET)
    if trained:
        model.fit((images(), np.arange(7) % 3), 1, progress=False)
    words = describe(model)
    del words["task"]
    write_model_file(path, arrays_of(model), words)
    assert cs.Model.load(path).task == ("classification" if trained else None)


def test_many_images_are_predicted_in_chunks():
    """600 images give what they give one by one."""
    model, x = cs.Model(NET), images(600)
    np.testing.assert_allclose(
        model.predict(x)[[0, 255, 256, 599]], model.predict(x[[0, 255, 256, 599]]), rtol=1e-5
    )


def test_activations_have_every_layer():
    model = cs.Model(NET)
    values = model.activations(images())
    assert list(values) == ["input", "conv1", "bn1", "relu1", "flatten1", "dense1"]
    assert values["relu1"].shape == (7, 4, 4, 2)
    np.testing.assert_array_equal(values["relu1"], np.maximum(values["bn1"], 0))


def test_network_with_one_output_learns_two_classes():
    model = cs.Model("input 2x6x5 | flatten | dense 1")
    x = images(40)
    labels = (x.mean(axis=(1, 2, 3)) > 0).astype(np.int64)
    history = model.fit((x, labels), 30, loss="bce", optimizer=cs.Adam(lr=0.02), progress=False)
    assert history[-1].accuracy > 0.95
    assert model.predict(x).shape == (40, 1)


def test_targets_may_be_real_valued():
    """With squared errors and targets in the output's shape, a linear map is learned."""
    model = cs.Model("input 2x6x5 | flatten | dense 2")
    x = images(60)
    wanted = np.stack([x[:, 0, 1, 2], x[:, 1, 3, 4] - 1], axis=1)
    model.compile(cs.Adam(lr=0.05), loss="mse")
    losses = [model.train_step(x, wanted) for _ in range(300)]
    assert losses[-1] < 1e-3 * losses[0]


def test_recompiling_keeps_parameters_and_resets_momentum():
    model = cs.Model(NET)
    model.compile(cs.SGD(lr=0.1, momentum=0.9))
    labels = np.arange(7) % 3
    model.train_step(images(), labels)
    before = {**model.parameters, **model.buffers}
    model.compile(cs.SGD(lr=0.1, momentum=0.9))
    assert model.steps == 0
    for name, array in {**model.parameters, **model.buffers}.items():
        np.testing.assert_array_equal(array, before[name])
    np.testing.assert_array_equal(model.program.read("dense1.weight.momentum"), np.zeros((3, 32)))


def test_saved_model_is_restored(tmp_path):
    """From a file and a folder, with its network, dtype, seed, loss and classes."""
    model = cs.Model(cs.load(NET), seed=4, dtype="float64")
    model.compile(loss=CrossEntropy(0.1))
    model.fit((images(), np.arange(7) % 3), 1, progress=False)
    for place in ("a.safetensors", "folder"):
        model.save(tmp_path / place)
        read = cs.Model.load(tmp_path / place)
        assert (read.network, read.seed, read.dtype) == (model.network, 4, np.float64)
        assert read.training.objective.loss == CrossEntropy(0.1)
        assert read.classes == ("0", "1", "2")
        for name, array in {**model.parameters, **model.buffers}.items():
            np.testing.assert_array_equal({**read.parameters, **read.buffers}[name], array, strict=True)
        np.testing.assert_array_equal(read.predict(images()), model.predict(images()))
    assert cs.load(str(tmp_path / "folder" / "network.yaml")) == model.network


def test_branches_and_shared_layers_are_saved_too(tmp_path):
    model = cs.Model("resnet18", seed=2)
    model.save(tmp_path / "m.safetensors")
    read = cs.Model.load(tmp_path / "m.safetensors")
    assert read.network == model.network
    assert set(read.parameters) == set(model.parameters)


def torch_twin():
    return nn.Sequential(
        nn.Conv2d(2, 4, (3, 2), (1, 2)), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3)
    )


def test_files_are_exchanged_with_pytorch(tmp_path):
    """State dicts in both directions, without num_batches_tracked, and with renamed layers."""
    names = {"0": "conv1", "1": "bn1", "4": "dense1"}
    torch.manual_seed(0)
    module = torch_twin()
    module(torch.randn(9, 2, 6, 5))
    safetensors.torch.save_file(module.state_dict(), tmp_path / "theirs.safetensors")
    model = cs.Model(NET)
    model.load_parameters(tmp_path / "theirs.safetensors", names)
    module.eval()
    with torch.no_grad():
        wanted = module(torch.tensor(images())).numpy()
    np.testing.assert_allclose(model.logits(images()), wanted, rtol=1e-4, atol=1e-6)

    model.save(tmp_path / "ours.safetensors")
    back = safetensors.torch.load_file(tmp_path / "ours.safetensors")
    other = torch_twin().eval()
    ours = {ours: theirs for theirs, ours in names.items()}
    state = {f"{ours[name.split('.')[0]]}.{name.split('.')[1]}": array for name, array in back.items()}
    other.load_state_dict(state, strict=False)
    with torch.no_grad():
        np.testing.assert_array_equal(other(torch.tensor(images())).numpy(), wanted)


def test_differences_to_another_network_are_listed(tmp_path):
    path = tmp_path / "other.safetensors"
    arrays = {"conv1.weight": np.zeros((4, 2, 3, 3), np.float32), "fc.bias": np.zeros(3, np.float32)}
    safetensors.numpy.save_file(arrays, path)
    refused(
        BadFile,
        f"{str(path)!r} does not have the arrays of network. Load it into the network it was saved from. "
        "[other-network]\n"
        "  conv1.bias: missing, 4 expected\n"
        "  bn1.weight: missing, 4 expected\n"
        "  bn1.bias: missing, 4 expected\n"
        "  dense1.weight: missing, 3×32 expected\n"
        "  dense1.bias: missing, 3 expected\n"
        "  bn1.running_mean: missing, 4 expected\n"
        "  bn1.running_var: missing, 4 expected\n"
        "  conv1.weight: 4×2×3×3, 4×2×3×2 expected\n"
        "  fc.bias: 3, unknown name",
        lambda: cs.Model(NET).load_parameters(path),
    )


def test_bad_files_are_reported(tmp_path):
    missing, plain = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    refused(
        BadFile,
        f"{str(missing)!r} is not a readable .safetensors file. Check the path. [file-missing]",
        lambda: cs.Model.load(missing),
    )
    safetensors.numpy.save_file({"a": np.zeros(1)}, plain)
    refused(
        BadFile,
        f"{str(plain)!r} has arrays but no network. Use load_model(network, weights={str(plain)!r}). [no-network]",
        lambda: cs.Model.load(plain),
    )
    refused(
        BadFile,
        f"{str(tmp_path)!r} is not the folder of a saved model or run (none of model.safetensors, "
        "best.safetensors, last.safetensors, previous.safetensors in it). Check the path. [no-model]",
        lambda: cs.Model.load(tmp_path),
    )
    cs.Model(NET).save(missing)
    for cut in (3, 100, -1):
        (tmp_path / "cut.safetensors").write_bytes(missing.read_bytes()[:cut])
        with pytest.raises(BadFile, match=r"is a damaged \.safetensors file .*\[file-damaged\]$"):
            cs.Model.load(tmp_path / "cut.safetensors")
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadFile, match=r"cannot be created \(.*\)\. .*\[folder\]$"):
        cs.Model(NET).save(tmp_path / "file")


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((1, 2, 6, 5), np.uint8),
         "x must contain floating-point numbers (got dtype=uint8). Use (x / 255).astype('float32'). "
         "[images-type]"),
        (np.zeros((1, 2, 6, 5), np.int64),
         "x must contain floating-point numbers (got dtype=int64). Use x.astype('float32'). [images-type]"),
        (np.zeros((2, 6, 5)),
         "x must be n×2×6×5 for network (got x=2×6×5). Use x[None] for one image. [images-shape]"),
        (np.zeros((3, 2, 5, 6)),
         "x must be n×2×6×5 for network (got x=3×2×5×6). Resize it, or use network.with_input. [images-shape]"),
        (np.zeros((0, 2, 6, 5)),
         "x must contain at least one image (got none). Check where they come from. [images-empty]"),
        (np.where(np.arange(60).reshape(1, 2, 6, 5) == 42, np.inf, 0),
         "x must be finite (got x[0, 1, 2, 2]=inf). Repair or remove such images. [images-nan]"),
    ],
)  # fmt: skip
def test_bad_images_are_reported(x, message):
    model = cs.Model(NET)
    for action in (model.predict, model.activations, lambda x: model.train_step(x, np.zeros(len(x)))):
        refused(BadData, message, lambda action=action: action(x))


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (np.zeros(6, int), BadData,
         "There must be one label per image (got 6 for 7 images). Check that both come from the same split. "
         "[labels-count]"),
        (np.array(1), BadData,
         "There must be one label per image (got one number for 7 images). Check that both come from the same "
         "split. [labels-count]"),
        (np.array(["a"] * 7), BadData,
         "labels must be numbers (got dtype=<U1). Use np.unique(labels, return_inverse=True)[1] to number "
         "classes. [labels-type]"),
        (np.full(7, 3), BadShape,
         "labels must be integers from 0 to 2 (got 3). Count classes from 0, or give the network more outputs. "
         "[labels-range]"),
        (np.full(7, -1), BadShape,
         "labels must be integers from 0 to 2 (got -1). Count classes from 0, or give the network more outputs. "
         "[labels-range]"),
    ],
)  # fmt: skip
def test_bad_labels_are_reported(labels, error, message):
    for loss in ("cross_entropy", "mse"):
        model = cs.Model(NET)
        model.compile(loss=loss)
        refused(error, message, lambda model=model: model.train_step(images(), labels))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cs.Model(NET, precision="high"),
         "Model.precision must be one of fast, strict (got 'high'). strict rounds as plain sums do, fast may "
         "use Winograd's algorithm. [precision]"),
        (lambda: cs.Model(NET, engine="refrence"),
         "Model.engine must be one of native, reference, torch (got 'refrence'). Did you mean reference? [engine]"),
        (lambda: cs.Model(NET, dtype="float16"),
         "Model.dtype must be float32 or float64 (got 'float16'). [dtype]"),
        (lambda: cs.Model(NET, task="clasification"),
         "Model.task must be the name of a task, or None (got 'clasification'). Did you mean classification? "
         "[task]"),
        (lambda: cs.Model(NET).predict(images(), "yes"),
         "predict.probabilities must be True, False or None (got 'yes'). Leave it out to follow the model's "
         "task. [probabilities]"),
        (lambda: cs.Model(NET).step(images(), np.zeros(7, int), float("nan")),
         "step.lr must be a number of at least 0 (got nan). 0.01 is a common start. [setting]"),
        (lambda: cs.Model(NET).step(images(), np.zeros(7, int), float("inf")),
         "step.lr must be a number of at least 0 (got inf). 0.01 is a common start. [setting]"),
        (lambda: cs.Model(NET).step(images(), np.zeros(7, int), -0.5),
         "step.lr must be a number of at least 0 (got -0.5). 0.01 is a common start. [setting]"),
        (lambda: cs.Model(NET).step(images(), np.zeros(7, int), "0.1"),
         "step.lr must be a number of at least 0 (got '0.1'). 0.01 is a common start. [setting]"),
        (lambda: cs.Model(NET, seed=-1), "Model.seed must be an integer of at least 0 (got -1). Use 0. "
                                         "[setting]"),
        (lambda: cs.Model(NET).compile("adam"),
         "compile.optimizer must be SGD, Adam or AdamW (got 'adam'). Use convscope.SGD(lr=0.01, momentum=0.9). [optimizer]"),
        (lambda: cs.Model("input 3x4x5 | softmax 1").compile(loss="cross_entropy"),
         "Softmax.axis must be the class axis (0) for cross-entropy (got axis=1 in 'softmax1'). Normalize "
         "over the first axis, or use another loss. [softmax-axis]"),
    ],
)  # fmt: skip
def test_bad_settings_are_reported(make, message):
    refused(BadSetting, message, make)


def test_repr_and_html():
    model = cs.Model(NET)
    assert repr(model) == "Model(Network('network', 5 layers, input 2×6×5), 159 parameters, engine='native')"
    assert str(model.summary()) == str(cs.inspect(NET))
    assert model._repr_html_() == cs.inspect(NET)._repr_html_()


def test_unknown_parameter_is_none_by_get_and_refused_by_index():
    model = cs.Model(NET)
    assert model.parameters.get("no.weight") is None
    with pytest.raises(BadSetting, match=r"^The network has no parameter 'no\.weight'\. Did you mean bn1\.weight"):
        model.parameters["no.weight"]
