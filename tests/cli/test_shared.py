"""The recipe of the README: one array for several processes, mapped from the file, without a copy in any of them."""
import hashlib
import os
import re
import subprocess
import sys

import h5py
import pytest

from conftest import ROOT

REPORT = """
import hashlib, sys
sys.stdin.readline()
digest = hashlib.sha256(table.tobytes()).hexdigest()
lines = open("/proc/self/smaps").read().split("out.h5\\n", 1)[1].splitlines()
dirty = next(int(l.split()[1]) for l in lines if l.startswith("Private_Dirty"))
resident = next(int(l.split()[1]) for l in lines if l.startswith("Rss"))
print(digest, dirty, resident, flush=True)
sys.stdin.readline()
"""


def recipe():
    with open(os.path.join(ROOT, "README.md")) as f:
        found = re.search(r"```python\n(import h5py, numpy as np\n.*?np\.memmap.*?)```", f.read(), re.S)
    return found.group(1).replace('"run1"', '"in"')


@pytest.mark.parametrize("options", [[], ["--matrix", "--usecols", "0,1"]], ids=" ".join)
def test_two_processes_map_one_array(tool, options):
    n = 200000
    text = "".join("%d %d.25 s%d\n" % (i, i, i % 10) for i in range(n))
    rows = tool.load(text, *options)
    readers = [subprocess.Popen([sys.executable, "-c", recipe() + REPORT], cwd=tool.folder, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for r in readers: # all have mapped it before one reads, and none goes before all have
        r.stdin.write("read\n")
        r.stdin.flush()
    said = [r.stdout.readline().split() for r in readers]
    for r in readers:
        r.communicate("\n", timeout=30)
    digests = {words[0] for words in said}
    assert len(digests) == 1
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert digests == {hashlib.sha256(f["in"][()].tobytes()).hexdigest()}
    assert len(rows) == n
    for _, dirty_kib, resident_kib in said:
        assert int(dirty_kib) == 0, "pages of its own"
        assert int(resident_kib) >= rows.nbytes // 1024 * 9 // 10
