"""Inference: types, widening, headers, delimiters, and that the whole input decides, not a sample of it."""
import gzip
import os

import numpy as np
import pandas as pd
import pytest

from conftest import DATA


def types(array):
    return [array.dtype[n].str.lstrip("<|=") for n in array.dtype.names]


@pytest.mark.parametrize("values, kind", [
    (["1", "-2", "+3"], "i4"), (["2147483647", "-2147483648"], "i4"), (["2147483648", "1"], "i8"),
    (["-2147483649"], "i8"),
    (["9223372036854775807", "-9223372036854775808"], "i8"), (["9223372036854775808", "0"], "u8"),
    (["18446744073709551615"], "u8"),
    (["1", "2.5"], "f8"), (["1e3", "2"], "f8"), (["1", "nan"], "f8"), (["1.5d0", "-inf"], "f8"), (["1.0-300"], "f8"),
    (["1", "NA"], "f8"),
    (["abc", "x"], "S3"), (["1", "2", "x1"], "S2"), (["2026-03-21"], "S10"), (["12:30"], "S5"), (["0x10"], "S4"),
    (["007", "12"], "i4"),
    (["1.5", "1,5"], "S3"), (["NA", "NA"], "f8"), (["-"], "S1"), (["10-20"], "S5"), (["1.#INF", "2"], "S6"),
])
def test_types(tool, values, kind):
    got = tool.load("".join("%s k%d 0\n" % (v, i) for i, v in enumerate(values)), "--header", "no", "-d", "blanks")
    assert types(got)[0] == kind
    if kind[0] in "iu":
        assert got["f0"].tolist() == [int(v) for v in values]
    elif kind[0] == "S":
        assert got["f0"].tolist() == [v.encode() for v in values]


def test_integers_that_fit_nothing(tool):
    err = tool.refuse("18446744073709551616 a\n1 b\n")
    assert "dtype" in err
    err = tool.refuse("18446744073709551615 a\n-1 b\n")
    assert "dtype" in err


@pytest.mark.parametrize("last, kind", [("2.5", "f8"), ("3000000000", "i8"), ("word", "S9"),
                                        ("9223372036854775808", "u8"), ("NA", "f8")])
def test_one_late_value_decides(tool, last, kind):
    """A value that no sample has seen, near the end but not at it; the row beside it must survive too."""
    n = 200_000
    rows = ["%d abc 1.5" % (100_000_000 + i) for i in range(n)]
    rows[n - n // 7] = last + " abcdef 1e300"
    got = tool.load("\n".join(rows) + "\n")
    assert types(got) == [kind, "S6", "f8"] and len(got) == n
    frame = pd.read_csv(tool.path("in.txt"), sep=" ", header=None, dtype=str, keep_default_na=False)
    assert got["f1"].tolist() == [w.encode() for w in frame[1]]
    np.testing.assert_array_equal(got["f2"], frame[2].astype("f8"))
    if kind[0] == "S":
        assert got["f0"].tolist() == [w.encode() for w in frame[0]]
    else:
        np.testing.assert_array_equal(got["f0"], frame[0].replace("NA", "nan").astype("f8" if kind == "f8" else kind))


def test_parsed_twice_is_said(tool):
    rows = ["%d 1.5" % (10 ** 8 + i) for i in range(300_000)]
    rows[251_003] = "x 1.5"
    tool.write("in.txt", "\n".join(rows))
    assert "twice" in tool.ok("in.txt", "-o", "out.h5", "-v").err
    tool.write("in.txt", "".join("%d 1.5\n" % i for i in range(1000)))
    assert "twice" not in tool.ok("in.txt", "-o", "out.h5", "-v", "-f").err


def test_files_share_a_schema(tool):
    tool.write("a.txt", "1 x 1\n2 y 2\n")
    tool.write("b.txt", "1.5 long 3000000000\n")
    tool.write("c.txt", "1 x\n")
    tool.ok("a.txt", "b.txt", "c.txt", "-o", "out.h5")
    a, b, c = (tool.read(name) for name in "abc")
    assert a.dtype == b.dtype == np.dtype([("f0", "f8"), ("f1", "S4"), ("f2", "i8")])
    assert types(c) == ["i4", "S1"]


def test_override(tool):
    got = tool.load("pos pct name\n1 2.5 ab\n2 3.5 c\n", "-t", "pos=i8,pct=f4")
    assert got.dtype == np.dtype([("pos", "i8"), ("pct", "f4"), ("name", "S2")])
    got = tool.load("007 2.5\n012 3.5\n", "-t", "f0=S3")
    assert got["f0"].tolist() == [b"007", b"012"]


@pytest.mark.parametrize("text, names", [
    ("id name mass\n1 x 2.5\n", ("id", "name", "mass")), ("# id name mass\n1 x 2.5\n", ("id", "name", "mass")),
    ("# made by hand\n#id name mass\n1 x 2.5\n", ("id", "name", "mass")), ("a b c\nx y z\n", ("f0", "f1", "f2")),
    ("1 2 3\n4 5 6\n", ("f0", "f1", "f2")), ("id 2020 mass\n1 2 3\n", ("f0", "f1", "f2")),
    ("id,name,mass\n1,x,2.5\n", ("id", "name", "mass")),
    ('"id","the name",mass\n1,x,2.5\n', ("id", "the name", "mass")),
    ("# a comment of one two three four words\n1 x 2.5\n", ("f0", "f1", "f2")),
])
def test_header(tool, text, names):
    assert tool.load(text).dtype.names == names


def test_header_options(tool):
    assert tool.load("a b\nx y\n", "--header", "yes").dtype.names == ("a", "b")
    got = tool.load("a b\n1 2\n", "--header", "no")
    assert got.dtype.names == ("f0", "f1") and got["f0"].tolist() == [b"a", b"1"]
    assert tool.load("a b\n1 2\n", "--names", "p,q").dtype.names == ("p", "q")
    assert tool.load("a b\n1 2\n", "-t", "p:i4,q:i4").tolist() == [(1, 2)], "a header line is no data, with a dtype too"


@pytest.mark.parametrize("more", [(), ("-d", "\\t"), ("-d", ",")])
def test_several_numbers_are_no_header(tool, more):
    """A line with a field too many, which no delimiter but blanks would tell, is not taken for a name."""
    tool.write("in.txt", "20 40\n10\n30\n")
    result = tool.run("in.txt", "-o", "out.h5", "-t", "x:i8", *more)
    assert result.status == 1 and "in.txt:1:1: field 'x' (i8): '20 40' is not an integer\n" in result.err, result
    assert tool.load("the 20 40\n10\n30\n", "-t", "x:i8", *more).tolist() == [(10,), (30,)]


def test_names_are_cleaned(tool):
    tool.write("in.txt", "m/s,a,a,\n1,2,3,4\n")
    result = tool.ok("in.txt", "-o", "out.h5")
    names = tool.read().dtype.names
    assert len(set(names)) == 4 and not any("/" in n or n == "" for n in names)
    assert "m/s" in result.err


@pytest.mark.parametrize("text, word, rows", [
    ("1 x\n2 y\n", "blanks", [(1, b"x"), (2, b"y")]), ("1\tx\n2\ty\n", "blanks", [(1, b"x"), (2, b"y")]),
    ("1\ta b\n2\ty\n", "tab", [(1, b"a b"), (2, b"y")]), ("1,x\n2,y\n", "comma", [(1, b"x"), (2, b"y")]),
    ("1, a b\n2, c\n", "comma", [(1, b" a b"), (2, b" c")]), ("1;x\n2;y\n", "semicolon", [(1, b"x"), (2, b"y")]),
    ("1|x\n2|y\n", "|", [(1, b"x"), (2, b"y")]), ("1\n2\n", "blanks", [(1,), (2,)]),
    ("1, 2\n3, 4\n", "comma", [(1, 2), (3, 4)]),
])
def test_delimiter_auto(tool, text, word, rows):
    tool.write("in.txt", text)
    assert word in tool.ok("in.txt", "-o", "out.h5", "-v").err
    assert tool.read().tolist() == rows


def test_a_later_line_that_disagrees_is_an_error(tool):
    err = tool.refuse("".join("%d,x\n" % i for i in range(100_000)) + "7 x\n")
    assert "in.txt:100001:" in err


def test_empty_field_makes_floats(tool):
    got = tool.load("a,b\n1,2\n,3\n")
    assert types(got) == ["f8", "i4"] and np.isnan(got["a"][1])


def data_files():
    return sorted(n for n in os.listdir(DATA) if n.endswith((".txt", ".csv")))


def reference(name):
    """The sample inputs as pandas reads them, told everything."""
    path = os.path.join(DATA, name)
    if name.startswith("meth"):
        return pd.read_csv(path, sep="\t", header=None, names=["f0", "f1", "f2", "f3", "f4"])
    if name == "simulation.txt":
        return pd.read_csv(path, sep=r"\s+", skiprows=2, header=None,
                           names=["step", "time", "energy", "drift", "converged"],
                           float_precision="round_trip")
    if name == "station.txt":
        return pd.read_csv(path, sep=r"\s+")
    return pd.read_csv(path, keep_default_na=False, na_values={"od600": [""]})


@pytest.mark.parametrize("name", data_files())
def test_sample_data_without_options(tool, name):
    want = reference(name)
    tool.ok(os.path.join(DATA, name), "-o", "out.h5")
    got = tool.read(name.rpartition(".")[0])
    assert list(got.dtype.names) == list(want.columns) and len(got) == len(want)
    for column in want.columns:
        if want[column].dtype == object:
            assert got[column].tolist() == [v.encode() for v in want[column]]
        else:
            np.testing.assert_array_equal(got[column], want[column].to_numpy())
            assert (got[column].dtype.kind == "f") == (want[column].dtype.kind == "f")


def test_compressed_input_is_inferred_alike(tool):
    with open(os.path.join(DATA, "station.txt"), "rb") as f:
        text = f.read()
    got = tool.load(gzip.compress(text), name="any.name", dataset="any")
    assert got.dtype == tool.load(text).dtype


@pytest.mark.parametrize("header, more",
                         [("", ["--usecols", "0,1"]), ("a b c\n", ["--usecols", "b,a"]),
                          ("# a b c\n", ["--usecols", "a,b"]),
                                          ("", ["--usecols", "b,0", "--names", "a,b,c"]),
                                          ("", ["--usecols", "0,1", "--matrix"])])
@pytest.mark.parametrize("at", [0, 1, 20, 40])
def test_a_bad_line_widens_no_type(tool, header, more, at):
    """A line that has not the fields that were chosen is set aside; that it begins with a word says nothing then."""
    rows = ["%d %d 3" % (i, i + 1) for i in range(40)]
    rows.insert(at, "oops")
    tool.write("in.txt", header + "\n".join(rows) + "\n")
    done = tool.run("in.txt", "-o", "out.h5", "--max-errors", "1", *more)
    assert done.status == 3 and "1 field, fewer than" in done.err, done
    got = tool.read()
    assert len(got) == 40 and (got.dtype == "i4" or {got.dtype[n].str for n in got.dtype.names} == {"<i4"})


@pytest.mark.parametrize("files, told", [
    ({"a": "id\n9007199254740993\n", "b": "id\nNA\n"},
     "field 'id' has missing values (b.txt) beside 9007199254740993 (a.txt), which is past what f8 holds exactly: "
     "give --fill 'id=VALUE', or --dtype 'id=S' or '=f8'"),
    ({"a": "id\nNA\n7\n", "b": "id\n8\n", "c": "id\n-9007199254740993\n"},
     "field 'id' has missing values (a.txt) beside -9007199254740993 (c.txt), which is past what f8 holds exactly: "
     "give --fill 'id=VALUE', or --dtype 'id=S' or '=f8'"),
    ({"a": "id\n1\n", "b": "id\n18446744073709551615\n", "c": "id\n-1\n"},
     "field 'id' has 18446744073709551615 (b.txt) and -1 (c.txt), which fit no 64-bit type together: "
     "give --dtype 'id=S' or '=f8'"),
    ({"a": "id\n1\n", "b": "id\n-9223372036854775809\n"},
     "field 'id' has -9223372036854775809 (b.txt), which fits no 64-bit type: give --dtype 'id=S' or '=f8'"),
    ({"a": "id\n1\n", "b": "id\n18446744073709551616\n"},
     "field 'id' has integers past 64 bits (b.txt): give --dtype 'id=S' or '=f8'"),
])
def test_integers_that_fit_no_type_and_where(tool, files, told):
    names = [tool.write(name + ".txt", text) for name, text in files.items()]
    result = tool.run(*names, "-n")
    assert result.status == 1 and result.err == "shmload: %s\n" % told


def test_integers_that_fit_no_type_with_the_fill_value(tool):
    err = tool.refuse("id\n18446744073709551615\nNA\n", "--fill", "-1")
    assert "18446744073709551615 (in.txt) and -1 (--fill)" in err
