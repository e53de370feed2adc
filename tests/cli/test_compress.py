"""Compressed and checked chunks: every reader's values, HDF5's own bytes, the same file however the work was cut."""
import hashlib

import h5py
import numpy as np
import pytest

DTYPE = "chr:S6,pos:i4,x:f8"


@pytest.fixture
def table(tool):
    rng = np.random.default_rng(7)
    n = 150000
    rows = np.zeros(n, dtype=[("chr", "S6"), ("pos", "<i4"), ("x", "<f8")])
    rows["chr"] = np.char.add("chr", rng.integers(1, 23, n).astype(str)).astype("S6")
    rows["pos"] = np.cumsum(rng.integers(1, 99, n))
    rows["x"] = np.round(rng.random(n), 3)
    tool.write("t.txt", "".join("%s\t%d\t%.3f\n" % (r["chr"].decode(), r["pos"], r["x"]) for r in rows))
    return rows


@pytest.mark.parametrize("options, filters", [
    (["-z", "1"], (True, "gzip", False)),
    (["-z", "4", "--checksum"], (True, "gzip", True)),
    (["--compress", "gzip:6", "--no-shuffle"], (False, "gzip", False)),
    (["--shuffle", "--checksum"], (True, None, True)),
    (["--chunk", "1000"], (False, None, False)),
    (["-z", "2", "--chunk", "64K"], (True, "gzip", False)),
])
def test_filters(tool, table, options, filters):
    tool.ok("t.txt", "-o", "out.h5", "-t", DTYPE, *options)
    with h5py.File(tool.path("out.h5"), "r") as f:
        d = f["t"]
        assert (d.shuffle, d.compression, d.fletcher32) == filters
        assert d.dtype == table.dtype and d.maxshape == (None,)
        assert (d[...] == table).all()
        if options[-2:] == ["--chunk", "64K"]:
            assert d.chunks == (65536 // table.itemsize,)
        if options == ["--chunk", "1000"]:
            assert d.chunks == (1000,)


def test_same_bytes_however_cut(tool, table):
    for options in ["-z", "3"], ["--checksum"], ["--compress", "zstd"]:
        sums = set()
        for cut in ["-j", "1"], ["-j", "2", "--slice", "1M"], ["-j", "7", "--slice", "1M"], ["--memory", "32M"]:
            tool.ok("t.txt", "-o", "out.h5", "-f", "-t", DTYPE, *options, *cut)
            sums.add(hashlib.sha256(tool.bytes_of("out.h5")).hexdigest())
        assert len(sums) == 1, options


def test_shuffled_chunks_are_hdf5s_own(tool, table):
    tool.ok("t.txt", "-o", "out.h5", "-t", DTYPE, "--shuffle", "--checksum", "--chunk", "4096")
    with h5py.File(tool.path("own.h5"), "w") as f:
        f.create_dataset("t", data=table, chunks=(4096,), shuffle=True, fletcher32=True, maxshape=(None,))
    with h5py.File(tool.path("out.h5"), "r") as a, h5py.File(tool.path("own.h5"), "r") as b:
        for row in range(0, len(table) - 4096, 4096):
            assert a["t"].id.read_direct_chunk((row,)) == b["t"].id.read_direct_chunk((row,))


def test_no_larger_than_zlibs(tool, table):
    tool.ok("t.txt", "-o", "out.h5", "-t", DTYPE, "-z", "4")
    with h5py.File(tool.path("out.h5"), "r") as a:
        ours, chunks = a["t"].id.get_storage_size(), a["t"].chunks
    with h5py.File(tool.path("own.h5"), "w") as f:
        d = f.create_dataset("t", data=table, chunks=chunks, shuffle=True, compression="gzip", compression_opts=4)
        assert ours <= 1.02 * d.id.get_storage_size()


def test_noise_is_stored_raw(tool):
    rng = np.random.default_rng(3)
    words = ["".join(chr(c) for c in rng.integers(33, 127, 40) if chr(c) not in '"#') for _ in range(30000)]
    tool.write("n.txt", "\n".join(words) + "\n")
    tool.ok("n.txt", "-o", "out.h5", "-t", "w:S40", "-z", "1", "--no-shuffle", "--checksum")
    assert [w.decode() for w in tool.read("n")["w"]] == words


def test_contradictions(tool, table):
    for options in ["-z", "0"], ["-z", "10"], ["-z", "zstd:23"], ["--chunk", "0"], ["--chunk", "x"], \
            ["-z", "1", "--layout", "contiguous"]:
        assert tool.run("t.txt", "-o", "out.h5", *options).status == 2, options


def test_pytables_and_pandas_read_it(tool, table):
    tables = pytest.importorskip("tables")
    pandas = pytest.importorskip("pandas")
    tool.ok("t.txt", "-o", "out.h5", "-t", DTYPE, "-z", "4", "--checksum")
    with tables.open_file(tool.path("out.h5")) as f:
        found = f.root.t.read_where("pos < 5000")
        assert (found == table[table["pos"] < 5000]).all()
    assert (pandas.read_hdf(tool.path("out.h5"), "t")["x"].values == table["x"]).all()
