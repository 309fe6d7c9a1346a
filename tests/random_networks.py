"""Random legal networks over small images whose every dimension differs.

Some steps are several layers: gates of several kinds, space-to-depth and windowed attention written by hand. Their
inner layers have a dot in their names; a gate's last layer ends in ".gate" and takes the
gated map first, that of a gate by rows alone in ".side".
"""

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
    "roll": lambda draw: L.Roll(_pair(draw, -3, 3), (1, 2)),
    "channels": lambda draw: L.Slice(0, draw(st.integers(0, 1)), None, draw(st.integers(1, 2))),
    "groupnorm": lambda draw: L.GroupNorm(1),
    "instancenorm": lambda draw: L.InstanceNorm2d(),
    "softmax": lambda draw: L.Softmax(draw(st.integers(0, 2))),
    "layernorm": lambda draw: L.LayerNorm((draw(st.integers(0, 2)),)),
}


def _gate(draw, name, shape):
    """Squeeze and excitation in the forms in which it is written."""
    c, h, w = shape
    pools = {
        "global": [L.GlobalAvgPool2d(), L.Conv2d(c, 1)],
        "window": [L.AvgPool2d((h, w)), L.Sigmoid()],
        "kernel": [L.Conv2d(c, (h, w))],
        "mean": [L.Reduce("mean", (1, 2)), L.Linear(c), L.Reshape((c, 1, 1))],
        "twice": [L.Reduce("mean", (2,), keepdims=True), L.Reduce("mean", (1,), keepdims=True)],
        "bins": [L.AdaptiveAvgPool2d((min(h, 2), min(w, 3))), L.Conv2d(c, (min(h, 2), min(w, 3)))],
        "dense": [L.Flatten(), L.Linear(c), L.Reshape((c, 1, 1))],
        "rows": [L.Reduce("mean", (2,), keepdims=True), L.Conv2d(c, (3, 1), padding=(1, 0))],
        "padded": [L.GlobalAvgPool2d(), L.Pad(((0, h - 1), (w - 1, 0)))],
        "reduced": [L.Reduce("mean", (1, 2)), L.Reshape((c, 1, 1)), L.Pad(((h - 1, 0), (0, w - 1)))],
        "columns": [L.Flatten(), L.Linear(c), L.Reshape((c, 1, 1)), L.Pad(((0, 0), (1, w - 2)))],
        "repeated": [L.GlobalMaxPool2d(), L.Upsample(size=(h, w))],
    }
    if h == 1 or w == 1:
        pools = {
            kind: pools[kind] for kind in ("global", "mean", "twice", "dense", "padded", "reduced", "repeated")
        }
    kind = draw(st.sampled_from(sorted(pools)))
    return [*pools[kind], ("side" if kind == "rows" else "gate", draw(st.sampled_from([L.Multiply(), L.Add()])))]


def _strip(draw, name, shape):
    """A map one row or one column wide, as of a kernel over all of the other axis."""
    _, h, w = shape
    kernel = draw(st.sampled_from([(h, 1), (1, w), (h, min(w, 3))]))
    return [draw(st.sampled_from([L.Conv2d(4, kernel), L.AvgPool2d(kernel)]))]


def _unshuffle(draw, name, shape):
    c, h, w = shape
    if h % 2 or w % 3:
        return [L.Crop(((0, h % 2), (w % 3, 0)))] if h > 1 and w > 3 else [L.ReLU()]
    return [
        L.Reshape((c, h // 2, 2, w // 3, 3)),
        L.Permute((0, 2, 4, 1, 3)),
        L.Reshape((c * 6, h // 2, w // 3)),
        L.Conv2d(4, 1),
    ]


def _shuffle_by_hand(draw, name, shape):
    _, h, w = shape
    return [
        L.Conv2d(12, 1),
        L.Reshape((2, 3, 2, h, w)),
        L.Permute((2, 3, 0, 4, 1)),
        L.Reshape((2, h * 2, w * 3)),
    ]


def _windows(draw, name, shape):
    """Attention within windows of 2×2 positions."""
    c, h, w = shape
    if h % 2 or w % 2:
        return [L.Crop(((h % 2, 0), (0, w % 2)))] if h > 1 and w > 1 else [L.ReLU()]
    return [
        L.Permute((1, 2, 0)),
        L.Reshape((h // 2, 2, w // 2, 2, c)),
        L.Permute((0, 2, 1, 3, 4)),
        L.Reshape((h * w // 4, 4, c)),
        L.Softmax(1),
        L.Linear(4),
        L.Reshape((h // 2, w // 2, 2, 2, 4)),
        L.Permute((0, 2, 1, 3, 4)),
        L.Reshape((h, w, 4)),
        L.Permute((2, 0, 1)),
    ]


def _tokens(draw, name, shape):
    c, h, w = shape
    return [
        L.Reshape((c, h * w)),
        L.Permute((1, 0)),
        draw(st.sampled_from([L.MultiheadAttention(1), L.LSTM(3), L.LSTM(3, bidirectional=True), L.Linear(5)])),
        L.Permute((1, 0)),
        L.Reshape((-1, h, w)),
        L.Conv2d(4, 1),
    ]


_SEVERAL = {
    "gate": _gate,
    "gate2": _gate,
    "strip": _strip,
    "unshuffle": _unshuffle,
    "shuffle-by-hand": _shuffle_by_hand,
    "windows": _windows,
    "tokens": _tokens,
}


@st.composite
def networks(draw, steps=st.integers(1, 7), merges=True, rare=False) -> Network:
    """Draw a graph: each step extends some layer before it, or joins two of one shape; `rare` allows all kinds."""
    low, wide = (draw(st.integers(6, 9)), draw(st.integers(10, 13)))
    shape = draw(st.sampled_from([(4, low, wide)] * 5 + [(4, 1, wide), (4, low, 1), (1, low, wide)] * rare))
    entries = [Entry("input", L.Input(shape))]
    network = Network(entries)
    plain = [kind for kind in sorted(_STEPS) if rare or kind in _USUAL]
    for number in range(draw(steps)):
        name = f"layer{number}"
        if merges and draw(st.integers(0, 3)) == 0:
            merge = _merge(draw, network, name)
            added = [merge] if merge else []
        else:
            source = draw(st.sampled_from([n.name for n in network.nodes if "." not in n.name][-3:]))
            kind = draw(st.sampled_from([*plain, *(_SEVERAL if rare else ())]))
            if kind in _STEPS:
                added = [Entry(name, _STEPS[kind](draw), (source,))]
            else:
                added = _named(name, source, _SEVERAL[kind](draw, name, network[source].output_shape))
        try:
            candidate = Network([*entries, *added])
        except ConvscopeError:
            continue
        if added and max(candidate[added[-1].name].output_shape[1:]) <= 40:
            entries += added
            network = candidate
    return network


_USUAL = frozenset(_STEPS) - {"roll", "channels", "groupnorm", "instancenorm", "softmax", "layernorm"}


def _named(name, source, layers):
    """Return entries in a row, the last one with the step's name, or `name.gate` behind the gated map and a name."""
    entries = []
    before = source
    for place, layer in enumerate(layers):
        if isinstance(layer, tuple):
            entries.append(Entry(f"{name}.{layer[0]}", layer[1], (source, before)))
            entries.append(Entry(name, L.Identity(), (f"{name}.{layer[0]}",)))
        else:
            own = name if place == len(layers) - 1 else f"{name}.part{place}"
            entries.append(Entry(own, layer, (before,)))
            before = own
    return entries


def without_gates(network: Network) -> Network:
    """Return the network with its global side paths taken out: gates pass their map on, norms do nothing."""
    entries = []
    for entry in network.entries:
        if entry.name.endswith(".gate"):
            entry = entry._replace(layer=L.Identity(), inputs=entry.inputs[:1])
        elif isinstance(entry.layer, L.GroupNorm | L.InstanceNorm) or _sees_all(network[entry.name]):
            entry = entry._replace(layer=L.Identity())
        entries.append(entry)
    return Network(entries)


def _sees_all(node) -> bool:
    """Tell whether a layer norm runs over the only axis with several positions."""
    if not isinstance(node.layer, L.LayerNorm) or len(node.output_shape) != 3:
        return False
    axis, (_, h, w) = node.layer.axes[0], node.output_shape
    return axis > 0 and (h, w)[axis - 1] > 1 and (h, w)[2 - axis] == 1


def _merge(draw, network, name):
    nodes = [node for node in network.nodes if "." not in node.name]
    pairs = [
        (one.name, two.name)
        for place, one in enumerate(nodes)
        for two in nodes[place + 1 :]
        if one.output_shape == two.output_shape
    ]
    if not pairs:
        return None
    kinds = [L.Add(), L.Add(), L.Concat(), L.Concat(), L.Concat(1), L.Concat(2)]
    return Entry(name, draw(st.sampled_from(kinds)), draw(st.sampled_from(pairs)))
