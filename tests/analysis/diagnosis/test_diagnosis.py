"""All findings together: order, form, and no false alarms on classic networks."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import convscope as cs
from analysis.brute_force import influence
from convscope.analysis.diagnosis import Finding
from convscope.analysis.diagnosis.finding import SEVERITIES
from random_networks import networks

CLASSIC = {
    "resnet50": [],
    "resnet152": [],
    "vgg16": ["heavy-dense"],
    "vgg19": ["heavy-dense"],
    "vgg16_bn": ["heavy-dense", "useless-bias"],
    "alexnet": ["heavy-dense"],
    "alexnet-torchvision": ["heavy-dense"],
    "mobilenet_v2": [],
    "mobilenet_v3_large": [],
    "googlenet": [],
    "inception_v3": [],
    "densenet121": [],
    "efficientnet_b0": [],
    "convnext_tiny": [],
    "shufflenet_v2_x1_0": [],
    "squeezenet1_0": ["lost-rows", "unseen-border"],
    "unet": [],
}
"""Findings beside the smallest input, each of them true: 224 − 7 is odd, so that SqueezeNet loses a row."""


@pytest.mark.parametrize("name", CLASSIC)
def test_classic_networks_raise_no_false_alarm(name):
    assert [finding.code for finding in cs.diagnose(name)] == [*CLASSIC[name], "smallest-input"]


def test_mobilenet_has_one_unproductive_layer_and_a_same_drift():
    """Its last depthwise layer looks at 251 pixels of 224, and TensorFlow's SAME moves by 31 of 32 pixels."""
    drift, unproductive, _ = cs.diagnose("mobilenet_v1")
    assert drift.numbers["drift"] == [-31.0, -31.0]
    assert unproductive.numbers["field_before_first"] == [251, 251]
    assert unproductive.layers == ("dwconv13",)


def test_the_most_severe_findings_come_first():
    network = cs.load(
        "input 3x20x25 | conv 4 3 s2 | bn | relu | relu | maxpool 3 s2 | flatten | dense 5 | dropout 0.1"
    )
    severities = [finding.severity for finding in cs.diagnose(network, object_size=12)]
    assert set(severities) == set(SEVERITIES)
    assert severities == sorted(severities, key=SEVERITIES.index)


def test_diagnose_takes_a_model_name_and_findings_are_json():
    findings = cs.diagnose("vgg16")
    assert findings == cs.diagnose(cs.load("vgg16"))
    assert json.loads(json.dumps(findings[0].to_dict())) == findings[0].to_dict()
    assert set(findings[0].to_dict()) == {"code", "severity", "layers", "message", "suggestion", "numbers"}


def test_a_finding_is_a_value():
    one = Finding("code", "note", ("a",), "message", "suggestion", {"n": 1})
    assert one == Finding("code", "note", ("a",), "message", "suggestion", {"n": 1})
    assert len({one, one}) == 1
    assert str(one) == "note: message [code]\n  → suggestion"


@pytest.mark.parametrize(
    "text", ["input 7 | dense 3", "input 3x50 | conv1d 4 3 s2", "input 2x9x11x13 | conv3d 4 3 s2"]
)
def test_networks_of_other_ranks_are_diagnosed(text):
    assert isinstance(cs.diagnose(cs.load(text), object_size=2), list)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(networks())
def test_diagnoses_hold_on_random_networks(network):
    """Sizes that are named are legal, unproductive layers and lost pixels are what trying every pixel shows."""
    findings = cs.diagnose(network, object_size=(3, 4))
    (smallest,) = [finding for finding in findings if finding.code == "smallest-input"]
    if smallest.numbers["legal_together"]:
        network.with_input((4, *smallest.numbers["smallest"]))
    assert smallest.numbers["productive"] is None or network.with_input((4, *smallest.numbers["productive"]))
    truth = None
    for finding in findings:
        if finding.code == "unseen-border":
            truth = influence(network) if truth is None else truth
            seen = truth[finding.layers[0]].any(axis=(2, 3, 4))
            for axis, pixels in enumerate(finding.numbers["pixels"]):
                last = np.flatnonzero(seen.any(axis=1 - axis))[-1]
                assert pixels == network.input_shape[1 + axis] - 1 - last
