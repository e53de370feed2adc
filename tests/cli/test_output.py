"""The output: all or nothing, names and groups, and that other programs read it."""
import json
import os
import resource
import signal

import h5py
import numpy as np
import pandas as pd
import pytest
import tables

from conftest import DATA, same_rows

DTYPE = "chr:S10,pos:i4,pct:f4"
TEXT = "chr1 10 1.5\nchr2 20 2.5\nchr3 30 NA\n"
ROWS = np.array([(b"chr1", 10, 1.5), (b"chr2", 20, 2.5), (b"chr3", 30, np.nan)],
                [("chr", "S10"), ("pos", "i4"), ("pct", "f4")])


def test_existing_output_is_refused(tool):
    tool.write("in.txt", TEXT)
    tool.write("out.h5", "mine")
    result = tool.run("in.txt", "-o", "out.h5")
    assert result.status == 1 and "out.h5" in result.err and "--force" in result.err, result
    assert tool.bytes_of("out.h5") == b"mine"
    tool.ok("in.txt", "-o", "out.h5", "--force")
    assert len(tool.read()) == 3


@pytest.mark.parametrize("force", [[], ["-f"]])
def test_failure_leaves_what_was_there(tool, force):
    """A bad line in the third of four files."""
    for name in "a.txt", "b.txt", "d.txt":
        tool.write(name, TEXT)
    tool.write("c.txt", TEXT + "chr4 x 1\n")
    if force:
        tool.write("out.h5", "mine")
    before = tool.files()
    result = tool.run("a.txt", "b.txt", "c.txt", "d.txt", "-o", "out.h5", "-t", DTYPE, "-j", "2", *force)
    assert result.status == 1 and "c.txt:4:2: field 'pos' (i4): 'x' is not an integer" in result.err, result
    assert tool.files() == before
    if force:
        assert tool.bytes_of("out.h5") == b"mine"


def test_nothing_but_the_output_is_left(tool):
    tool.write("in.txt", TEXT)
    tool.ok("in.txt", "-o", "out.h5")
    assert tool.files() == ["in.txt", "out.h5"]


@pytest.mark.parametrize("arguments, word", [
    (["missing.txt"], "missing.txt"), (["folder"], "directory"), (["in.txt", "sub/in.txt"], "sub/in.txt"),
    (["in.txt", "in.txt"], "in"),
    (["a=in.txt", "a/b=sub/in.txt"], "a"), (["../x=in.txt"], "in.txt"),
    (["in.txt", "out=in.txt", "missing.txt"], "missing.txt"),
])
def test_inputs_are_checked_first(tool, arguments, word):
    tool.write("in.txt", TEXT)
    tool.write("sub/in.txt", TEXT)
    os.mkdir(tool.path("folder"))
    before = tool.files()
    result = tool.run(*arguments, "-o", "out.h5")
    assert result.status == 1 and word in result.err and result.err.startswith("shmload: "), result
    assert tool.files() == before


def test_output_directory_is_missing(tool):
    tool.write("in.txt", TEXT)
    result = tool.run("in.txt", "-o", "nowhere/out.h5")
    assert result.status == 1 and "nowhere" in result.err and len(result.err.splitlines()) == 1, result


def test_output_is_an_input(tool):
    tool.write("in.txt", TEXT)
    assert tool.run("in.txt", "-o", "in.txt", "-f").status == 1
    assert tool.bytes_of("in.txt") == TEXT.encode()


@pytest.mark.parametrize("layout", ["contiguous", "chunked"])
def test_disk_full(tool, layout):
    """A file size limit, whose signal is ignored as Python leaves it: writes fail as they do on a full disk."""
    tool.write("in.txt", "".join("chr%d %d 0.5\n" % (i, i) for i in range(300_000)))
    tool.write("out.h5", "mine")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    result = tool.run("in.txt", "-o", "out.h5", "-f", "-t", DTYPE, "--layout", layout, preexec_fn=limit,
                      restore_signals=False)
    assert result.status == 1 and result.err, result
    assert tool.files() == ["in.txt", "out.h5"] and tool.bytes_of("out.h5") == b"mine"


def names_in(path):
    found = []
    with h5py.File(path, "r") as f:
        f.visititems(lambda n, o: found.append(n) if isinstance(o, h5py.Dataset) else None)
    return sorted(found)


def test_names_and_groups(tool):
    for name in "a.txt", "b.tar.txt", "c", "sub/d.txt", "e.txt.gz", ".hidden":
        tool.write(name, TEXT)
    tool.ok("a.txt", "b.tar.txt", "c", "sub/d.txt", "e.txt.gz", ".hidden", "run/x=a.txt", "-o", "out.h5")
    assert names_in(tool.path("out.h5")) == sorted(["a", "b.tar", "c", "d", "e", ".hidden", "run/x"])
    tool.ok("a.txt", "sub/d.txt", "-o", "out.h5", "-f", "-g", "/study/one/")
    assert names_in(tool.path("out.h5")) == ["study/one/a", "study/one/d"]
    tool.ok("a.txt", "./sub/d.txt", "-o", "out.h5", "-f", "--name-from", "path")
    assert names_in(tool.path("out.h5")) == ["a", "sub/d"]


def test_files_from(tool):
    for name in "a.txt", "b c.txt", "d.txt":
        tool.write(name, TEXT)
    tool.write("list", "a.txt\nb c.txt\n")
    tool.ok("-T", "list", "d.txt", "-o", "out.h5")
    assert names_in(tool.path("out.h5")) == ["a", "b c", "d"]
    tool.ok("-0", "-T", "-", "-o", "out.h5", "-f", stdin=b"a.txt\0b c.txt\0")
    assert names_in(tool.path("out.h5")) == ["a", "b c"]


def test_awkward_names(tool):
    names = ["--x.txt", "sp ace.txt", "\u00e9.txt", "quo\"te.txt", "a.b.c.txt"]
    for name in names:
        tool.write(name, TEXT)
    tool.ok("-o", "out.h5", "--", *names)
    assert names_in(tool.path("out.h5")) == sorted(n[:-4] for n in names)


def test_hostile_name_does_not_reach_the_terminal(tool):
    tool.write("a\x1b[31m\n.txt", "1 2\nx y\n")
    result = tool.run("a\x1b[31m\n.txt", "-o", "out.h5", "-t", "v:i4,w:i4")
    assert result.status == 1 and "\x1b" not in result.err


def test_h5py_reads_and_maps(tool):
    got = tool.load(TEXT, "-t", DTYPE)
    same_rows(got, ROWS)
    with h5py.File(tool.path("out.h5"), "r") as f:
        dataset = f["in"]
        offset = dataset.id.get_offset()
        assert dataset.chunks is None and offset % 4096 == 0
        shape, dtype = dataset.shape, dataset.dtype
    mapped = np.memmap(tool.path("out.h5"), dtype, "r", offset, shape)
    same_rows(np.array(mapped), ROWS)


@pytest.mark.parametrize("layout", ["contiguous", "chunked"])
def test_pytables_reads(tool, layout):
    tool.load(TEXT, "-t", DTYPE, "--layout", layout)
    with tables.open_file(tool.path("out.h5")) as f:
        table = f.root._f_get_child("in")
        assert isinstance(table, tables.Table) and table.nrows == 3 and table.colnames == ["chr", "pos", "pct"]
        assert [r["pos"] for r in table.where("pos > 15")] == [20, 30]
        same_rows(table[:], ROWS)


def test_pytables_appends_to_chunks(tool):
    tool.load(TEXT, "-t", DTYPE, "--layout", "chunked")
    with tables.open_file(tool.path("out.h5"), "a") as f:
        f.root._f_get_child("in").append(ROWS[:2])
    same_rows(tool.read(), np.concatenate([ROWS, ROWS[:2]]))


@pytest.mark.parametrize("layout", ["contiguous", "chunked"])
def test_pandas_reads(tool, layout):
    tool.load(TEXT, "-t", DTYPE, "--layout", layout)
    frame = pd.read_hdf(tool.path("out.h5"), "in")
    assert list(frame.columns) == ["chr", "pos", "pct"]
    assert frame["pos"].tolist() == [10, 20, 30] and list(frame["chr"]) == ["chr1", "chr2", "chr3"]


def test_layout(tool):
    tool.load(TEXT, "--layout", "chunked")
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert f["in"].maxshape == (None,) and f["in"].chunks[0] & (f["in"].chunks[0] - 1) == 0


def test_attributes(tool):
    tool.write("in.txt", "1 x\n-9999 y\nbad z\n")
    result = tool.run("in.txt", "-o", "out.h5", "-t", "v:i4,s:S1", "--na", "-9999", "--max-errors", "5")
    assert result.status == 3, result
    with h5py.File(tool.path("out.h5"), "r") as f:
        attributes = dict(f["in"].attrs)
        root = {k: v for k, v in f.attrs.items()}
    assert attributes["CLASS"] == b"TABLE" and attributes["FIELD_0_NAME"] == b"v" and attributes["FIELD_1_NAME"] == b"s"
    text = {k: v.decode() if isinstance(v, bytes) else str(v) for k, v in attributes.items()}
    assert "in.txt" in text.values()
    assert any("reject" in k.lower() and int(v) == 1 for k, v in attributes.items())
    assert any("missing_value" in k for k in attributes)
    assert any("shmload" in (v.decode() if isinstance(v, bytes) else str(v)) for v in root.values())


def test_concat(tool):
    tool.write("a.txt", TEXT)
    tool.write("b.txt", "chr9 90 9.5\n")
    tool.ok("a.txt", "b.txt", "-t", DTYPE, "--concat", "all", "-o", "out.h5")
    got = tool.read("all")
    same_rows(got[:3], ROWS)
    assert got[3:].tolist() == [(b"chr9", 90, 9.5)]
    others = [n for n in names_in(tool.path("out.h5")) if n != "all"]
    assert len(others) == 1, "an index beside it"
    index = tool.read(others[0])
    assert [(int(r[1]), int(r[2])) for r in index.tolist()] == [(0, 3), (3, 1)]


def test_account(tool):
    tool.write("in.txt", TEXT)
    tool.write("empty.txt", "")
    result = tool.ok("in.txt", "empty.txt", "-o", "out.h5", "-t", DTYPE, "--json")
    account = json.loads(result.out)
    assert "3" in json.dumps(account)
    assert "empty.txt" in result.err
    quiet = tool.ok("in.txt", "-o", "out.h5", "-f", "-q")
    assert quiet.err == "" and quiet.out == ""
    verbose = tool.ok("in.txt", "-o", "out.h5", "-f", "-v")
    assert "in.txt" in verbose.err and "3" in verbose.err and "\r" not in verbose.err


def test_sample_data_in_one_file(tool):
    names = sorted(n for n in os.listdir(DATA) if n.endswith((".txt", ".csv")))
    tool.ok(*(os.path.join(DATA, n) for n in names), "-o", "out.h5")
    assert names_in(tool.path("out.h5")) == sorted(n.rpartition(".")[0] for n in names)
    with tables.open_file(tool.path("out.h5")) as f:
        assert {node.nrows for node in f.walk_nodes("/", "Table")} == {200, 96, 120}


def test_too_many_fields_are_refused_first(tool):
    err = tool.refuse(" ".join(map(str, range(20_000))) + "\n")
    assert "usecols" in err


def test_every_plain_dataset_starts_on_a_page(tool):
    sizes = [3, 1000, 2, 50, 2, 158, 158, 1, 5000, 100, 7, 157, 300, 10]
    for i, n in enumerate(sizes):
        tool.write("f%02d.txt" % i, "".join("chr%d %d 0.5\n" % (k % 20, k) for k in range(n)))
    names = ["f%02d.txt" % i for i in range(len(sizes))]
    tool.ok(*names, "-o", "out.h5")
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert [f[k].id.get_offset() % 4096 for k in f] == [0] * len(sizes)
