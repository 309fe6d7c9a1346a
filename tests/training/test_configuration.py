"""Training settings: JSON form and checks."""

import json
import re

import numpy as np
import pytest

import convscope as cs
from convscope.errors import BadSetting
from convscope.optim.losses import CrossEntropy
from convscope.optim.schedules import Cosine, StepDecay, WarmUp
from convscope.training.configuration import Configuration


def test_configuration_survives_json():
    """Nested schedules and pairs of numbers too."""
    configuration = Configuration(
        epochs=7,
        batch_size=9,
        optimizer=cs.AdamW(lr=0.002, betas=(0.8, 0.95)),
        loss=CrossEntropy(0.1),
        schedule=WarmUp(5, then=Cosine(lowest=0.001)),
        clip_norm=2,
        augment="shift=2, flip",
        patience=3,
        checkpoint_every=11,
        data="digits",
    )
    text = json.dumps(configuration.to_dict())
    assert Configuration.from_dict(json.loads(text)) == configuration
    assert json.loads(text)["augment"] == "shift=2,flip=0.5"


def test_names_alone_give_default_settings():
    read = Configuration.from_dict({"optimizer": "adam", "loss": "mse", "schedule": {"name": "cosine"}})
    assert (read.optimizer, read.schedule) == (cs.Adam(), Cosine())


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"epoch": 3}, "configuration has an unknown key 'epoch'. Did you mean epochs? [configuration-key]"),
        ({"optimizer": {"name": "sgd", "momentun": 0.9}}, "configuration.optimizer has an unknown key "
                                                          "'momentun'. Did you mean momentum? "
                                                          "[configuration-key]"),
        ({"optimizer": {"name": "rmsprop"}}, "configuration.optimizer has an unknown value (got {'name': "
                                             "'rmsprop'}). Known: adam, adamw, sgd. [configuration-value]"),
        ({"schedule": 3}, "configuration.schedule has an unknown value (got 3). Pass a name, or a name with "
                          "settings. [configuration-value]"),
        ({"optimizer": {"name": "adam", "betas": [0.9]}}, "Adam.betas must be two numbers of at least 0 and "
                                                          "below 1 (got (0.9,)). (0.9, 0.999) is usual. "
                                                          "[betas]"),
    ],
)  # fmt: skip
def test_invalid_settings_are_reported(document, message):
    with pytest.raises(BadSetting, match=f"^{re.escape(message)}$"):
        Configuration.from_dict(document)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cs.SGD(lr=0), "SGD.lr must be a number above 0 (got 0). 0.01 is a common start. [setting]"),
        (lambda: cs.SGD(lr=float("nan")), "SGD.lr must be a number above 0 (got nan). 0.01 is a common start. "
                                          "[setting]"),
        (lambda: cs.SGD(lr="0.1"), "SGD.lr must be a number above 0 (got '0.1'). 0.01 is a common start. "
                                   "[setting]"),
        (lambda: cs.SGD(momentum=1), "SGD.momentum must be a number of at least 0 and below 1 (got 1). 0.9 is "
                                     "usual. [setting]"),
        (lambda: cs.SGD(lr=10**400), f"SGD.lr must be a number above 0 (got {10**59}…). 0.01 is a common "
                                     "start. [setting]"),
        (lambda: cs.SGD(lr=10**5000), "SGD.lr must be a number above 0 (got a very large int). 0.01 is a "
                                      "common start. [setting]"),
        (lambda: cs.SGD(momentum=0.9, nesterov="yes"),
         "SGD.nesterov must be True or False (got 'yes'). [setting]"),
        (lambda: WarmUp(then="cosin"),
         "fit.schedule must be a schedule or its name (got 'cosin'). Did you mean cosine? [schedule]"),
        (lambda: Configuration(loss=["mse"]),
         "fit.loss must be a loss or its name (got ['mse']). Did you mean mse? [loss]"),
        (lambda: cs.SGD(nesterov=True), "SGD.nesterov needs momentum (got momentum=0.0). Set momentum=0.9, or "
                                        "leave nesterov out. [nesterov]"),
        (lambda: cs.Adam(betas=(0.9, 1)), "Adam.betas[1] must be a number of at least 0 and below 1 (got 1). "
                                          "betas=(0.9, 0.999) is usual. [setting]"),
        (lambda: cs.AdamW(weight_decay=-1), "AdamW.weight_decay must be a number of at least 0 (got -1). Use "
                                            "0 for none. [setting]"),
        (lambda: CrossEntropy(1.0), "CrossEntropy.label_smoothing must be a number of at least 0 and below 1 "
                                    "(got 1.0). 0.1 is usual. [setting]"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(BadSetting, match=f"^{re.escape(message)}$"):
        make()


def test_numpy_scalars_are_converted():
    """Settings must be JSON-serializable."""
    made = Configuration(
        epochs=np.int64(3),
        batch_size=np.int32(7),
        optimizer=cs.SGD(lr=np.float32(0.5)),
        loss=CrossEntropy(np.float32(0.25)),
        schedule=WarmUp(np.int64(4), np.float32(0.125), StepDecay(np.int16(3), np.float32(0.5))),
        clip_norm=np.float64(2),
        patience=np.int64(2),
        checkpoint_every=np.int64(9),
    )
    assert Configuration.from_dict(json.loads(json.dumps(made.to_dict()))) == made


def test_rate_that_overflows_is_refused_by_the_step():
    model = cs.Model("input 1x6x5 | flatten | dense 3")
    model.compile(cs.SGD(lr=0.1), schedule=StepDecay(every=1, gamma=1e200))
    x, labels = np.zeros((6, 1, 6, 5), np.float32), np.arange(6) % 3
    model.train_step(x, labels)
    model.steps = 2
    message = "step.lr must be a number of at least 0 (got inf). 0.01 is a common start. [setting]"
    with pytest.raises(BadSetting, match=f"^{re.escape(message)}$"):
        model.train_step(x, labels)
    message = "step.lr must be a number of at least 0 and below 3.40282e+38 (got 1e+39). 0.01 is a common start. [setting]"
    with pytest.raises(BadSetting, match=f"^{re.escape(message)}$"):
        model.step(x, labels, 1e39)
