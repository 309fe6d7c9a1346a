"""Time to build and report networks per layer, which should not grow with their size: chains and wide graphs."""

from __future__ import annotations

import convscope as cs
from convscope import layers as L
from convscope.network import Entry, Network
from timing import machine, median_seconds


def chain(layers: int) -> list[Entry]:
    """Return a chain of convolutions, all different so that no facts are cached."""
    entries = [Entry("input", L.Input((3, 32, 33)))]
    for number in range(layers):
        layer = L.Conv2d(3 + number % 7, (3, 1 + 2 * (number % 3)), padding=(1, number % 3))
        entries.append(Entry(f"conv{number}", layer, (entries[-1].name,)))
    return entries


def wide(layers: int) -> list[Entry]:
    """Return one layer that joins all branches from one input."""
    entries = [Entry("input", L.Input((3, 32, 33)))]
    for number in range(layers - 1):
        size = 1 + 2 * (number % 3)
        entries.append(Entry(f"branch{number}", L.Conv2d(2, size, padding=size // 2), ("input",)))
    joined = tuple(entry.name for entry in entries[1:])
    return [*entries, Entry("join", L.Concat(), joined)]


def main() -> None:
    print(f"microseconds per layer; {machine()}")
    print(f"{'layers':>8} {'text: read':>12} {'chain: build':>14} {'report':>8} {'wide: build':>14} {'report':>8}")
    for layers in (1_000, 3_000, 10_000):
        text = "input 3x32x33" + " | conv 3 3 p1 | relu" * (layers // 2)
        figures = [median_seconds(lambda text=text: cs.parse(text), 5) / layers * 1e6]
        for make in (chain, wide):
            entries = make(layers)
            network = Network(entries)
            figures.append(median_seconds(lambda entries=entries: Network(entries), 5) / layers * 1e6)
            figures.append(median_seconds(lambda network=network: cs.inspect(network).totals, 5) / layers * 1e6)
        read, *rest = figures
        print(
            f"{layers:>8,} {read:>12.2f} "
            + " ".join(f"{f:>{w}.2f}" for f, w in zip(rest, (14, 8) * 2, strict=True))
        )


if __name__ == "__main__":
    main()
