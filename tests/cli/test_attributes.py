"""--attr and --units: what they store, as which type, and what they refuse."""
import h5py
import numpy as np
import pytest
import tables

TEXT = "chr pos temp\nchr1 10 1.5\nchr2 20 2.5\n"


def attributes(tool, *options):
    tool.load(TEXT, *options)
    with h5py.File(tool.path("out.h5"), "r") as f:
        return dict(f.attrs), dict(f["in"].attrs)


@pytest.mark.parametrize("text, want", [
    ("7", np.int64(7)), ("-9223372036854775808", np.int64(-2 ** 63)), ("9223372036854775808", "9223372036854775808"),
    ("007", np.int64(7)), ('"007"', "007"), ('""', ""), ("", ""), ("1.5", 1.5), ("-2e-3", -0.002), (".5", 0.5),
    ("1e999", "1e999"),
    ("nan", "nan"), ("inf", "inf"), ("1.2.3", "1.2.3"), ("1-2", "1-2"), ("a=b", "a=b"),
    ("M\u00fcnchen", "M\u00fcnchen"),
    ("0x10", "0x10"), ('"', '"'), ("x" * 5000, "x" * 5000),
])
def test_attr_types(tool, text, want):
    got = attributes(tool, "--attr", "key=" + text)[0]["key"]
    got = got.decode() if isinstance(got, bytes) else got
    assert got == want and (not isinstance(want, np.int64) or got.dtype == np.int64)
    assert isinstance(got, str) == isinstance(want, str)


def test_attr_several_and_last_one_counts(tool):
    root = attributes(tool, "--attr", "a=1", "--attr", "b=x", "--attr", "a=2", "--attr", "c d=3.5")[0]
    assert root["a"] == 2 and root["b"] in ("x", b"x") and root["c d"] == 3.5 and "program" in root


@pytest.mark.parametrize("options", [["--attr", "x"], ["--attr", "=x"], ["--attr", "program=me"],
                                     ["--attr", "version=2"],
                                     ["--attr", "a=" + "x" * 70000], ["--units", "temp"], ["--units", "=K"]])
def test_wrong(tool, options):
    assert "try 'shmload --help'" in tool.refuse(TEXT, *options, status=2)


def test_units(tool):
    dataset = attributes(tool, "--units", "temp=degC", "--units", "pos=bp")[1]
    assert dataset["FIELD_1_UNITS"] == b"bp" and dataset["FIELD_2_UNITS"] == b"degC" and "FIELD_0_UNITS" not in dataset
    with tables.open_file(tool.path("out.h5")) as f:
        table = f.root._f_get_child("in")
        assert str(table.attrs.FIELD_2_UNITS) == "degC"
        assert table.read_where("temp > 2")["pos"].tolist() == [20]


def test_units_of_a_cleaned_name_and_of_some_inputs(tool):
    tool.write("a.txt", "x/y z\n1 2\n")
    tool.write("b.txt", "z w\n1 2\n")
    tool.ok("a.txt", "b.txt", "-o", "out.h5", "--units", "x/y=m/s", "--units", "w=kg")
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert f["a"].attrs["FIELD_0_UNITS"] == b"m/s" and f["b"].attrs["FIELD_1_UNITS"] == b"kg"


def test_units_of_an_unknown_column(tool):
    err = tool.refuse(TEXT, "--units", "tmp=degC")
    assert "--units" in err and "'tmp'" in err and "chr, pos, temp" in err


def test_same_bytes(tool):
    rows = "".join("chr1 %d %d.5\n" % (i, i) for i in range(100000))
    tool.write("in.txt", rows)
    made = set()
    for cut in ["-j", "1"], ["-j", "2", "--slice", "1M"]:
        tool.ok("in.txt", "-o", "out.h5", "-f", "--attr", "a=1", "--names", "c,p,t", "--units", "t=K", *cut)
        made.add(tool.bytes_of("out.h5"))
    assert len(made) == 1


def test_several_codes_for_missing_values(tool):
    tool.load("a b c\n1 2.5 3\n-9999 -99 4\n", "--na", "-9999,-99")
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert f["in"].attrs["missing_value"] == b"a=-9999,a=-99,c=-9999,c=-99"
