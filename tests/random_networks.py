"""Random legal networks over small pictures whose every dimension differs."""

from __future__ import annotations

from hypothesis import strategies as st

from convscope import layers as L
from convscope.errors import ConvscopeError
from convscope.network import Entry, Network


def _pair(draw, low, high):
    return (draw(st.integers(low, high)), draw(st.integers(low, high)))


def _pads(draw, most):
    return tuple(_pair(draw, 0, most) for _ in range(2))


def _conv(draw):
    kernel = _pair(draw, 1, 4)
    border = draw(st.sampled_from(["zeros", "zeros", "zeros", "reflect", "replicate", "circular"]))
    padding = draw(st.sampled_from(["same", "explicit", "explicit"]))
    return L.Conv2d(
        draw(st.sampled_from([2, 4])),
        kernel,
        stride=_pair(draw, 1, 3),
        padding="same" if padding == "same" else _pads(draw, 2),
        dilation=_pair(draw, 1, 2),
        padding_mode=border,
    )


def _same_size_conv(draw):
    kernel = (draw(st.sampled_from([1, 2, 3, 5])), draw(st.sampled_from([1, 3, 4])))
    dilation = _pair(draw, 1, 2)
    totals = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    befores = [draw(st.integers(0, total)) for total in totals]
    pads = tuple((before, total - before) for before, total in zip(befores, totals, strict=True))
    return L.Conv2d(4, kernel, padding=pads, dilation=dilation)


def _pool(draw):
    kernel = _pair(draw, 1, 4)
    kind = draw(st.sampled_from([L.MaxPool2d, L.AvgPool2d, L.MinPool2d]))
    pads = tuple((draw(st.integers(0, k // 2)), draw(st.integers(0, k // 2))) for k in kernel)
    return kind(kernel, _pair(draw, 1, 3), padding=pads, ceil_mode=draw(st.booleans()))


def _transposed(draw):
    stride = _pair(draw, 1, 3)
    extra = tuple(draw(st.integers(0, s - 1)) for s in stride)
    return L.ConvTranspose2d(
        4, _pair(draw, 1, 4), stride, padding=_pads(draw, 1), dilation=_pair(draw, 1, 2), output_padding=extra
    )


def _upsample(draw):
    mode = draw(st.sampled_from(["nearest", "linear"]))
    corners = mode == "linear" and draw(st.booleans())
    if draw(st.booleans()):
        return L.Upsample(size=_pair(draw, 2, 13), mode=mode, align_corners=corners)
    return L.Upsample(_pair(draw, 1, 3), mode=mode, align_corners=corners)


_STEPS = {
    "conv": _conv,
    "same-size": _same_size_conv,
    "pool": _pool,
    "transposed": _transposed,
    "upsample": _upsample,
    "adaptive": lambda draw: L.AdaptiveAvgPool2d(_pair(draw, 1, 7)),
    "pad": lambda draw: L.Pad(
        _pads(draw, 2), draw(st.sampled_from(["zeros", "replicate", "reflect", "circular"]))
    ),
    "crop": lambda draw: L.Crop(_pads(draw, 1)),
    "slice": lambda draw: L.Slice(draw(st.integers(1, 2)), draw(st.integers(0, 2)), None, draw(st.integers(1, 2))),
    "relu": lambda draw: L.ReLU(),
    "shuffle": lambda draw: L.PixelShuffle(2),
}


@st.composite
def networks(draw, steps=st.integers(1, 7), merges=True) -> Network:
    """Draw a graph: each step extends some layer before it, or joins two of one shape."""
    entries = [Entry("input", L.Input((4, draw(st.integers(6, 9)), draw(st.integers(10, 13)))))]
    network = Network(entries)
    for number in range(draw(steps)):
        name = f"layer{number}"
        if merges and draw(st.integers(0, 3)) == 0:
            entry = _merge(draw, network, name)
        else:
            source = draw(st.sampled_from([n.name for n in network.nodes][-3:]))
            entry = Entry(name, _STEPS[draw(st.sampled_from(sorted(_STEPS)))](draw), (source,))
        try:
            candidate = Network([*entries, entry]) if entry else network
        except ConvscopeError:
            continue
        if entry and max(candidate[name].output_shape[1:]) <= 40:
            entries.append(entry)
            network = candidate
    return network


def _merge(draw, network, name):
    pairs = [
        (one.name, two.name)
        for one in network.nodes
        for two in network.nodes[one.index + 1 :]
        if one.output_shape == two.output_shape
    ]
    if not pairs:
        return None
    return Entry(name, draw(st.sampled_from([L.Add(), L.Concat()])), draw(st.sampled_from(pairs)))
