"""Workers: the same bytes however many there are, and the processes and mappings that were promised."""
import os
import random
import re
import shutil
import subprocess

import numpy as np
import pytest

from conftest import PROGRAM, sanitized

DTYPE = "chr:S10,pos:i4,pct:f4,c:i4,t:i4"


def coverage(n_rows, seed):
    rng = random.Random(seed)
    return "".join("chr%d\t%d\t%.6g\t%d\t%d\n" % (rng.randrange(22), rng.randrange(10 ** 8), rng.random() * 100,
                                                  rng.randrange(99), i)
                   for i in range(n_rows))


@pytest.fixture
def inputs(tool):
    for i, n_rows in enumerate([120_000, 0, 1, 90_000, 20_000]):
        tool.write("s%d.txt" % i, coverage(n_rows, i))
    return tool, ["s%d.txt" % i for i in range(5)]


@pytest.mark.parametrize("schema", [["-t", DTYPE], []], ids=["given", "inferred"])
@pytest.mark.parametrize("layout", ["contiguous", "chunked"])
def test_same_bytes(inputs, schema, layout):
    tool, names = inputs
    ways = [["-j", "1"], ["-j", "2"], ["-j", "7"], ["-j", "1", "--slice", "1M"], ["-j", "3", "--slice", "1M"],
            ["--slice", "2M", "--memory", "64M"], []]
    outputs = {}
    for way in ways:
        tool.ok(*names, "-o", "out.h5", "-f", "--layout", layout, *schema, *way)
        outputs.setdefault(tool.bytes_of("out.h5"), []).append(" ".join(way))
    assert len(outputs) == 1, list(outputs.values())


def test_slices_lose_nothing(tool):
    """Lines of many lengths, so that cuts fall everywhere in a line; some as long as a slice is not."""
    rng = random.Random(3)
    words = ["w" * rng.choice([1, 2, 3, 50, 500]) for _ in range(60_000)]
    text = "".join("%d %s%s" % (i, w, rng.choice(["\n", "\r\n", " # c\n", "\n\n"])) for i, w in enumerate(words))
    got = tool.load(text, "-t", "i:i4,w:S500", "--slice", "1M", "-j", "4")
    np.testing.assert_array_equal(got["i"], np.arange(60_000))
    assert got["w"].tolist() == [w.encode() for w in words]


def test_quoted_line_feeds_across_slices(tool):
    rng = random.Random(4)
    fields = ["".join(rng.choice('ab\n,"') for _ in range(rng.randrange(60))) for _ in range(60_000)]
    text = "".join('%d,"%s"\n' % (i, f.replace('"', '""')) for i, f in enumerate(fields))
    got = tool.load(text, "-d", ",", "-t", "i:i4,w:S60", "--slice", "1M", "-j", "4")
    assert got["i"].tolist() == list(range(60_000)) and got["w"].tolist() == [f.encode() for f in fields]


def test_line_numbers_are_the_file_s(tool):
    text = coverage(150_000, 5) + "chr1\tx\t1\t1\t1\n" + coverage(100, 6)
    for way in ["-j", "1"], ["-j", "4", "--slice", "1M"]:
        assert "in.txt:150001:2: field 'pos' (i4): 'x' is not an integer" in tool.refuse(text, "-t", DTYPE, *way)


def test_kernels_agree(inputs):
    tool, names = inputs
    outputs = {}
    for kernel in "scalar", "avx2", "avx512":
        if "kernel " + kernel not in tool.run("-V", env={"SHMLOAD_KERNEL": kernel}).out:
            continue
        tool.ok(*names, "-o", "out.h5", "-f", "-t", DTYPE, env={"SHMLOAD_KERNEL": kernel})
        outputs[kernel] = tool.bytes_of("out.h5")
    assert "scalar" in outputs and len(set(outputs.values())) == 1


def test_many_small_files(tool):
    for i in range(300):
        tool.write("f%03d.txt" % i, "%d a\n%d b\n" % (i, -i))
    tool.ok(*("f%03d.txt" % i for i in range(300)), "-o", "out.h5", "-j", "4")
    for i in 0, 7, 299:
        assert tool.read("f%03d" % i)["f0"].tolist() == [i, -i]


@pytest.mark.skipif(sanitized(), reason="the sanitizer maps memory of its own")
def test_processes_and_mappings(inputs):
    """One forked worker and one shared anonymous mapping a file, nothing in /dev/shm, workers leave by _exit."""
    tool, names = inputs
    if not shutil.which("strace"):
        pytest.skip("no strace")
    trace = tool.path("trace")
    command = ["strace", "-f", "-o", trace, "-e", "trace=process,mmap,openat,open", PROGRAM, *names, "-o", "out.h5",
               "-t", DTYPE, "-j", "2"]
    done = subprocess.run(command, cwd=tool.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if not os.path.exists(trace) or b"ptrace" in done.stderr:
        pytest.skip("strace cannot trace here")
    assert done.returncode == 0, done.stderr
    with open(trace) as f:
        text = f.read()
    forks = re.findall(r"\b(?:clone3?|v?fork)\(.*= (?:\d+)$|<\.\.\. (?:clone3?|v?fork) resumed>.*= (?:\d+)$", text,
                       re.M)
    assert len(forks) >= 4, "the four files with rows each have a worker"
    assert "CLONE_THREAD" not in text
    shared = re.findall(r"mmap\(.*MAP_SHARED\|MAP_ANONYMOUS", text)
    assert shared
    assert "/dev/shm" not in text and "shm_open" not in text


@pytest.mark.parametrize("options", [[], ["-z", "1"], ["--layout", "chunked"]])
def test_one_large_among_many_small(tool, options):
    """Small inputs are stored by the dozen; a worker that has to wait for its turn must get it all the same."""
    for i in range(100):
        tool.write("f%03d.txt" % i, "%d 0.5\n" % i)
    tool.write("f050.txt", "".join("%d 0.25\n" % i for i in range(1000000)))
    names = ["f%03d.txt" % i for i in range(100)]
    tool.ok(*names, "-o", "out.h5", "-t", "a:i4,b:(4)f8", "--usecols", "0,1,1,1,1", "--memory", "32M", *options)
    assert tool.read("f050")["a"].tolist() == list(range(1000000))
    assert tool.read("f099")["a"].tolist() == [99]
