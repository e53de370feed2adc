"""--columns: a group for each input, a dataset for each column; the values of the records, in every layout."""
import shutil
import subprocess

import h5py
import numpy as np
import pytest
import tables

DTYPE = "chr:S5,pos:i4,x:f8,b:u1,v:(3)f4,s:(2)S2"
NUMPY = np.dtype([("chr", "S5"), ("pos", "<i4"), ("x", "<f8"), ("b", "u1"), ("v", "<f4", (3,)), ("s", "S2", (2,))])


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(11)
    n = 150000
    rows = np.zeros(n, NUMPY)
    rows["chr"] = np.char.add("chr", rng.integers(1, 23, n).astype(str)).astype("S5")
    rows["pos"] = np.cumsum(rng.integers(1, 99, n))
    rows["x"] = np.round(rng.random(n), 3)
    rows["b"] = rng.integers(0, 256, n)
    rows["v"] = rng.integers(-1000, 1000, (n, 3))
    rows["s"] = rng.choice([b"a", b"bc", b"d"], (n, 2))
    text = "".join("%s %d %r %d %d %d %d %s %s\n" % (r["chr"].decode(), r["pos"], float(r["x"]), r["b"], *r["v"],
                                                 *(s.decode() for s in r["s"])) for r in rows)
    return rows, text


def check(group, rows, names=NUMPY.names):
    assert sorted(group) == sorted(names)
    for name in names:
        assert group[name].dtype == rows.dtype[name].base and group[name].shape == rows[name].shape
        np.testing.assert_array_equal(group[name][()], rows[name])


@pytest.mark.parametrize("n", [0, 1, 7, 3000, 150000])
@pytest.mark.parametrize("options", [[], ["--layout", "chunked"], ["-z", "1"], ["-z", "4", "--checksum"],
                                     ["--chunk", "1000"],
                                     ["--compress", "gzip:2", "--no-shuffle", "--chunk", "64K"], ["--shuffle"]],
                                     ids=" ".join)
def test_values(tool, table, n, options):
    rows, text = table
    tool.write("in.txt", "".join(text.splitlines(True)[:n]))
    tool.ok("in.txt", "-o", "out.h5", "--columns", "-t", DTYPE, *options)
    with h5py.File(tool.path("out.h5"), "r") as f:
        check(f["in"], rows[:n])
        assert f["in"].attrs["rows"] == n and f["in"].attrs["source"] in ("in.txt", b"in.txt")
        d = f["in/pos"]
        if not options:
            assert d.chunks is None
        else:
            assert d.maxshape == (None,) and f["in/v"].chunks == d.chunks + (3,)
            assert d.fletcher32 == ("--checksum" in options)
            assert (d.compression is not None) == ("-z" in options or "--compress" in options)
    assert tool.files() == ["in.txt", "out.h5"]


@pytest.mark.parametrize("options", [[], ["-z", "1"], ["--layout", "chunked"]], ids=" ".join)
def test_same_bytes_however_cut(tool, table, options):
    tool.write("in.txt", table[1])
    made = set()
    for cut in ["-j", "1"], ["-j", "2", "--slice", "1M"], ["-j", "7", "--slice", "1M"], ["--memory", "32M"]:
        tool.ok("in.txt", "-o", "out.h5", "-f", "--columns", "-t", DTYPE, *options, *cut)
        made.add(tool.bytes_of("out.h5"))
    assert len(made) == 1


def test_compressed_is_what_hdf5_makes(tool, table):
    """Our own shuffled chunks and those of HDF5's filter, byte by byte."""
    rows, text = table
    tool.write("in.txt", text)
    tool.ok("in.txt", "-o", "out.h5", "--columns", "-t", DTYPE, "--shuffle", "--chunk", "4096")
    with h5py.File(tool.path("own.h5"), "w") as f, h5py.File(tool.path("out.h5"), "r") as got:
        for name in NUMPY.names:
            d = f.create_dataset(name, data=rows[name], chunks=got["in"][name].chunks, shuffle=True)
            for row in range(0, len(rows) - 4096, 4096):
                at = (row,) + (0,) * (d.ndim - 1)
                assert d.id.read_direct_chunk(at) == got["in"][name].id.read_direct_chunk(at)


def test_h5diff_finds_no_difference(tool, table):
    if not shutil.which("h5diff"):
        pytest.skip("no h5diff")
    tool.write("in.txt", table[1])
    tool.ok("in.txt", "-o", "a.h5", "--columns", "-t", DTYPE)
    tool.ok("in.txt", "-o", "b.h5", "--columns", "-t", DTYPE, "-z", "3")
    assert subprocess.run(["h5diff", "-c", "a.h5", "b.h5"], cwd=tool.folder).returncode == 0


def test_contiguous_columns_can_be_mapped(tool, table):
    rows, text = table
    tool.write("in.txt", text)
    tool.ok("in.txt", "-o", "out.h5", "--columns", "-t", DTYPE)
    with h5py.File(tool.path("out.h5"), "r") as f:
        for name in NUMPY.names:
            d = f["in"][name]
            assert d.id.get_offset() % 4096 == 0
            mapped = np.memmap(tool.path("out.h5"), d.dtype, "r", d.id.get_offset(), d.shape)
            np.testing.assert_array_equal(mapped, rows[name])


def test_stream(tool, table):
    rows, text = table
    tool.ok("-", "-o", "out.h5", "--columns", "-t", DTYPE, "--memory", "32M", stdin=text.encode())
    with h5py.File(tool.path("out.h5"), "r") as f:
        check(f["stdin"], rows)


@pytest.mark.parametrize("options", [[], ["-z", "1"]], ids=" ".join)
def test_concat(tool, table, options):
    rows, text = table
    lines = text.splitlines(True)
    tool.write("a.txt", "".join(lines[:60000]))
    tool.write("b.txt", "".join(lines[60000:]))
    tool.ok("a.txt", "b.txt", "-o", "out.h5", "--columns", "-t", DTYPE, "--concat", "g/all", "--source-column", "from",
            *options)
    with h5py.File(tool.path("out.h5"), "r") as f:
        check({n: f["g/all"][n] for n in NUMPY.names}, rows)
        assert f["g/all/from"].dtype == "u4" and f["g/all/from"][()].tolist() == [0] * 60000 + [1] * 90000
        assert f["g/all_index"]["rows"].tolist() == [60000, 90000]


def test_many_inputs_groups_and_units(tool):
    for i in range(20):
        tool.write("in%d.txt" % i, "k v\n%d %d.5\n" % (i, i))
    tool.ok(*("in%d.txt" % i for i in range(20)), "-o", "out.h5", "--columns", "-g", "G", "--units", "v=kg")
    with h5py.File(tool.path("out.h5"), "r") as f:
        for i in range(20):
            assert f["G/in%d/k" % i][0] == i and f["G/in%d/v" % i][0] == i + 0.5
            assert f["G/in%d/v" % i].attrs["units"] == b"kg" and not f["G/in%d/k" % i].attrs
    with tables.open_file(tool.path("out.h5")) as f:
        assert f.root.G.in7.v[:].tolist() == [7.5]


def test_wider_than_a_record_can_be(tool):
    n = 3000
    tool.load(" ".join(map(str, range(n))) + "\n" + " ".join(map(str, range(n, 0, -1))) + "\n", "--columns",
              dataset="in/f0")
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert len(f["in"]) == n and f["in/f2999"][()].tolist() == [2999, 1]


def test_nothing_is_left_after_a_bad_line(tool, table):
    tool.refuse(table[1] + "x\n", "--columns", "-t", DTYPE)


def test_more_columns_than_memory(tool):
    err = tool.refuse("1 " * 20000 + "\n", "--columns", "--memory", "256M")
    assert "--usecols" in err and "--matrix" in err
