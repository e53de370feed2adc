"""--matrix: one dataset of rows by columns of one type, of any width."""
import h5py
import numpy as np
import pytest
import tables


def text_of(values):
    return "".join(" ".join(repr(v) for v in row) + "\n" for row in values.tolist())


@pytest.fixture(scope="module")
def values():
    return np.round(np.random.default_rng(3).normal(0, 100, (20000, 24)), 2)


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", "<f8"])
@pytest.mark.parametrize("options", [[], ["--layout", "chunked"], ["-z", "1"], ["-z", "5", "--checksum"],
                                     ["--chunk", "500"]], ids=" ".join)
def test_values(tool, values, dtype, options):
    got = tool.load(text_of(values), "--matrix", "-t", dtype, *options)
    assert got.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(got, values.astype(dtype))
    with h5py.File(tool.path("out.h5"), "r") as f:
        d = f["in"]
        assert "CLASS" not in d.attrs and d.attrs["rows"] == 20000
        assert (d.chunks is None) == (not options) and (d.maxshape == (None, 24)) == bool(options)


@pytest.mark.parametrize("options", [[], ["-z", "1"]], ids=" ".join)
def test_same_bytes_however_cut(tool, values, options):
    tool.write("in.txt", text_of(values))
    made = set()
    for cut in ["-j", "1"], ["-j", "2", "--slice", "1M"], ["-j", "7", "--slice", "1M"], ["--memory", "32M"]:
        tool.ok("in.txt", "-o", "out.h5", "-f", "--matrix", *options, *cut)
        made.add(tool.bytes_of("out.h5"))
    assert len(made) == 1
    np.testing.assert_array_equal(tool.read(), values)


def test_shuffled_chunks_are_hdf5s_own(tool, values):
    tool.load(text_of(values), "--matrix", "--shuffle", "--checksum", "--chunk", "1024")
    with h5py.File(tool.path("own.h5"), "w") as f, h5py.File(tool.path("out.h5"), "r") as got:
        d = f.create_dataset("in", data=values, chunks=(1024, 24), shuffle=True, fletcher32=True)
        for row in range(0, 19 * 1024, 1024):
            assert d.id.read_direct_chunk((row, 0)) == got["in"].id.read_direct_chunk((row, 0))


@pytest.mark.parametrize("n", [1, 2000, 30000])
@pytest.mark.parametrize("options", [[], ["-z", "1"]], ids=" ".join)
def test_width(tool, n, options):
    want = np.arange(40 * n, dtype="i4").reshape(40, n)
    got = tool.load(text_of(want), "--matrix", "-t", "i4", *options)
    assert got.dtype == "<i4"
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("text, dtype, want", [
    ("1 2\n3 4\n", "<i4", [[1, 2], [3, 4]]), ("1 2.5\n3 4\n", "<f8", [[1, 2.5], [3, 4]]),
    ("1 9999999999\n3 4\n", "<i8", [[1, 9999999999], [3, 4]]),
    ("1 18446744073709551615\n3 4\n", "<u8", [[1, 2 ** 64 - 1], [3, 4]]), ("1 NA\n3 4\n", "<f8", [[1, np.nan], [3, 4]]),
    ("7\n", "<i4", [[7]]),
])
def test_inferred(tool, text, dtype, want):
    got = tool.load(text, "--matrix")
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, np.array(want, dtype))


def test_a_guess_that_did_not_hold(tool):
    """Wider values far from every sample, in several columns."""
    want = np.arange(300000, dtype="f8").reshape(100000, 3)
    text = text_of(want.astype("i8")).splitlines(True)
    want[50001, 1] = 0.5
    want[70003, 2] = 1e300
    text[50001], text[70003] = "150003 0.5 150005\n", "210009 210010 1e300\n"
    got = tool.load("".join(text), "--matrix", "-j", "2", "--slice", "1M")
    assert got.dtype == "<f8"
    np.testing.assert_array_equal(got, want)


def test_text_far_from_every_sample_is_a_bad_line(tool):
    lines = ["%d %d\n" % (i, i) for i in range(200000)]
    lines[123456] = "1 abc\n"
    err = tool.refuse("".join(lines), "--matrix")
    assert "in.txt:123457:2:" in err and "'abc' is not a number" in err
    tool.write("in.txt", "".join(lines))
    assert tool.run("in.txt", "-o", "out.h5", "--matrix", "--max-errors", "1").status == 3
    assert tool.read().shape == (199999, 2)


def test_text_at_first_sight(tool):
    err = tool.refuse("id a b\nx 1 2\ny 3 4\n", "--matrix")
    assert "column 0 ('id')" in err and "--usecols" in err
    got = tool.load("id a b\nx 1 2\ny 3 4\n", "--matrix", "--usecols", "b,1")
    assert got.tolist() == [[2, 1], [4, 3]]
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert f["in"].attrs["columns"] in (b"b\na", "b\na")


def test_names(tool):
    tool.load("a,\"b,x\",c\n1,2,3\n", "--matrix")
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert f["in"].attrs["columns"] in (b"a\nb,x\nc", "a\nb,x\nc")
    header = " ".join("column%d" % i for i in range(20000)) + "\n"
    got = tool.load(header + " ".join(["1.5"] * 20000) + "\n", "--matrix", "-t", "f4")
    assert got.shape == (1, 20000) and (got == 1.5).all()
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert "columns" not in f["in"].attrs


def test_stream_and_several_inputs_of_their_own_width(tool, values):
    tool.write("a.txt", "1 2\n3 4\n")
    tool.ok("a.txt", "s=-", "-o", "out.h5", "--matrix", "-t", "f4", "--memory", "32M", stdin=text_of(values).encode())
    assert tool.read("a").tolist() == [[1, 2], [3, 4]]
    np.testing.assert_array_equal(tool.read("s"), values.astype("f4"))


def test_concat(tool):
    tool.write("a.txt", "1 2\n3 4\n")
    tool.write("b.txt", "5 6.5\n")
    tool.ok("a.txt", "b.txt", "-o", "out.h5", "--matrix", "--concat", "all")
    assert tool.read("all").tolist() == [[1, 2], [3, 4], [5, 6.5]]
    tool.write("c.txt", "1 2 3\n")
    assert "2 and 3 columns" in tool.run("a.txt", "c.txt", "-o", "o.h5", "--matrix", "--concat", "all").err
    assert not tool.exists("o.h5")


def test_mapped_and_in_pytables(tool, values):
    tool.load(text_of(values), "--matrix")
    with h5py.File(tool.path("out.h5"), "r") as f:
        d = f["in"]
        mapped = np.memmap(tool.path("out.h5"), d.dtype, "r", d.id.get_offset(), d.shape)
        assert d.id.get_offset() % 4096 == 0
    np.testing.assert_array_equal(mapped, values)
    with tables.open_file(tool.path("out.h5")) as f:
        np.testing.assert_array_equal(f.root._f_get_child("in")[100:200, 5], values[100:200, 5])


def test_missing_code_and_fill(tool):
    got = tool.load("1 -99\n-99 4\n", "--matrix", "-t", "f4", "--na", "-99")
    np.testing.assert_array_equal(got, np.array([[1, np.nan], [np.nan, 4]], "f4"))
    assert tool.load("1 NA\nNA 4\n", "--matrix", "--fill", "-1").tolist() == [[1, -1], [-1, 4]]


def test_a_line_too_short(tool):
    assert "in.txt:3:" in tool.refuse("1 2 3\n4 5 6\n7 8\n", "--matrix", "-t", "f8")


def test_empty(tool):
    assert "number of columns" in tool.refuse("# nothing\n", "--matrix", "-t", "f8")
    tool.write("a.txt", "1 2\n")
    tool.write("b.txt", "")
    tool.ok("a.txt", "b.txt", "-o", "out.h5", "--matrix", "-t", "f8")
    assert tool.read("b").shape == (0, 2)


def test_dry_run_prints_what_can_be_given(tool):
    tool.write("in.txt", "1 2.5\n")
    assert tool.ok("-n", "in.txt", "--matrix").out.startswith("f8\n")


@pytest.mark.parametrize("options", [["-t", "S4"], ["-t", "f4,f4"], ["-t", "(3)f4"], ["-t", "a=f4"], ["--columns"],
                                     ["--units", "a=b"],
                                     ["--concat", "x", "--source-column", "s"]], ids=" ".join)
def test_wrong(tool, options):
    assert "--matrix" in tool.refuse("1 2\n", "--matrix", *options, status=2)


def test_rows_too_long_for_the_memory(tool):
    """The file is named, and as much memory as the message asks for is enough; whatever the jobs, and the types."""
    tool.write("in.txt", ("1.5 " * 400_000 + "\n") * 2 + "x " * 400_000 + "\n" + "1 " * 400_000 + "\n")
    tool.write("late.txt", ("1 " * 400_000 + "\n") * 5 + "1.5 " * 400_000 + "\n")
    for name, more in ("in.txt", ["-t", "f8", "--max-errors", "1"]), ("late.txt", []):
        for jobs in "1", "2", "6":
            args = [name, "--matrix", "-o", "out.h5", "-f", "-j", jobs, *more, "--memory"]
            result = tool.run(*args, "24M")
            assert result.status == 1 and name + ": " in result.err and "worker" in result.err
            enough = result.err.split("--memory ")[1].split()[0]
            assert tool.run(*args, enough).status == (3 if more else 0)
    assert tool.read("late").shape == (6, 400_000) and tool.read("late")[5, 399_999] == 1.5


@pytest.mark.parametrize("text, told, cure", [
    ("9007199254740993 1\n1 NA\n", "missing values (in.txt, column 1) beside 9007199254740993 (in.txt, column 0)",
     ["--fill", "-1"]),
    ("1 18446744073709551615\n-7 1\n", "18446744073709551615 (in.txt, column 1) and -7 (in.txt, column 0)",
     ["--dtype", "f8"]),
    ("1 2\n3 18446744073709551616\n", "integers past 64 bits (in.txt, column 1)", ["--dtype", "f8"]),
])
def test_integers_that_no_type_holds(tool, text, told, cure):
    err = tool.refuse(text, "--matrix")
    assert told in err and cure[0] in err and err.count("\n") == 1
    assert ("missing" in err) == ("--fill" in err)
    tool.load(text, "--matrix", *cure)
