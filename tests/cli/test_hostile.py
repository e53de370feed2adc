"""Inputs that nobody means well with: what comes is the right rows or one clear refusal, in bounded memory."""
import bz2
import gzip
import lzma
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from conftest import PROGRAM, sanitized
from test_streams import zstd

TWO = ["-t", "a:i4,s:S8"]


def peak_of(tool, *args, stdin=None):
    """Exit status, messages, and the largest process of the run in MiB."""
    code = ("import resource, subprocess, sys\n"
            "done = subprocess.run(sys.argv[1:], stdin=0, stderr=subprocess.PIPE)\n"
            "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)\n"
            "sys.stderr.write(done.stderr.decode(errors='replace'))")
    done = subprocess.run([sys.executable, "-c", code, PROGRAM, *map(str, args)], stdin=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, cwd=tool.folder, timeout=120)
    status, peak = map(int, done.stdout.split())
    return status, done.stderr.decode(), peak


# ---- long and wide -------------------------------------------------------------------------------------------------

@pytest.mark.skipif(sanitized(), reason="the sanitizer's own memory counts too")
@pytest.mark.parametrize("head", [b"", b"1 x\n" * 50_000], ids=["first line", "later line"])
def test_line_of_100_megabytes(tool, head):
    with open(tool.path("in.txt"), "wb") as f:
        f.write(head + b"1 ")
        for _ in range(100):
            f.write(b"x" * 1_000_000)
        f.write(b"\n2 y\n")
    for options in ["--memory", "64M"], ["--memory", "64M", "--max-errors", "9"]:
        status, err, peak = peak_of(tool, "in.txt", "-o", "out.h5", *TWO, *options)
        assert status == 1 and "in.txt" in err and not tool.exists("out.h5"), err
        assert peak < 160, "a bound of 64 MiB, and what is looked at beforehand"


def test_long_line_in_the_memory_for_it(tool):
    got = tool.load(b"1 x\n2 " + b"y" * 5_000_000 + b"\n", "-t", "a:i4,s:S5000000")
    assert got["a"].tolist() == [1, 2] and got["s"][1] == b"y" * 5_000_000
    err = tool.refuse(b"1 x\n2 " + b"y" * 5_000_000 + b"\n", *TWO)
    assert "in.txt:2:2: field 's' (S8): 'yyy" in err and len(err) < 1000


def test_a_million_columns(tool):
    rows = np.arange(2_000_000).reshape(2, -1) % 1013
    text = "".join(" ".join(map(str, row)) + "\n" for row in rows.tolist())
    got = tool.load(text, "-t", "x:(1000000)f4")["x"]
    np.testing.assert_array_equal(got, rows.astype("f4"))
    assert "too wide for HDF5" in tool.refuse(text)


def test_many_columns_of_one_name(tool):
    n = 30_000
    got = tool.load(" ".join(["a", "a_2"] + ["a"] * (n - 2)) + "\n" + "1 " * n + "\n", "--usecols", "0,2,3,1")
    assert got.dtype.names == ("a", "a_3", "a_4", "a_2")
    assert tool.load(",".join("a" * n) + "\n" + ",".join("1" * n) + "\n", "--matrix").shape == (1, n)


# ---- no text -------------------------------------------------------------------------------------------------------

def test_files_of_one_byte(tool):
    """A file of any one byte is a row or none where it is text, else refused."""
    names = [tool.write("b%d.txt" % byte, bytes([byte])) for byte in range(256)]
    tool.ok(*[n for i, n in enumerate(names) if i not in b'\0"'], "-o", "out.h5", "-t", "s:S1", "--comment", "")
    with h5py.File(tool.path("out.h5"), "r") as f:
        got = {name: f[name][()].tolist() for name in f}
    assert got == {"b%d" % i: [] if i in b" \t\v\f\r\n" else [(bytes([i]),)] for i in range(256) if i not in b'\0"'}
    for byte in b'\0"':
        assert "in.txt:1:1" in tool.refuse(bytes([byte]), "-t", "s:S1")


@pytest.mark.parametrize("text", [b"", b"\xef\xbb\xbf", b"\n" * 5, b" \t\n\t\n", b"# c\n\xef",
                                  b"\xef\xbb\xbf# x\n   \n\n\t\n", b"\r\n\r\r\n", b"\t\t\n\t\t\n"],
                         ids=repr)
def test_nothing_but_blanks(tool, text):
    if text.endswith(b"\xef"):
        assert tool.load(text, "-t", "s:S1").tolist() == [(b"\xef",)]
        return
    assert "no records" in tool.refuse(text)
    assert tool.load(text, "-t", "a:f8,b:f8,c:f8").shape == (0,)


def test_nuls(tool):
    for options in [], TWO:
        assert "NUL" in tool.refuse(bytes(1_000_000), *options)
    tool.write("in.txt", b"1 x\n" + bytes(100_000) + b"\n3 z\n")
    result = tool.run("in.txt", "-o", "out.h5", "--max-errors", "1", *TWO)
    assert result.status == 3 and tool.read().tolist() == [(1, b"x"), (3, b"z")], result


def test_program_as_input(tool):
    with open(PROGRAM, "rb") as f:
        text = f.read(300_000)
    for options in [], TWO, ["-d", ","]:
        assert len(tool.refuse(text, *options)) < 5000


def test_directory(tool):
    os.mkdir(tool.path("folder"))
    for options in [], TWO:
        result = tool.run("folder", "-o", "out.h5", *options)
        assert result.status == 1 and "folder: is a directory" in result.err and tool.files() == ["folder"]


# ---- quotes --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text, rows, places", [
    (b'1 "a\n\0b" x\n2 c\n', [(2, b"c")], ["1:2"]),
    (b'1 "a\nb"x\n2 c\n', [(2, b"c")], ["1:2"]),
    (b'1 "a\n2 c\n', [(2, b"c")], ["1:2"]),
    (b'1 "' + b'""' * 50_000 + b'"\n2 c\n', [(2, b"c")], ["1:2"]),
    (b'1 ' + b'"' * 100_001 + b'\n2 c\n', [(2, b"c")], ["1:2"]),
    (b'1 "a\n' * 1001 + b"2 c\n", [(2, b"c")], None),
    (b'1 ""\n2 """"\n', [(1, b""), (2, b'"')], []),
    (b'1 "' + b"\n" * 5 + b'" \r\n2 c\n', [(1, b"\n" * 5), (2, b"c")], []),
], ids=range(8))
def test_quotes(tool, text, rows, places):
    tool.write("in.txt", text)
    result = tool.run("in.txt", "-o", "out.h5", "--max-errors", "9999", *TWO)
    assert result.status == (3 if places != [] else 0), result
    assert tool.read().tolist() == rows
    if places is not None:
        told = [line for line in result.err.splitlines() if line.startswith("in.txt:")]
        assert [line.split(": ")[0] for line in told] == ["in.txt:" + p for p in places], result


def test_junk_behind_blanks_is_told_where_the_quote_is(tool):
    assert "in.txt:1:2: " in tool.refuse(b'1,"a\nb" x\n', "-d", ",", *TWO)


# ---- names ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", [b"n" * 251 + b".txt", b"caf\xe9.txt", b"\xff\xfe.txt", b"two\nlines.txt",
                                  b"tab\tand\x1b[31m.txt", b" .txt", b"a b.txt",
                                  b"quote'\".txt", "né€.txt".encode(), b"%s%n.txt", b"..txt", b"...", b"no_extension",
                                  b"x.txt.gz.txt", b"=.txt"],
                         ids=lambda n: repr(n)[:40])
def test_file_names(tool, name):
    """Each is stored under some name and read back, or refused with a line that holds no control character."""
    folder = os.fsencode(tool.folder)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(b"1 x\n")
    path = b"x=./" + name if b"=" in name else b"./" + name
    done = subprocess.run([PROGRAM.encode(), path, b"-o", b"out.h5", b"-v", *[o.encode() for o in TWO]], cwd=folder,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    lines = done.stderr.decode().splitlines()  # all of it is UTF-8
    assert all(c.isprintable() for line in lines for c in line), lines
    if done.returncode == 0:
        with h5py.File(tool.path("out.h5"), "r") as f:
            assert len(f) == 1 and f[list(f)[0]][()].tolist() == [(1, b"x")]
    else:
        assert done.returncode == 1 and len(lines) >= 1 and not tool.exists("out.h5"), lines


@pytest.mark.parametrize("name", ["-", "--", "-x.txt", "--dtype"])
def test_names_that_look_like_options(tool, name):
    tool.write(name, "1 x\n")
    tool.ok("./" + name, "-o", "out.h5", *TWO)
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert f[list(f)[0]][()].tolist() == [(1, b"x")]
    if name != "-":
        tool.ok("-o", "out.h5", "-f", *TWO, "--", name)


# ---- compressed ----------------------------------------------------------------------------------------------------

SMALL = b"".join(b"%d w%d\n" % (i, i * i % 97) for i in range(40))
PACKED = {"gzip": gzip.compress(SMALL, mtime=0), "bzip2": bz2.compress(SMALL), "xz": lzma.compress(SMALL),
          "zstd": zstd(SMALL)}
ROWS = [(i, b"w%d" % (i * i % 97)) for i in range(40)]


def outcome(tool, name, packed):
    """Rows, or None where the input was refused as it should be."""
    tool.write(name, packed)
    result = tool.run(name, "-o", name + ".h5", *TWO)
    if result.status == 0:
        with h5py.File(tool.path(name + ".h5"), "r") as f:
            return f[list(f)[0]][()].tolist()
    assert result.status == 1 and name in result.err and not tool.exists(name + ".h5"), result
    return None


def each(tool, variants):
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda v: outcome(tool, "v%d" % v[0], v[1]), enumerate(variants)))


@pytest.mark.parametrize("codec", PACKED)
def test_cut_anywhere(tool, codec):
    packed = PACKED[codec]
    ends = sorted({*range(0, 24), *range(24, len(packed), max(1, len(packed) // 20)),
                   *range(len(packed) - 12, len(packed))})
    got = each(tool, [packed[:end] for end in ends])
    assert got[0] == [] and all(rows is None for rows in got[1:])


@pytest.mark.parametrize("codec", ["gzip", "bzip2", "xz"])
def test_one_damaged_byte(tool, codec):
    """Checksums find it, or it stood where nothing depends on it."""
    packed = PACKED[codec]
    places = sorted({*range(0, 20), *range(20, len(packed), max(1, len(packed) // 25)),
                     *range(len(packed) - 10, len(packed))})
    got = each(tool, [packed[:i] + bytes([packed[i] ^ 0x41]) + packed[i + 1:] for i in places])
    assert all(rows is None or rows == ROWS for rows in got)
    assert sum(rows is None for rows in got) > len(got) // 2


@pytest.mark.skipif(sanitized(), reason="the sanitizer's own memory counts too")
@pytest.mark.parametrize("pack, text, times",
                         [(gzip.compress, b" ", 100), (gzip.compress, b"1 x\n", 100), (bz2.compress, b"\n", 5),
                          (gzip.compress, b"x", 100)],
                         ids=["blanks", "rows", "line feeds", "one line"])
def test_bombs(tool, pack, text, times):
    """Up to 100 MB out of very little, within --memory 64M."""
    tool.write("bomb", pack(text * (1_000_000 // len(text))) * times)
    status, err, peak = peak_of(tool, "bomb", "-o", "out.h5", "--memory", "64M", *TWO)
    assert peak < 160, "a bound of 64 MiB, and what is looked at beforehand"
    if text.startswith(b"1 x"):
        with h5py.File(tool.path("out.h5"), "r") as f:
            assert status == 0 and f["bomb"].shape == (25_000_000,)
    else:
        assert (status == 0 and tool.read("bomb").shape == (0,)) or (status == 1 and "bomb" in err), err
