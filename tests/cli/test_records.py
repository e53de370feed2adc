"""The records: blanks, line ends, comments, quotes, delimiters, columns, missing values, bad lines."""
import h5py
import numpy as np
import pytest

TWO = ["-t", "a:i4,s:S8"]
ROWS = [(1, b"x"), (2, b"y")]


@pytest.mark.parametrize("text", [
    b"1 x\n2 y\n", b"1\tx\n2\ty\n", b"  1   x  \n\t2 \t y\t\n", b"1\vx\n2\fy\n", b"1 x\r\n2 y\r\n", b"1 x\r\r\n2 y\n",
    b"1 x\n2 y",
    b"1 x\r\n2 y\r", b"\n\n1 x\n \t \n2 y\n\n", b"\xef\xbb\xbf1 x\n2 y\n", b"# head\n1 x\n# mid # dle\n2 y\n#end",
    b"  # head\n1 x\n2 y\n",
    b"1 x # one\n2 y #two\n", b"1 x #\n2 y\n", b"\r\n1 x\n\r\n2 y\n", b'1 "x"\n"2" y\n', b"1 x\n\n\n\n2 y\n   ",
], ids=repr)
def test_blank_separated(tool, text):
    assert tool.load(text, *TWO).tolist() == ROWS


@pytest.mark.parametrize("text, rows", [
    (b"1 a#b\n", [(1, b"a#b")]), (b"1 #ff00aa\n", [(1, b"#ff00aa")]), (b'1 "a b"\n', [(1, b"a b")]),
    (b'1 "a\nb"\n2 c\n', [(1, b"a\nb"), (2, b"c")]),
    (b'1 "a""b"\n', [(1, b'a"b')]), (b'1 5"\n', [(1, b'5"')]), (b'1 a"b\n', [(1, b'a"b')]), (b'1 ""\n', [(1, b"")]),
    (b'1 "#x"\n', [(1, b"#x")]), (b'1 "a\r\nb"\r\n', [(1, b"a\r\nb")]), (b'1 "\xc2\xa0"\n', [(1, b"\xc2\xa0")]),
], ids=repr)
def test_marks_in_fields(tool, text, rows):
    assert tool.load(text, *TWO).tolist() == rows


@pytest.mark.parametrize("text, rows", [
    ("1,x\n2,y\n", ROWS), ("1,x\r\n2,y\r\n", ROWS), (" 1 ,x\n2,y\n", ROWS), ("1,a b\n", [(1, b"a b")]),
    ("1, a \n", [(1, b" a ")]),
    ('1,"a,b"\n', [(1, b"a,b")]), ('"1","a ""b"""\n', [(1, b'a "b"')]), ("1,\n", [(1, b"")]), ("1,x\n \n2,y\n", ROWS),
    ("1,x\n\n2,y", ROWS),
    ('1,"a\nb"\n2,c\n', [(1, b"a\nb"), (2, b"c")]), ("# c\n1,x\n2,y\n", ROWS), ('1,a"b\n', [(1, b'a"b')]),
], ids=repr)
def test_delimited(tool, text, rows):
    assert tool.load(text, "-d", ",", *TWO).tolist() == rows


@pytest.mark.parametrize("option, byte", [("\\t", "\t"), (";", ";"), ("|", "|"), (",", ","), ("\t", "\t"), (":", ":")])
def test_delimiter_bytes(tool, option, byte):
    assert tool.load("1%sa b\n2%sc\n" % (byte, byte), "-d", option, *TWO).tolist() == [(1, b"a b"), (2, b"c")]


@pytest.mark.parametrize("text, place", [
    (b"1 x\n2\n", "in.txt:2:"), (b"1 x\n2 y z\n", "in.txt:2:"), (b"1 x\n2 y\rz\n", "in.txt:2:"),
    (b'1 "x\n2 y\n', "in.txt:1:"),
    (b'\n\n# c\n1 "x"y\n', "in.txt:4:"), (b"\n1 x\n\nz y\n", "in.txt:4:1: field 'a' (i4): 'z' is not an integer"),
    (b'1 "a\nb"\nz y\n', "in.txt:3:1: field 'a' (i4): 'z' is not an integer"),
    (b"1 x\n2 123456789\n", "in.txt:2:2: field 's' (S8): "),
], ids=repr)
def test_bad_line_has_a_place(tool, text, place):
    assert place in tool.refuse(text, *TWO)


@pytest.mark.parametrize("text", ["1,x,\n", "1,x,y\n", "1\n", "1.5,x\n", ",x\n"], ids=repr)
def test_bad_delimited(tool, text):
    assert "in.txt:2:" in tool.refuse("1,x\n" + text, "-d", ",", *TWO)


def test_first_ten_then_a_count(tool):
    err = tool.refuse("1 x\n" + "".join("bad%d x\n" % i for i in range(25)), *TWO)
    assert sum(line.startswith("in.txt:") and "is not an integer" in line for line in err.splitlines()) == 10
    assert "15" in err


def test_comment_marks(tool):
    assert tool.load("1 x//c\n// all\n2 y\n", "--comment", "//", *TWO).tolist() == ROWS
    assert tool.load("1 x%c\n2 y;d\n", "--comment", "%", "--comment", ";", *TWO).tolist() == ROWS
    assert tool.load("1 #\n2 y\n", "--comment", "", *TWO).tolist() == [(1, b"#"), (2, b"y")]
    assert tool.load("1 x#c\n2 y\n", "--comment", "#", *TWO).tolist() == ROWS


def test_skip_lines_and_footer(tool):
    assert tool.load("Station 9\nunits m\n1 x\n2 y\ntotal 2 rows\n", "--skip-lines", 2, "--skip-footer", 1,
                     *TWO).tolist() == ROWS
    err = tool.refuse("a b c\n\n1 x\nz y\n", "--skip-lines", 1, *TWO)
    assert "in.txt:4:1:" in err, "line numbers stay those of the file"


def test_usecols(tool):
    text = "1 x 1.5 9\n2 y 2.5 8 extra\n"
    got = tool.load(text, "--usecols", "2,0", "-t", "v:f8,a:i4")
    assert got.dtype.names == ("v", "a") and got.tolist() == [(1.5, 1), (2.5, 2)]
    assert tool.load("1 x 7\n2 y 8 9\n", "--usecols", "-1,0", "-t", "z:i4,a:i4").tolist() == [(7, 1), (9, 2)]
    assert tool.load(text, "--usecols", "0,0", "-t", "p:i4,q:f8").tolist() == [(1, 1.0), (2, 2.0)]
    assert "in.txt:2:" in tool.refuse("1 x 5\n2 y\n", "--usecols", "2", "-t", "v:i4")


def test_usecols_by_name(tool):
    got = tool.load("id name mass\n1 x 1.5\n2 y 2.5\n", "--usecols", "mass,id")
    assert got.dtype.names == ("mass", "id") and got.tolist() == [(1.5, 1), (2.5, 2)]


def test_widths(tool):
    text = "53131   1.5-99.0ab\n53132-100.5  7.0 c\n"
    got = tool.load(text, "--widths", "5,6,5,2", "-t", "id:i4,a:f8,b:f8,s:S2")
    assert [r[:3] for r in got.tolist()] == [(53131, 1.5, -99.0), (53132, -100.5, 7.0)]
    assert [r[3].strip() for r in got.tolist()] == [b"ab", b"c"]


def test_missing_in_floats(tool):
    got = tool.load("1 NA\n2 2.5\n", "-t", "a:i4,v:f8")["v"]
    assert np.isnan(got[0]) and got[1] == 2.5
    got = tool.load("1 -9999.0\n2 -9999\n3 .\n4 -9999.5\n", "-t", "a:i4,v:f4", "--na", "-9999,.")["v"]
    assert np.isnan(got[:3]).all() and got[3] == np.float32(-9999.5)
    got = tool.load("1,\n2,2.5\n3, \n", "-d", ",", "-t", "a:i4,v:f8")["v"]
    assert np.isnan(got[[0, 2]]).all() and got[1] == 2.5
    got = tool.load("1 **** \n", "-t", "a:i4,v:f8", "--na", "****")["v"]
    assert np.isnan(got[0])


def test_missing_per_column(tool):
    got = tool.load("-1 -1\n5 5\n", "-t", "a:f8,b:f8", "--na", "b=-1")
    assert got["a"].tolist() == [-1, 5] and np.isnan(got["b"][0]) and got["b"][1] == 5


def test_missing_in_integers(tool):
    err = tool.refuse("1 x\nNA y\n", *TWO)
    assert "in.txt:2:1: field 'a' (i4): 'NA'" in err and "--fill" in err
    assert tool.load("1 x\nNA y\n", "--fill", "a=-1", *TWO)["a"].tolist() == [1, -1]
    assert tool.load("1 x\nNA y\n", "--fill", "-7", *TWO)["a"].tolist() == [1, -7]
    assert tool.load("1 x\n-9999 y\n", "--na", "-9999", *TWO)["a"].tolist() == [1, -9999]


def test_missing_in_strings_is_text(tool):
    assert tool.load("1 NA\n", *TWO).tolist() == [(1, b"NA")]


def test_fill_in_floats(tool):
    assert tool.load("1 NA\n2 2.5\n", "-t", "a:i4,v:f8", "--fill", "v=-1")["v"].tolist() == [-1, 2.5]


BAD = "1 x\nbad y\n3 z\n4\n5 w\n"


def test_rejects(tool):
    tool.write("in.txt", BAD)
    result = tool.run("in.txt", "-o", "out.h5", "--max-errors", "2", "--rejects", "rejects.tsv", *TWO)
    assert result.status == 3, result
    assert tool.read().tolist() == [(1, b"x"), (3, b"z"), (5, b"w")]
    rows = [line.split("\t") for line in tool.bytes_of("rejects.tsv").decode().splitlines()]
    rows = [r for r in rows if r[1].isdigit()]
    assert [(r[0], int(r[1]), int(r[2])) for r in rows] == [("in.txt", 2, 4), ("in.txt", 4, 14)]
    assert rows[0][3] == "1" and rows[0][5] == "bad y" and rows[1][5] == "4"


def test_rejects_past_the_limit(tool):
    tool.write("in.txt", BAD)
    for limit in "1", "10%":
        result = tool.run("in.txt", "-o", "out.h5", "--max-errors", limit, *TWO)
        assert result.status == 1 and not tool.exists("out.h5"), result
    assert tool.run("in.txt", "-o", "out.h5", "--max-errors", "40%", *TWO).status == 3
    result = tool.run("in.txt", "-o", "none.h5", "--max-errors", "10%", "--rejects", "r", *TWO)
    assert result.status == 1 and not tool.exists("r")
    assert result.err.endswith("allows: without --rejects the first of them are shown\n")


def test_lines_of_bad_records(tool):
    """A stray quote takes good lines with it: the account says how many lines the bad records have."""
    rows = ["%d,a,%d" % (i, i) for i in range(1000)]
    rows[100], rows[600] = '100,"a,100', '600,"a,600'
    tool.write("in.txt", "\n".join(rows) + "\n")
    result = tool.run("in.txt", "-o", "out.h5", "-d", ",", "-t", "i:i4,s:S3,j:i4", "--max-errors", "1")
    assert result.status == 3, result
    assert "499 rows; 1 bad record of 501 lines, set aside" in result.err
    assert "499 rows stored, 1 bad record of 501 lines set aside" in result.err


def test_empty_inputs(tool):
    for text in "", "# only a comment\n", "\n \n":
        got = tool.load(text, *TWO)
        assert got.shape == (0,) and got.dtype == np.dtype([("a", "i4"), ("s", "S8")])
    assert "--dtype" in tool.refuse("")
    tool.write("empty.txt", "")
    tool.write("full.txt", "1 x\n2 y\n")
    tool.ok("empty.txt", "full.txt", "-o", "both.h5")
    assert tool.read("empty", "both.h5").shape == (0,)
    assert tool.read("empty", "both.h5").dtype == tool.read("full", "both.h5").dtype


@pytest.mark.parametrize("n_columns", [1, 2, 63, 64, 65, 1000])
def test_many_columns(tool, n_columns):
    rng = np.random.default_rng(n_columns)
    want = rng.integers(-10 ** 6, 10 ** 6, (50, n_columns))
    text = "\n".join(" ".join(map(str, row)) for row in want.tolist()) + "\n"
    got = tool.load(text, "-t", "x:(%d)i4" % n_columns)["x"]
    np.testing.assert_array_equal(got.reshape(50, n_columns), want)


def test_long_fields(tool):
    words = ["a" * n for n in (1, 63, 64, 65, 4095, 4096, 70000)]
    got = tool.load("".join("%s 1\n" % w for w in words), "-t", "s:S70000,i:i4")["s"]
    assert [len(w) for w in got.tolist()] == [len(w) for w in words]


@pytest.mark.parametrize("n_columns", [1092, 1093, 2000])
def test_wide_records_by_the_megabyte(tool, n_columns):
    """Rows are there before HDF5 knows of them, and the header of a wide record is as large as to get in their way."""
    def text(first):
        return "".join(" ".join(str(first + r * n_columns + c) for c in range(n_columns)) + "\n" for r in range(200))

    def check(got, first):
        assert len(got) == 200
        for c in range(n_columns):
            assert (got["f%d" % c] == first + np.arange(200) * n_columns + c).all()

    tool.write("narrow.txt", "".join("%d %d.5\n" % (i, i) for i in range(60000)))
    tool.write("a.txt", text(0))
    tool.write("b.txt", text(7))
    tool.write("c.txt", text(9))
    tool.ok("a.txt", "narrow.txt", "g/b=b.txt", "-o", "out.h5")
    tool.ok("c.txt", "-a", "-o", "out.h5")
    with h5py.File(tool.path("out.h5"), "r") as f:
        check(f["a"][:], 0)
        check(f["g/b"][:], 7)
        check(f["c"][:], 9)
        assert (f["narrow"]["f0"] == np.arange(60000)).all() and (f["narrow"]["f1"] == np.arange(60000) + 0.5).all()
