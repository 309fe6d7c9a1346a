"""Run kernels for ARM in an emulator: object code, linked with a small driver, reads and writes files of floats."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from convscope.engines.native.codegen.compiler import compiled, symbol
from convscope.engines.native.codegen.kernel import Kernel, argument_names
from convscope.engines.native.codegen.target import Target

COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"
SECONDS = 60
"""What one run may take at most; it takes a fraction of a second."""

DRIVER = """
#include <stdio.h>
#include <stdlib.h>

extern void kernel(long *table, long first, long last, long thread);

/* Arguments: a file of arrays, the number of work items, then for each slot of the table a letter and a number:
   a = an array of so many elements of four bytes, read from the file and written back; n = an integer. */
int main(int count, char **words) {
    long table[64], sizes[64];
    FILE *file = fopen(words[1], "r+b");
    if (!file || count > 66) return 2;
    for (int slot = 0; slot < count - 3; slot++) {
        long number = atol(words[slot + 3] + 1);
        sizes[slot] = words[slot + 3][0] == 'a' ? number : 0;
        table[slot] = number;
        if (sizes[slot]) {
            void *memory = malloc(4 * number);
            if (fread(memory, 4, number, file) != (size_t)number) return 3;
            table[slot] = (long)memory;
        }
    }
    for (long item = atol(words[2]); item-- > 0;) kernel(table, item, item + 1, 0);
    rewind(file);
    for (int slot = 0; slot < count - 3; slot++)
        if (sizes[slot] && fwrite((void *)table[slot], 4, sizes[slot], file) != (size_t)sizes[slot]) return 4;
    return fclose(file);
}
"""


def missing() -> str:
    """Return what cannot be found that running code for ARM needs, or nothing."""
    return " and ".join(program for program in (COMPILER, EMULATOR) if shutil.which(program) is None)


def run(
    kernel: Kernel,
    target: Target,
    batch: int,
    arrays: Mapping[str, np.ndarray],
    numbers: Mapping[str, int | float],
) -> dict[str, np.ndarray]:
    """Return every array after the kernel ran on it, item by item, last first."""
    scratch = np.full(kernel.scratch_floats(target), np.nan, np.float32)
    given = {name: np.ascontiguousarray(arrays[name]) for name in kernel.pointers} | {"scratch": scratch}
    slots = argument_names(kernel, target)
    read = [name for name in slots if name in given]
    words = [f"a{given[name].size}" if name in given else _number(kernel, name, batch, numbers) for name in slots]
    with tempfile.TemporaryDirectory() as folder:
        program, data = _program(kernel, target, Path(folder)), Path(folder) / "arrays"
        data.write_bytes(b"".join(given[name].tobytes() for name in read))
        _finish(EMULATOR, program, data, kernel.items(batch), *words)
        whole = data.read_bytes()
    parts = np.split(np.frombuffer(whole, np.float32), np.cumsum([given[name].size for name in read])[:-1])
    return {
        name: part.view(given[name].dtype).reshape(given[name].shape)
        for name, part in zip(read, parts, strict=True)
    }


def _program(kernel: Kernel, target: Target, folder: Path) -> Path:
    (folder / "driver.c").write_text(DRIVER)
    (folder / "kernel.o").write_bytes(compiled(kernel, target))
    name = f"-Wl,--defsym=kernel={symbol(kernel, target)}"
    _finish(COMPILER, "-static", "-O1", name, folder / "driver.c", folder / "kernel.o", "-o", folder / "kernel")
    return folder / "kernel"


def _number(kernel: Kernel, name: str, batch: int, numbers: Mapping[str, int | float]) -> str:
    """Return an argument as the integer with its bits."""
    if name in kernel.reals:
        return f"n{np.float32(numbers[name]).view(np.uint32)}"
    return f"n{batch if name == 'batch' else numbers[name]}"


def _finish(*words: object) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, f"{words[0]} ended with {done.returncode}: {done.stderr[-2000:]}"
