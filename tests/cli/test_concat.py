"""--concat: one dataset of all inputs, its index, and the input's number as a column."""
import os

import h5py
import numpy as np
import pytest
import tables

DTYPE = "chr:S5,pos:i4,x:f8"


@pytest.fixture
def inputs(tool):
    """Three files, one without records; rows and the number of the file of each."""
    rng = np.random.default_rng(5)
    parts = []
    for i, n in enumerate([70000, 0, 33333]):
        rows = np.zeros(n, [("chr", "S5"), ("pos", "<i4"), ("x", "<f8")])
        rows["chr"] = np.char.add("chr", rng.integers(1, 23, n).astype(str)).astype("S5")
        rows["pos"] = rng.integers(-2 ** 31, 2 ** 31, n)
        rows["x"] = np.round(rng.random(n), 4)
        tool.write("in%d.txt" % i, "".join("%s %d %r\n" % (r["chr"].decode(), r["pos"], float(r["x"])) for r in rows))
        parts.append(rows)
    return np.concatenate(parts), np.repeat([0, 1, 2], [len(p) for p in parts]).astype("u4")


NAMES = ["in0.txt", "in1.txt", "in2.txt"]


def check(tool, inputs, output="out.h5"):
    rows, source = inputs
    with h5py.File(tool.path(output), "r") as f:
        got, index = f["all"][()], f["all_index"][()]
    assert got.dtype == np.dtype(rows.dtype.descr + [("from", "<u4")])
    for name in rows.dtype.names:
        np.testing.assert_array_equal(got[name], rows[name])
    np.testing.assert_array_equal(got["from"], source)
    assert index.tolist() == [(b"in0.txt", 0, 70000), (b"in1.txt", 70000, 0), (b"in2.txt", 70000, 33333)]


@pytest.mark.parametrize("kernel", ["scalar", "avx2", "avx512"])
@pytest.mark.parametrize("options", [[], ["-z", "1"], ["--layout", "chunked"]], ids=" ".join)
def test_source_column(tool, inputs, kernel, options):
    env = {"SHMLOAD_KERNEL": kernel}
    if tool.run("-V", env=env).out.find("kernel none") >= 0:
        pytest.skip("not on this processor")
    tool.ok(*NAMES, "-t", DTYPE, "--concat", "all", "--source-column", "from", "-o", "out.h5", *options, env=env)
    check(tool, inputs)


@pytest.mark.parametrize("options", [[], ["-z", "2"]], ids=" ".join)
def test_same_bytes_however_cut(tool, inputs, options):
    made = set()
    for cut in ["-j", "1"], ["-j", "2", "--slice", "1M"], ["-j", "7", "--slice", "1M"], ["--memory", "32M"]:
        tool.ok(*NAMES, "-t", DTYPE, "--concat", "all", "--source-column", "from", "-o", "out.h5", "-f", *options, *cut)
        made.add(tool.bytes_of("out.h5"))
    assert len(made) == 1
    check(tool, inputs)


def test_inferred_types_and_usecols(tool):
    tool.write("a.txt", "k v w\n1 2 x\n3 4 y\n" * 1)
    tool.write("b.txt", "k v w\n5 6.5 z\n")
    tool.ok("a.txt", "b.txt", "--concat", "g/all", "--source-column", "src", "--usecols", "w,v", "-o", "out.h5")
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert f["g/all"].dtype == np.dtype([("w", "S1"), ("v", "<f8"), ("src", "<u4")])
        assert f["g/all"][()].tolist() == [(b"x", 2, 0), (b"y", 4, 0), (b"z", 6.5, 1)]
    with tables.open_file(tool.path("out.h5")) as f:
        assert f.root.g.all.read_where("src == 1")["v"].tolist() == [6.5]


def test_the_second_pass_has_it_too(tool):
    """A guess that does not hold, far from every sample."""
    lines = ["%d" % i for i in range(400000)]
    lines[123456] = "1.5"
    tool.write("a.txt", "\n".join(lines) + "\n")
    tool.write("b.txt", "7\n")
    tool.ok("a.txt", "b.txt", "--concat", "all", "--source-column", "src", "-o", "out.h5", "-j", "2")
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert f["all"]["f0"][123456] == 1.5 and f["all"]["src"].tolist() == [0] * 400000 + [1]


def test_dry_run_prints_what_can_be_given(tool):
    tool.write("a.txt", "k v\n1 2\n")
    shown = tool.ok("-n", "a.txt", "--concat", "all", "--source-column", "src").out
    assert "k:i4,v:i4\n" in shown


def test_refused(tool):
    err = tool.refuse("k v\n1 2\n", "--concat", "all", "--source-column", "v")
    assert "--source-column" in err and "'v'" in err
    for options in [["--source-column", "s"], ["--concat", "all", "--source-column", ""],
                    ["--concat", "all", "--source-column", "a/b"]]:
        assert "--source-column" in tool.refuse("k v\n1 2\n", *options, status=2)


@pytest.mark.parametrize("second, cure", [
    ("a x\n1 2\n", ["--names", "a,b"]), ("1 2\n", ["--names", "a,b"]), ("b a\n1 2\n", ["--usecols", "a,b"]),
    ("a z b\n1 2 3\n", ["--usecols", "a,b"]), ("p q r\n1 2 3\n", ["--concat", "NAME"]),
])
@pytest.mark.parametrize("turned", [False, True])
def test_other_columns_and_the_cure(tool, second, cure, turned):
    names = [tool.write("a.txt", "a b\n1 2\n"), tool.write("b.txt", second)]
    names = names[::-1] if turned else names
    result = tool.run(*names, "--concat", "all", "-o", "out.h5")
    assert result.status == 1 and cure[0] in result.err and result.err.count("\n") == 1
    if cure[1] != "NAME":
        shown = result.err.split(cure[0] + " '")[1].split("'")[0]
        tool.ok(*names, "--concat", "all", "-o", "out.h5", cure[0], shown)
        assert len(tool.read("all")) == 2
