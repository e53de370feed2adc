"""--verify: what a disk that lies has done to the rows is found, and there is no output then."""
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest

from conftest import PROGRAM, ROOT, children, sanitized

LAYOUTS = [
    "", "--layout chunked", "-z 1", "-z 6 --no-shuffle", "-z zstd", "--shuffle", "--checksum", "--chunk 2000",
    "--matrix", "--matrix -z 1", "--columns", "--columns --layout chunked", "--columns -z 1", "--concat all",
    "--concat all -z 1",
    "--concat all --source-column src", "--concat all --columns",
]


@pytest.fixture(scope="module")
def bad_disk(tmp_path_factory):
    """The environment in which the disk does one thing wrong."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None or sanitized():
        pytest.skip("needs a compiler, and a program that takes a preloaded library")
    library = str(tmp_path_factory.mktemp("bad") / "bad_disk.so")
    source = os.path.join(ROOT, "tests", "tools", "bad_disk.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return lambda how: {"LD_PRELOAD": library, "BAD_DISK": how}


def table(seed, n_rows, n_columns=4):
    values = np.random.default_rng(seed).random((n_rows, n_columns))
    return "".join(" ".join(map(repr, row)) + "\n" for row in values.tolist())


@pytest.fixture(scope="module")
def text():
    return table(7, 100000) # 3.2 MB of records


def everything(tool, output):
    """All datasets of a file by name, as bytes."""
    found = {}
    with h5py.File(tool.path(output), "r") as f:
        f.visititems(lambda name, d: found.update({name: d[()].tobytes()}) if isinstance(d, h5py.Dataset) else None)
    return found


# ---- it finds what is wrong ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["flip,1,777", "drop,0,0", "short,0,20000", "elsewhere,0,8192", "read,0,5"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_finds_it(tool, bad_disk, text, layout, how):
    tool.write("a.txt", text)
    tool.write("old.h5", "an output that was there before")
    before = tool.files()
    result = tool.run("a.txt", "-o", "old.h5", "-f", "--verify", *layout.split(), env=bad_disk(how))
    assert result.status == 1 and result.out == "", result
    sentence = r"shmload: old\.h5: /%s: rows \d+ to \d+(, read back, are not .*| cannot be read back: .*)\n"
    assert re.fullmatch(sentence % ("all" if "--concat" in layout else "a"), result.err), result
    assert tool.bytes_of("old.h5") == b"an output that was there before"
    assert tool.files() == before, "something was left behind"


def test_the_disk_does_lie(tool, bad_disk, text):
    """Without --verify nobody notices; with it, the rows that are told are those that differ, and not many more."""
    tool.write("a.txt", text)
    tool.ok("a.txt", "-o", "good.h5")
    env = bad_disk("flip,40,20000")
    tool.ok("a.txt", "-o", "bad.h5", "--slice", "1M", env=env)
    differ = np.flatnonzero(tool.read("a", "good.h5") != tool.read("a", "bad.h5"))
    assert len(differ) == 1
    result = tool.run("a.txt", "-o", "refused.h5", "--slice", "1M", "--verify", env=env)
    first, last = map(int, re.search(r"rows (\d+) to (\d+)", result.err).groups())
    assert result.status == 1 and first <= differ[0] <= last, result
    assert last - first < 80000


def test_the_right_dataset(tool, bad_disk):
    names = [tool.write("t%d.txt" % i, table(i, 8192)) for i in range(4)]
    for i in range(4): # 256 KiB of rows each, in seven whole pieces of 32 KiB, or eight
        result = tool.run(*names, "-o", "out.h5", "--verify", env=bad_disk("flip,%d,100" % (7 * i + 3)))
        assert result.status == 1 and "/t%d: rows 0 to 8191, read back" % i in result.err, result


@pytest.mark.parametrize("layout", ["", "-z 1", "--columns -z 1"])
def test_only_the_new_rows_of_an_append(tool, bad_disk, text, layout):
    tool.write("a.txt", text)
    tool.write("b.txt", table(8, 100000))
    tool.ok("a.txt", "-o", "out.h5", "-a", "--concat", "all", "--verify", *layout.split())
    before = tool.bytes_of("out.h5")
    args = ["b.txt", "-o", "out.h5", "-a", "--concat", "all", "--verify", *layout.split()]
    result = tool.run(*args, env=bad_disk("flip,1,999"))
    first = re.search(r"/all: rows (\d+) to", result.err)
    assert result.status == 1 and first, result
    assert tool.bytes_of("out.h5") == before
    tool.ok(*args)
    tool.ok("a.txt", "b.txt", "-o", "once.h5", "--concat", "all", "--layout", "chunked", *layout.split())
    assert {k: v for k, v in everything(tool, "out.h5").items() if "index" not in k} == \
        {k: v for k, v in everything(tool, "once.h5").items() if "index" not in k}


def test_nothing_is_kept_of_the_lines_set_aside(tool, bad_disk, text):
    tool.write("a.txt", text + "bad line\n")
    before = tool.files()
    result = tool.run("a.txt", "-o", "out.h5", "--verify", "-t", "f8,f8,f8,f8", "--max-errors", "1", "--rejects", "r",
                      env=bad_disk("flip,0,9"))
    assert result.status == 1 and tool.files() == before, result


def wait_until_it_reads_back(tool, text, env):
    tool.write("a.txt", text)
    p = subprocess.Popen([PROGRAM, "a.txt", "-o", "out.h5", "-j", "2", "--verify"], stderr=subprocess.PIPE,
                         cwd=tool.folder, start_new_session=True, env={**os.environ, **env})
    end = time.monotonic() + 60
    while not tool.exists("waiting") and time.monotonic() < end and p.poll() is None:
        time.sleep(0.01)
    assert tool.exists("waiting")
    return p


def test_a_signal_ends_it(tool, bad_disk, text):
    p = wait_until_it_reads_back(tool, text, bad_disk("wait,0,0"))
    os.kill(p.pid, signal.SIGTERM)
    _, err = p.communicate(timeout=60)
    assert p.returncode == -signal.SIGTERM and err == b""
    assert tool.files() == ["a.txt", "waiting"]
    with pytest.raises(ProcessLookupError):
        os.killpg(p.pid, 0)


def test_a_lost_reader_is_an_error(tool, bad_disk, text):
    p = wait_until_it_reads_back(tool, text, bad_disk("wait,0,0"))
    os.kill(children(p.pid)[0], signal.SIGKILL)
    _, err = p.communicate(timeout=60)
    assert p.returncode == 1 and b"out.h5: a process that read it back was lost" in err
    assert tool.files() == ["a.txt", "waiting"]


# ---- and nothing where all is well --------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_same_bytes(tool, text, layout):
    tool.write("a.txt", text)
    tool.write("b.txt", table(8, 10))
    tool.write("c.txt", table(9, 3000))
    args = ["a.txt", "b.txt", "c.txt", "-f", *layout.split()]
    tool.ok(*args, "-o", "plain.h5")
    want = tool.bytes_of("plain.h5")
    for more in ([], ["-j", "1"], ["-j", "3", "--slice", "1M"], ["-j", "2", "--memory", "24M"]):
        tool.ok(*args, "-o", "verified.h5", "--verify", *more)
        assert tool.bytes_of("verified.h5") == want


@pytest.mark.parametrize("layout", ["", "-z 1", "--concat all"])
def test_a_stream_through_a_small_region(tool, layout):
    text = table(3, 300000, 3)
    tool.write("a.txt.gz", gzip.compress(text.encode(), 1))
    tool.ok("a.txt.gz", "-o", "out.h5", "--verify", "-j", "1", "--memory", "24M", *layout.split())
    tool.ok("-", "-o", "pipe.h5", "--verify", "-j", "1", "--memory", "24M", *layout.split(), stdin=text.encode())
    (rows,) = [v for k, v in everything(tool, "out.h5").items() if "index" not in k]
    assert rows == b"".join(np.array(line.split(), "f8").tobytes() for line in text.splitlines())


def test_odd_inputs(tool):
    """No rows, few rows, a guess that does not hold, lines set aside in the midst, text and numbers of any width."""
    tool.write("none.txt", "")
    tool.write("one.txt", "1 2 3 4\n")
    tool.write("guess.txt", "1 2 3 x\n" * 200000 + "1.5 2 3 longer\n")
    tool.write("bad.txt", "".join("%d a\n" % i if i % 7 == 0 else "1 2 3 %d\n" % i for i in range(100000)))
    tool.ok("none.txt", "one.txt", "-o", "a.h5", "--verify", "-t", "i4,i4,i4,i4")
    tool.ok("guess.txt", "-o", "b.h5", "--verify", "--slice", "1M")
    assert tool.run("bad.txt", "-o", "c.h5", "--verify", "-t", "i1,>i2,u8,S6", "--max-errors", "50%", "--memory",
                    "24M").status == 3
    assert len(tool.read("bad", "c.h5")) == 85714


def test_many_inputs(tool):
    names = [tool.write("d/%03d.txt" % i, table(i, i % 5)) for i in range(300)]
    for layout in ([], ["--concat", "all"], ["--columns"]):
        tool.ok(*names, "-o", "out.h5", "-f", "--verify", "-t", "f8,f8,f8,f8", *layout)


def test_it_says_so(tool):
    tool.write("in.txt", "1 2\n3 4\n")
    assert "read back and found right" in tool.ok("in.txt", "-o", "a.h5", "--verify").err
    assert "read back" not in tool.ok("in.txt", "-o", "b.h5").err
    assert json.loads(tool.ok("in.txt", "-o", "c.h5", "--verify", "--json").out)["verified"] is True
    assert json.loads(tool.ok("in.txt", "-o", "d.h5", "--json").out)["verified"] is False
    assert json.loads(tool.ok("in.txt", "-n", "--verify", "--json").out)["verified"] is False
