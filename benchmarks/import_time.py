"""Import time of convscope compared with NumPy, in separate processes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from timing import machine


def seconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def main() -> None:
    rounds = [[seconds(code) for code in ("pass", "import numpy", "import convscope")] for _ in range(9)]
    bare, numpy, ours = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(machine())
    print(f"import numpy {1e3 * (numpy - bare):.0f} ms, import convscope {1e3 * (ours - bare):.0f} ms")


if __name__ == "__main__":
    main()
