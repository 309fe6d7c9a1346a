"""Even kernels, which shift the map by half a pixel."""

from __future__ import annotations

from fractions import Fraction

from ...axis import Window
from ...network import Node
from ..receptive_field import Regular
from .finding import Finding
from .subject import Subject, lies_over_image, windowed_nodes
from .wording import decimal, extent, listed

HALF = Fraction(1, 2)


def half_shift(window: Window) -> Fraction:
    """Return ±½ where an even window with an odd stride puts unit i beside the middle of its stretch, else 0.

    Formula:  reach/2 − before − stride/2: the center of the first window against that of the first stretch of
              `stride` positions; positive toward the end
    Units:    positions of the input. Larger values mean that no output of the input's extent was meant: 0
    """
    shift = Fraction(window.reach - window.stride, 2) - window.before
    return shift if window.reach % 2 == 0 and abs(shift) == HALF else Fraction(0)


def find_even_kernel_shift(subject: Subject) -> list[Finding]:
    """Find even kernels that shift the maps against the image, and by how many pixels together."""
    last = subject.last_spatial
    if last is None:
        return []
    shifts, shifting = _accumulated(subject)
    total = shifts[last.index]
    padded = [node for node, windows in shifting if any(half_shift(w) and w.before + w.after for w in windows)]
    if not padded or not any(total):
        return []
    names = [node.name for node, _ in shifting]
    kernels = listed([f"{node.name} ({_kernel(node)})" for node in padded])
    dense_output = any(lies_over_image(subject.fields[n.index], len(total)) for n in subject.network.outputs)
    return [
        Finding(
            "even-kernel-shift",
            "risk" if dense_output else "note",
            tuple(names),
            f"even kernels with an odd stride each shift the map by half a pixel of their input: {kernels}; "
            f"at {last.name} units are {extent([float(part) for part in total])} pixels off their nominal "
            "positions (positive: down and right)",
            "use odd kernels, or pad the opposite end in every second of these layers so that the shifts cancel",
            {
                "shift": [float(part) for part in total],
                "layer": last.name,
                "by_layer": {
                    node.name: [float(half_shift(window)) for window in windows] for node, windows in shifting
                },
            },
        )
    ]


def _accumulated(
    subject: Subject,
) -> tuple[list[tuple[Fraction, ...]], list[tuple[Node, tuple[Window, ...]]]]:
    """Return the shift of every node in image pixels, and the layers that shift."""
    rank = len(subject.image)
    windows_of = {node.index: windows for node, windows in windowed_nodes(subject.network)}
    shifts: list[tuple[Fraction, ...]] = []
    shifting = []
    for node in subject.network.nodes:
        arriving = [shifts[source] for source in node.sources]
        shift = tuple(max(parts, key=abs) for parts in zip(*arriving, strict=True)) or (Fraction(0),) * rank
        windows = windows_of.get(node.index)
        before = subject.fields[node.sources[0]] if node.sources else None
        if windows and before is not None and lies_over_image(before, rank):
            own = [half_shift(window) for window in windows]
            steps = [axis.step if type(axis) is Regular else 0 for axis in before.axes]
            if any(own):
                shifting.append((node, windows))
                shift = tuple(s + half * step for s, half, step in zip(shift, own, steps, strict=True))
        shifts.append(shift)
    return shifts, shifting


def _kernel(node: Node) -> str:
    return "×".join(decimal(size) for size in getattr(node.layer, "kernel_size", ()))
