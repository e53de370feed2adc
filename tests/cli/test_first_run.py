"""What a first run says: files that are no text, or no table from their first line to their last, and the cure."""
import gzip
import json
import os
import re
import shlex
import subprocess

import pytest

TABLE = "id mass name\n1 2.5 x\n2 3.5 y\n3 4.5 z\n4 5.5 w\n5 6.5 v\n6 7.5 u\n7 8.5 t\n8 9.5 s\n"


@pytest.mark.parametrize("text, message", [
    (b"\x00\x01\x02\x03", "in.txt:1:1: NUL byte: not a text file?"), (b"# c\n\n1 \x002\n", "in.txt:3:2: NUL byte"),
    (b"1 2\r3 4\r",
     "in.txt:1:2: carriage return inside a line; where lines end in CR alone, as in old Mac files, use tr"),
    ("1 2\n3 4\n".encode("utf-16"), "UTF-16"), ("1 2\n3 4\n".encode("utf-16-le"), "in.txt:1:1: NUL byte"),
    (b"PK\x03\x04\x14\x00", "CSV"), (b"\x89HDF\r\n\x1a\n", "HDF5 file already"), (b"\x1f\x9d\x90", "zcat"),
    (b'\n"never closed\n1 2\n', "in.txt:2:1: the quoted field that begins here is never closed"),
], ids=repr)
def test_no_text(tool, text, message):
    err = tool.refuse(text)
    assert message in err and len(err.splitlines()) == 1
    assert message in tool.refuse(gzip.compress(text))


def test_binary_file_is_one_line(tool):
    block = bytes(range(256)) * 1000
    assert len(tool.refuse(block).splitlines()) == 1
    assert len(tool.refuse(block, "-t", "a:i4,b:S3").splitlines()) == 1


@pytest.mark.parametrize("text, cure", [
    ("Station 9, by hand\nunits\n" + TABLE, ["--skip-lines", "2"]),
    (TABLE + "\nend\n", ["--skip-footer", "2"]),
    ("Station 9, by hand\n" + TABLE + "id mass name\nend\n", ["--skip-lines", "1", "--skip-footer", "2"]),
    ("% made by hand\n% on a Monday\n" + TABLE, ["--comment", "%"]),
    ("Serial,12\n" + TABLE.replace(" ", ","), ["--skip-lines", "1"]),
    ("Station;9\n\n\n" + TABLE.replace(" ", ";"), ["--skip-lines", "1"]),
])
@pytest.mark.parametrize("typed", [False, True])
def test_lines_around_a_table(tool, text, cure, typed):
    """What is advised is what helps."""
    args = ["-t", "id:i4,mass:f8,name:S1"] if typed else []
    tool.write("in.txt", text)
    assert " ".join(cure) in tool.run("in.txt", "-n", *args).err.replace("'", "").splitlines()[0]
    got = tool.load(text, *cure, *args)
    assert len(got) == 8 and got.dtype.names == ("id", "mass", "name")


def test_few_inputs_are_advised_on(tool):
    names = [tool.write("in%d.txt" % i, "by hand\n" + TABLE) for i in range(20)]
    err = tool.run(*names, "-o", "out.h5").err
    assert err.count("--skip-lines") == 5


def test_dates_and_commas(tool):
    text = "2026-01-01 10:00,1.5,ok\n2026-01-01 11:00,2.5,ok\n"
    tool.write("in.txt", text)
    assert "-d ','" in tool.ok("in.txt", "-o", "out.h5").err
    assert tool.load(text, "-d", ",")["f1"].tolist() == [1.5, 2.5]
    assert tool.load("t,v,flag\n" + text).dtype.names == ("t", "v", "flag")


@pytest.mark.parametrize("text, cure", [
    ('"x" "y"\n"a" 1 2.5\n"b" 3 4.5\n', ["--skip-lines", "1", "--names", "row,x,y"]),
    ("x y.z\n" + "a 1 2.5\n" * 9, ["--skip-lines", "1", "--names", "row,x,y.z"]),
    ('# by R\n"x"\t"y"\n1\t1\t2.5\n2\t3\t4.5\n', ["--skip-lines", "2", "--names", "row,x,y"]),
])
def test_row_names_of_r(tool, text, cure):
    """What is advised can be typed as it is."""
    tool.write("in.txt", text)
    err = tool.run("in.txt", "-n").err
    assert "write.table of R" in err and "give %s\n" % " ".join(cure) in err
    got = tool.load(text, *cure)
    assert list(got.dtype.names) == cure[-1].split(",") and got["x"].tolist()[0] == 1
    err = tool.run("in.txt", "-n", "-t", "a:S4,b:i4,c:f8").err
    assert err.splitlines()[0].endswith("give " + " ".join(cure[:2]))
    assert len(tool.load(text, "-t", "a:S4,b:i4,c:f8", *cure[:2])) >= 2


@pytest.mark.parametrize("text, n", [("My title\nid,x\n1,2\n3,4\n", 1), ("A title of five words\nid x\n1 2\n3 4\n", 1),
                                     ("Made by hand\n\nStation number nine\nid\tx\n1\t2\n3\t4\n", 3)])
def test_titles_above_a_short_table(tool, text, n):
    tool.write("in.txt", text)
    assert "try --skip-lines %d\n" % n in tool.run("in.txt", "-n").err
    assert tool.load(text, "--skip-lines", n).tolist() == [(1, 2), (3, 4)]


@pytest.mark.parametrize("text", ["1 2 3\n1 2\n3 4\n", "1 2\n1 2 3\n", "a b c\nd e\nf g\n", "a\n1 2\n"])
def test_short_tables_that_may_be_anything(tool, text):
    assert "--skip-lines" not in tool.refuse(text)


@pytest.mark.parametrize("text, names", [("a;b;c\n1,5;2;x\n-1,25;3;y\n", "column 'a' is"),
                                         ("1,5;2,7\n1,25;3\n", "columns 'f0', 'f1' are")])
def test_decimal_commas_are_noticed(tool, text, names):
    tool.write("in.txt", text)
    err = tool.ok("in.txt", "-o", "out.h5").err
    words = "%s text for commas in numbers: if they are decimal ones, give points by tr , . <FILE | shmload NAME=-"
    assert words % names in err
    assert tool.read()[0][0] == b"1,5"
    tool.ok("in=-", "-o", "out.h5", "-f", stdin=text.replace(",", ".").encode())
    assert tool.read()[0][0] == 1.5


def test_other_commas_are_not(tool):
    for text in "a;b\n1,5;2\nx,y;3\n", "a;b\n1,2,3;2\n", "a;b\n,5;2\n5,;3\n":
        tool.write("in.txt", text)
        assert "decimal" not in tool.ok("in.txt", "-o", "out.h5", "-f").err
    tool.write("in.txt", "a;b\n1,5;2\n")
    assert "decimal" not in tool.ok("in.txt", "-o", "out.h5", "-f", "-t", "a=S").err
    tool.write("in.txt", 'a,b\n"1,5",2\n"2,5",3\n')
    assert "write points" in tool.ok("in.txt", "-o", "out.h5", "-f").err


@pytest.mark.parametrize("text, rival, n", [
    ("a\t\t1\nb\t\t2\n", "\\t", 3), ("the one\t1\nthe two\t2\n", "\\t", 2), ("\ta\t1\n\tb\t2\n", "\\t", 3),
    ("2024-01-01 10:00,1.5\n2024-01-01 11:00,2.5\n", ",", 2),
    ("2024-01-01 10:00;1.5;2\n2024-01-01 11:00;2.5;2\n", ";", 3),
])
def test_blanks_and_a_rival(tool, text, rival, n):
    tool.write("in.txt", text)
    err = tool.ok("in.txt", "-o", "out.h5").err
    assert "on %d by" % n in err and "if that is wrong, give -d '%s'\n" % rival in err
    assert len(tool.load(text, "-d", rival).dtype) == n
    assert "wrong" not in tool.ok("in.txt", "-o", "out.h5", "-f", "-d", "blanks").err


@pytest.mark.parametrize("text", ["a\t1\nb\t2\n", "# a comment\n1\t2\n3\t4\n", "a  1\nb\t2\n", "1 2,3\n4 5\n"])
def test_blanks_without_a_rival(tool, text):
    tool.write("in.txt", text)
    assert "wrong" not in tool.ok("in.txt", "-o", "out.h5").err


CURED = [
    ("a b\n1 x\n3000000000 y\n", "a:i4,b:S1", "a=i8"), ("a b\n1 x\n-1 y\n", "a:u1,b:S1", "a=i2"),
    ("a b\n1 x\n2 long\n", "a:i4,b:S1", "b=S4"), ("a b\n1 x\n2.5 y\n", "a:i4,b:S1", "a=f8"),
    ("a b\nNA x\n2 y\n", "a:i4,b:S1", "a=f8"), ("a,the b\n1,x\n2,long\n", "[('a','i4'),('the b','S1')]", "the b=S4"),
    ("1 2 300\n", "a:i4,v:(2)i1", "v=i2"), ("a b\n1 x\n2 long\n", "b=S1", "b=S4"),
    ("a b\n1 x\n300 y\n", "a=i1", "a=i2"),
]


@pytest.mark.parametrize("text, dtype, cure", CURED)
def test_the_cure_can_be_typed(tool, text, dtype, cure):
    """The command and what its message says behind it do work."""
    err = tool.refuse(text, "-t", dtype)
    assert "--dtype %s" % cure in err.replace("'", "")
    assert len(tool.load(text, "-t", dtype, "--dtype", cure)) > 0


@pytest.mark.parametrize("code", [".", "?", "-", "****", "null", "N/A"])
@pytest.mark.parametrize("kind", ["i4", "f8"])
def test_a_code_for_missing_values_is_suspected(tool, code, kind):
    text = "1 x\n%s y\n" % code
    assert "--na '%s'" % code in tool.refuse(text, "-t", "a:%s,b:S1" % kind)
    assert len(tool.load(text, "-t", "a:%s,b:S1" % kind, "--na", code, "--fill", "a=-1")) == 2


def test_strings_of_any_width(tool):
    text = "id chr\n007 1\n12345 22\n1 3\n"
    got = tool.load(text, "-t", "id=S,chr=S")
    assert [got.dtype[n].str for n in got.dtype.names] == ["|S5",
                                                           "|S2"] and got["id"].tolist() == [b"007", b"12345", b"1"]
    rows = ["%d 1" % (i % 1000) for i in range(300_000)]
    rows[200_000] = "1234567890123 1"
    got = tool.load("\n".join(rows) + "\n", "-t", "f0=S")
    assert got.dtype["f0"].str == "|S13" and got["f0"].tolist() == [r.split()[0].encode() for r in rows]
    assert "id=S10" in tool.refuse(text, "-t", "id:i4,chr:i4", "-t", "id=S")


@pytest.mark.parametrize("code", ["?", ".", "--", "null"])
def test_codes_among_numbers_are_noticed(tool, code):
    text = "".join("%d,%s,x,y\n" % (i, code if i % 7 == 0 else i + 0.5) for i in range(50))
    tool.write("in.txt", text)
    err = tool.ok("in.txt", "-o", "out.h5").err
    assert "column 'f1' is text for '%s' among numbers: if that means missing, give --na 'NA,%s'" % (code, code) in err
    assert tool.load(text, "--na", "NA,%s" % code).dtype["f1"] == "f8"
    assert "among" not in tool.ok("in.txt", "-o", "out.h5", "-f", "-t", "f1=S").err
    tool.write("in.txt", text + "50,word,x,y\n")
    assert "among" not in tool.ok("in.txt", "-o", "out.h5", "-f").err


def test_a_late_code_is_noticed(tool):
    rows = ["%d 1.5" % i for i in range(200_000)]
    rows[150_000] = "? 1.5"
    tool.write("in.txt", "\n".join(rows) + "\n")
    assert "column 'f0' is text for '?'" in tool.ok("in.txt", "-o", "out.h5").err


@pytest.mark.parametrize("way", [["-j", "1"], ["-j", "3", "--slice", "1M"]])
def test_what_made_it_be_parsed_twice(tool, way):
    rows = ["%d 1.5" % i for i in range(300_000)]
    rows[150_000] = "7.25 1.5"
    rows[250_000] = "word 1.5"
    tool.write("in.txt", "n x\n" + "\n".join(rows) + "\n")
    err = tool.ok("in.txt", "-o", "out.h5", "-v", *way).err
    said = [line for line in err.splitlines() if "the guess did not hold" in line]
    assert len(said) == 1 and said[0].startswith("shmload: in.txt:150002:1: ")
    assert "field 'n' (i4): '7.25' is not an integer; --dtype n=f8" in said[0]
    assert "did not hold, so" not in tool.ok("in.txt", "-o", "out.h5", "-f", *way).err


def test_lines_can_be_reckoned(tool):
    text = "skipped\n\n# made by hand\na,b\n1,2\n\n# c\n3,4\n5,6 # d\nx,y\nfooter\n"
    tool.write("in.csv", text)
    options = ["in.csv", "-o", "out.h5", "-f", "-t", "a:i4,b:i4", "--skip-lines", "2", "--skip-footer", "1",
               "--max-errors", "5"]
    done = tool.run(*options, "-v")
    assert done.status == 3 and " 10 lines (4 above, 2 without a record), comma" in done.err, done
    account = json.loads(tool.run(*options, "--json").out)["inputs"][0]
    assert account["lines"] == text.count("\n") - 1
    assert account["lines"] == sum(account[k] for k in ("lines_before", "rows", "rejected", "lines_other"))


def test_sets_of_columns_are_told(tool):
    tool.write("a.txt", "x y\n1 2\n")
    tool.write("b.txt", "y x\n1 2\n")
    tool.write("c.txt", "x y\n3 4\n")
    tool.write("d.txt", "x y z\n3 4 5\n")
    names = ["a.txt", "b.txt", "c.txt", "d.txt"]
    err = tool.ok(*names, "-o", "out.h5", "-v").err
    assert "the inputs have 3 different sets of columns" in err and "columns as in a.txt: 2 inputs" in err
    out = tool.ok("-n", *names).out.splitlines()
    assert [line for line in out if ":i4" in line] == ["x:i4,y:i4", "y:i4,x:i4", "x:i4,y:i4,z:i4"]


def test_header_above_fixed_widths(tool):
    rows = "0001 2.5 a\n0002 3.5 b\n"
    assert tool.load("#ID  VAL F\n" + rows, "--widths", "5,4,1").dtype.names == ("ID", "VAL", "F")
    assert tool.load("ID   VAL F\n" + rows, "--widths", "5,4,1").dtype.names == ("ID", "VAL", "F")
    names = tool.load("# made by hand\n" + rows, "--widths", "5,4,1").dtype.names
    assert names == ("f0", "f1", "f2"), "words cut through"


def test_dtype_file_with_blanks_between(tool):
    tool.write("my.dtype", "# id and name\nid i4\nname S4\n")
    assert "name:type" in tool.refuse("1 x\n", "-t", "@my.dtype", status=2)


USUAL = "id;name;x\n1;a;2.5\n2;b;3.5\n"


@pytest.mark.parametrize("text, names, rows", [
    ("\ufeff" + USUAL.replace("\n", "\r\n"), ("id", "name", "x"), 2),
    ('"id";"the name";"x [m]"\r\n1;"a";2.5\r\n', ("id", "the name", "x [m]"), 1),
    ("id;name;x;\n1;a;2.5;\n", ("id", "name", "x", "f3"), 1), ("x\n1\n2\n", ("x",), 2), ("1\n2\n", ("f0",), 2),
    ("5", ("f0",), 1),
    ("1 2 3\n", ("f0", "f1", "f2"), 1), ("a,b\n", ("f0", "f1"), 1), ("word", ("f0",), 1),
    ("\n\n1 2\n\n", ("f0", "f1"), 1),
])
def test_usual_files(tool, text, names, rows):
    got = tool.load(text)
    assert got.dtype.names == names and len(got) == rows


def test_header_alone(tool):
    assert tool.load("a,b\n", "--header", "yes").shape == (0,)
    tool.write("a.txt", "x,y\n1,2\n")
    tool.write("b.txt", "x,y\n")
    tool.ok("a.txt", "b.txt", "-o", "both.h5")
    a, b = tool.read("a", "both.h5"), tool.read("b", "both.h5")
    assert b.shape == (0,) and b.dtype == a.dtype


def test_header_above_nothing_but_missing_values(tool):
    tool.write("a.csv", "x,y\n1,2.5\n")
    tool.write("b.csv", "x,y\nNA,NA\n,\n")
    tool.write("c.csv", "u,v\nNA,NA\n")
    tool.ok("b.csv", "a.csv", "-o", "both.h5")
    assert tool.read("b", "both.h5").dtype.names == ("x", "y") == tool.read("a", "both.h5").dtype.names
    assert tool.read("b", "both.h5").shape == (2,) and str(tool.read("b", "both.h5")[0]) == "(nan, nan)"
    tool.ok("a.csv", "b.csv", "-o", "filled.h5", "--fill", "-1")
    assert tool.read("b", "filled.h5").tolist() == [(-1, -1)] * 2 and tool.read("b", "filled.h5").dtype["x"] == "i4"
    tool.ok("c.csv", "a.csv", "-o", "other.h5")
    assert tool.read("c", "other.h5").tolist() == [(b"u", b"v"), (b"NA", b"NA")], "no other input has these names"


def test_data_frame_with_its_index(tool):
    """to_csv() of a data frame: the row labels' column has no name, the line is a header all the same."""
    tool.write("t.csv", ",gene,call\n0,TP53,up\n1,BRCA1,down\n")
    tool.ok("t.csv", "-o", "out.h5")
    assert tool.read("t").dtype.names == ("f0", "gene", "call")
    assert tool.read("t")["gene"].tolist() == [b"TP53", b"BRCA1"]


def test_large_integers_beside_missing_ones_are_not_rounded(tool):
    tool.write("t.csv", "id,acc\n1,1234567890123456789\n2,NA\n")
    result = tool.run("t.csv", "-o", "out.h5")
    assert result.status == 1 and "--fill" in result.err and not tool.exists("out.h5")
    tool.ok("t.csv", "-o", "out.h5", "--fill", "acc=-1")
    assert tool.read("t")["acc"].tolist() == [1234567890123456789, -1]


@pytest.mark.parametrize("text, line, n, option, rows", [
    ("a,b,c\n1,2,3\n4,5\n6,7,8\n", 3, "has 2", "-d ',' --max-errors 1", 2), ("a,b,c\n1,2,3\n4,5\n", 3, "has 2", "-d ',' --max-errors 1", 1),
    ("1,2,3\n1,2\n", 2, "has 2", "-d ',' --max-errors 1", 1), ("a;b\n1;2\n\n3\n4;5\n", 4, "has 1", "-d ';' --max-errors 1", 2),
    ("a,b,c\n" + "1,2,3\n" * 100 + "1\n" + "1,2,3\n" * 100 + "1,2\n", 102, "has 1", "-d ',' --max-errors 2", 200),
    ("a,b\n1,2\n3,\"x\"y\n5,6\n", 3, "cannot be read", "-d ',' --max-errors 1", 2), ("a\tb c\n1\t2\n3\n", 3, "has 1", "-d '\\t' --max-errors 1", 1),
])
def test_an_odd_line_is_named(tool, text, line, n, option, rows):
    """However small the file: it is not silently one column of text, and the cure can be typed."""
    tool.write("in.txt", text)
    err = tool.run("in.txt", "-n").err
    assert "but line %d %s; so it is read by blanks" % (line, n) in err and "give %s\n" % option in err
    words = [w.strip("'") for w in option.split()]
    assert tool.run("in.txt", "-o", "out.h5", *words).status == 3 and len(tool.read()) == rows


def test_an_odd_line_beside_chosen_columns(tool):
    tool.write("in.txt", "a,b,c\n1,2,3\n4,5\n6,7,8,9\n")
    err = tool.run("in.txt", "-n", "--usecols", "a,b").err
    assert "line 3 has 2" in err and "give -d ','\n" in err
    assert len(tool.load("a,b,c\n1,2,3\n4,5\n6,7,8,9\n", "--usecols", "a,b", "-d", ",")) == 3


def test_an_odd_line_where_blanks_agree(tool):
    text = "2024-01-01 10:00,1.5,2\n" * 20 + "2024-01-01 10:00,1.5\n"
    tool.write("in.txt", text)
    err = tool.ok("in.txt", "-n").err
    assert "on 3 by comma, but for line 21; " in err and "give -d ',' --max-errors 1\n" in err


def test_odd_lines_of_few_inputs_are_told(tool):
    names = [tool.write("in%d.txt" % i, "a,b,c\n1,2,3\n4,5\n") for i in range(20)]
    assert tool.ok(*names, "-n").err.count("but line 3") == 5


@pytest.mark.parametrize("text", ["word\n" * 9, "some words\nand more of them\n", "Hello, world\nfoo\n", "a,b\nc\nd\n", "chr1:1,000\nchr2\nchr3\n"])
def test_text_without_a_delimiter(tool, text):
    tool.write("in.txt", text)
    assert "fields by" not in tool.run("in.txt", "-n").err


@pytest.mark.parametrize("text", ['"id"\t"x"\n"1"\t""\n"2"\t"3"\n', '1\t""\t2\n2\t"b"\t3\n'])
def test_empty_quotes_between_tabs(tool, text):
    tool.write("in.txt", text)
    assert "give -d '\\t': then empty fields are missing values\n" in tool.ok("in.txt", "-n").err
    assert "1 missing" in tool.ok("in.txt", "-n", "-d", "\t").out or "b" in text
    assert "missing" not in tool.ok("in.txt", "-n", "-d", "blanks").err


@pytest.mark.parametrize("text", ['a, b\n1, "x, y"\n3, "z, w"\n', 'a, b\n1, "x, y"\n3, zw\n', 'a,b\n1, "x, y"\n', 'a,b\n1, "x"\n2, "y"\n'])
def test_quotes_behind_a_blank(tool, text):
    tool.write("in.txt", text)
    err = tool.run("in.txt", "-n").err
    assert "line 2 has a blank between ',' and a quote" in err and "write.table" not in err
    assert """sed 's/,[[:blank:]]*"/,"/g' FILE""" in err
    got = tool.load(re.sub(r',[ \t]*"', ',"', text))
    assert len(got.dtype.names) == 2 and got.dtype[1].kind == "S" and not got[got.dtype.names[1]][0].startswith(b'"')
    assert "quote" not in tool.run("in.txt", "-n", "-d", "blanks").err


def test_commas_behind_fields(tool):
    tool.write("in.txt", 'a, b\n"x, y" 1\n"z, w" 2\n')
    assert "commas behind fields are part of them" in tool.ok("in.txt", "-n").err
    tool.write("in.txt", 'a, b\n"x, y" 1 2\n"z, w" 3 4\n')
    err = tool.run("in.txt", "-n").err
    assert "write.table" not in err and "the first line has 2 words above 3 columns" in err


def test_decimal_commas_and_semicolons(tool):
    text = "2020-01-01 00:00;1,5\n2020-01-01 01:00;2,5\n"
    tool.write("in.txt", text)
    err = tool.ok("in.txt", "-n").err
    assert "on 2 by semicolon; it is read by blanks" in err and "give -d ';', and points for decimal commas by tr , ." in err
    assert tool.load(text.replace(",", "."), "-d", ";")["f1"].tolist() == [1.5, 2.5]
    tool.write("in.txt", "1,5;2,5\n3,5;4,5\n")
    err = tool.ok("in.txt", "-n").err
    assert "on 3 fields by comma, and on 2 by semicolon; it is read by comma" in err and "give -d ';', and points" in err


@pytest.mark.parametrize("text", ["a;b\n1,5;2,5\n3,5;4,5\n", "a b\n1,5 2,5\n3,5 4,5\n", "a\tb\n1,5\t2,5\n3,5\tx\n"])
def test_a_header_above_decimal_commas(tool, text):
    """The first line is data by the rule, as there are no numbers below it; but that is said."""
    tool.write("in.txt", text)
    err = tool.ok("in.txt", "-n").err
    assert "the numbers below 'a' have commas" in err and "tr , . <FILE" in err
    got = tool.load(text.replace(",", "."))
    assert got.dtype.names == ("a", "b") and got["a"].tolist() == [1.5, 3.5]


@pytest.mark.parametrize("word", ["Undetermined", ".", "<LOD", "n/d"])
def test_a_header_above_numbers_and_words(tool, word):
    text = "Sample,Gene,Ct\nA1,GAPDH,21.3\nA2,ACTB,%s\nA3,ACTB,20.5\n" % word
    tool.write("in.txt", text)
    cure = "give --na 'NA,.', and the first line is the header" if word == "." else "give --header yes"
    assert "as below 'Ct' there is " in tool.ok("in.txt", "-n").err and cure in tool.ok("in.txt", "-n").err
    got = tool.load(text, "--header", "yes", "--na", word)
    assert got.dtype.names == ("Sample", "Gene", "Ct") and got["Ct"].tolist()[::2] == [21.3, 20.5]
    for more in ["--header", "no"], ["--header", "yes"], ["--na", word]:
        assert "--header" not in tool.ok("in.txt", "-n", *more).err
    tool.write("in.txt", "x,y\nA1,GAPDH\nA2,ACTB\n")
    assert tool.ok("in.txt", "-n").err == ""


@pytest.mark.parametrize("text, n", [
    ("time,t\ns,degC\n0,1.5\n1,NA\n2,\n", 2), ("Day  Tmax\n---  ----\n\n1    20.1\n2    --\n", 3),
    ('"TOA5","CR1000","x"\n"TIME","RECORD","AirTC"\n"TS","RN","Deg C"\n"","","Avg"\n"2020-01-01",0,1.5\n"2020-01-02",1,"NAN"\n', 4),
    ("# by hand\nlat;lon\ndeg;deg\n47,5;16\n", 3),
])
def test_units_below_the_names(tool, text, n):
    tool.write("in.txt", text)
    assert "begin behind line %d: " % n in tool.ok("in.txt", "-n").err
    names = ",".join("abc"[:len(tool.load(text).dtype)])
    got = tool.load(text, "--skip-lines", n, "--names", names)
    assert got.dtype.names == tuple(names.split(",")) and any(got.dtype[name].kind in "if" for name in got.dtype.names)
    assert "begin behind" not in tool.ok("in.txt", "-n", "--skip-lines", n).err


def test_one_column_of_decimal_commas(tool):
    tool.write("in.txt", "a\n1,5\n3,5\n")
    err = tool.ok("in.txt", "-n").err
    assert "if the numbers have decimal commas" in err and "--skip-lines 1\n" in err
    assert tool.load("a\n1.5\n3.5\n").dtype.names == ("a",)


@pytest.mark.parametrize("text", ["sep=;\na;b\n1;2\n", "sep=;\r\na;b;c\r\n1;2;3\r\n4;5;6\r\n", "SEP=\t\na\tb\n1\t2\n", "sep=,\na,b\n1,2\n"])
@pytest.mark.parametrize("typed", [False, True])
def test_separator_line(tool, text, typed):
    option = {";": ";", "\t": "\\t", ",": ","}[text[4]]
    args = ["-t", ",".join(["i4"] * len(text.split("\n")[1].split(text[4])))] if typed else []
    tool.write("in.txt", text)
    assert "give --skip-lines 1 -d '%s'\n" % option in tool.run("in.txt", "-n", *args).err.splitlines(True)[0]
    assert tool.load(text, "--skip-lines", 1, "-d", option, *args)["a"].tolist()[0] == 1
    tool.write("in.txt", "about\n" + text)
    assert "give --skip-lines 2 -d" in tool.run("in.txt", "-n", "--skip-lines", 1, *args).err


def test_a_header_that_does_not_fit_below_a_title(tool):
    tool.write("in.txt", "Title\na b c d\n1 2 3\n3 4 5\n5 6 7\n7 7 7\n")
    assert "try --skip-lines 2; if line 2 has names, give them by --names\n" in tool.run("in.txt", "-n").err


BED = "chr1\t100\t200\ta\nchr1\t300\t400\tb\nchr2\t300\t400\tc\n"


@pytest.mark.parametrize("text, cure", [
    ("track name=\"x\" description=\"some words\"\n" + BED, ["--comment", "track "]),
    ("track type=bedGraph name=\"BedGraph Format\"\n" + BED.replace("a\n", "1.5\n"), ["--comment", "track "]),
    ("browser position chr7:1-2\nbrowser hide all\ntrack name=a\n" + BED,
     ["--comment", "track ", "--comment", "browser "]),
    ("track name=a\n" + BED + "track name=b\n" + BED, ["--comment", "track "]),
    ("# by hand\ntrack name=a\n#chrom s e n\n" + BED, ["--comment", "track ", "--comment", "#"]),
])
def test_lines_for_a_genome_browser(tool, text, cure):
    tool.write("in.txt", text)
    err = tool.run("in.txt", "-n").err
    said = "give " + " ".join(w if w[0] == "-" else "'%s'" % w for w in cure) + "\n"
    assert "line %d is for a genome browser" % (text.count("by hand") + 1) in err and said in err
    got = tool.load(text, *cure)
    assert len(got) == text.count("chr1\t") + text.count("chr2\t") and got[got.dtype.names[1]][0] == 100
    assert "browser" not in tool.ok("in.txt", "-n", *cure).err


def test_a_wiggle_track_is_no_table(tool):
    for text in "track type=wiggle_0\nvariableStep chrom=chr19 span=150\n1 10.0\n2 12.5\n", "fixedStep chrom=c\n1\n2\n":
        assert "convert it to bedGraph" in tool.refuse(text).splitlines()[0]


def test_an_option_counts_for_all_files(tool):
    good = [tool.write("good%d.txt" % i, TABLE) for i in range(8)]
    bad = [tool.write("bad%d.txt" % i, "by hand\n" + TABLE) for i in range(7)]
    said = "an option counts for all files, and %d of the %d want none: load this one"
    err = tool.run(*good[:3], bad[0], *good[3:], "-n").err
    assert "bad0.txt: " + said % (8, 9) + " in a run of its own, with --append, or mend it\n" in err
    assert "bad0.txt: " + said % (8, 15) + " and its like" in tool.run(*bad, *good, "-n").err
    assert "counts for all" not in tool.run(*bad, "-n").err + tool.run(bad[0], "-n").err
    tool.ok(*good, "-o", "out.h5")
    tool.ok(bad[0], "--skip-lines", "1", "-o", "out.h5", "--append")
    assert len(tool.read("bad0")) == len(tool.read("good0")) == 8


def test_inputs_without_records(tool):
    a, b, e = tool.write("a.txt", "a b\n1 2\n"), tool.write("b.txt", "x y z\n1 2 3\n"), tool.write("e.txt", "")
    err = tool.run(a, b, e, "-n").err
    assert err.startswith("shmload: e.txt: it has no records, and the other inputs have different columns")
    assert "leave it out" in err and "--dtype" in err and "--append" in err
    tool.ok(a, b, "-o", "out.h5")
    tool.ok(e, "-o", "out.h5", "--append", "--dtype", "i4,f8")
    assert len(tool.read("e")) == 0
    assert "leave it out, or give the types by --dtype" in tool.run(e, "-n").err
    for given in ("-", "x=-"):
        assert tool.run(given, "-n").err.startswith("shmload: %s: it has no records, so no types" % given)


@pytest.mark.parametrize("n_files, told", [(3, "18"), (40, "at least [0-9]+")])
def test_bad_lines_that_were_not_counted(tool, n_files, told):
    """After ten bad inputs no further one is begun."""
    names = [tool.write("in%d.txt" % i, "1 2\nx y\n" * 6) for i in range(n_files)]
    err = tool.run(*names, "-o", "out.h5", "-t", "i4,i4", "--max-errors", "3", "-j", "1").err
    assert re.fullmatch("shmload: %s bad lines, more than --max-errors allows" % told, err.splitlines()[-1])


@pytest.mark.parametrize("text, again, comments", [
    ("step time\n1 0.5\n2 1.5\nstep time\n3 2.5\n", 4, ["step time"]),
    ("step,time\n1,0.5\n2,1.5\n step,time \n3,2.5\n", 4, ["step,time"]),
    ("# made by hand\n step  time\n1 0.5\n2 1.5\n# another run\nstep  time\n3 2.5\n", 6, ["step  time", "#"]),
])
def test_a_header_that_stands_there_again(tool, text, again, comments):
    tool.write("in.txt", text)
    err = tool.run("in.txt", "-n").err
    marks = "".join(" --comment '%s'" % c for c in comments)
    assert "in.txt: line %d is the first line again: if that is the header, give%s --names 'step,time'\n" % (
        again, marks) in err
    got = tool.load(text, *sum((["--comment", c] for c in comments), []), "--names", "step,time")
    assert got.tolist() == [(1, 0.5), (2, 1.5), (3, 2.5)]


@pytest.mark.parametrize("code", ["*" * 7, "*" * 8, "*" * 20, "-" * 12, "#DIV/0!"])
def test_a_long_code_is_told(tool, code):
    """Fortran writes as many stars as the field is wide."""
    text = "".join("%d %s\n" % (i, code if i % 7 == 3 else i) for i in range(50))
    tool.write("in.txt", text)
    comments = ["--comment", ""] if code[0] == "#" else []
    err = tool.ok("in.txt", "-n", *comments).err
    assert "column 'f1' is text for '%s' among numbers: if that means missing, give --na 'NA,%s'\n" % (code, code) in err
    assert tool.load(text, "--na", "NA," + code, *comments).dtype["f1"] == "f8"
    tool.write("in.txt", text + "51 %s*\n" % code)
    assert "among numbers" not in tool.ok("in.txt", "-n", *comments).err


@pytest.mark.parametrize("text, told", [
    ("netcdf x {\ndimensions:\n\tlat = 3 ;\ndata:\n\n lat = 1, 2, 3 ;\n}\n", "ncgen"),
    ("<?xml version=\"1.0\"?>\n<VOTABLE>\n</VOTABLE>\n", "XML"), ("<!DOCTYPE html>\n<html><body>404\n", "HTML"),
    ("{\"a\": 1, \"b\": 2}\n{\"a\": 3, \"b\": 4}\n", "jq"), ("[{\"a\": 1, \"b\": 2},\n {\"a\": 3}]\n", "jq"),
    ("@HD\tVN:1.6\n@SQ\tSN:c\tLN:9\n" + "r\t0\tc\t7\t30\t8M\t*\t0\t0\tTT\t*\n" * 20, "samtools view"),
])
def test_text_of_another_kind(tool, text, told):
    tool.write("in.txt", text)
    err = tool.run("in.txt", "-n").err.splitlines()
    assert err[0].startswith("shmload: in.txt: th") and told in err[0]
    assert not any("try" in line or "sed" in line for line in err)


@pytest.mark.parametrize("text, told", [
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"),
    (b"CDF\x01\x00\x00\x00\x00", "nccopy"), (b"CDF\x02\x00\x00\x00\x00", "nccopy"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "CSV"),
])
def test_files_that_are_no_text(tool, text, told):
    for content in text, gzip.compress(text):
        err = tool.refuse(content)
        assert told in err and err.startswith("in.txt: this ") and len(err.splitlines()) == 1


BLOCKS = "".join("timestep %d\n" % k + "".join("%d %d.5 %d.25\n" % (i, i, i) for i in range(40)) for k in range(5))


@pytest.mark.parametrize("text, cure", [
    (BLOCKS, ["--comment", "timestep"]), (BLOCKS + "# end\n", ["--comment", "timestep", "--comment", "#"]),
    (BLOCKS.replace(" ", ","), ["--comment", "timestep"]),
    (BLOCKS.replace("timestep ", "20 ").replace(" ", ","), ["-d", ",", "--max-errors", "3%"]),
])
def test_headings_between_records(tool, text, cure):
    tool.write("in.txt", text)
    said = " ".join("'%s'" % word if word in ("#", ",", "\\t") else word for word in cure)
    assert "try %s\n" % said in tool.run("in.txt", "-n").err
    status = tool.run("in.txt", "-o", "out.h5", *cure).status
    assert status == (3 if "--max-errors" in cure else 0) and len(tool.read()) == 200
    assert tool.read().dtype["f1"] == "f8"


@pytest.mark.parametrize("text, n", [
    ("".join("50\nframe %d\n" % k + "".join("O 0.0 0.%d 0.0\n" % i for i in range(50)) for k in range(5)), 250),
    ("a log of 3 words\n" + ("Step T E\n" + "0 0.5 -6\n" * 60 + "Loop time of 0.5 on 1 procs\n") * 3, 180),
    (BLOCKS.replace("timestep", "20 steps, timestep"), 200),
])
def test_other_lines_between_records(tool, text, n):
    """What is left by the awk that is advised is a table."""
    tool.write("in.txt", text)
    program = tool.run("in.txt", "-n").err.split("try awk '")[1].split("' FILE |")[0]
    left = subprocess.run(["awk", program, tool.path("in.txt")], stdout=subprocess.PIPE, check=True).stdout
    got = tool.load(left)
    assert len(got) == n and got.dtype[1] == "f8"


def test_one_line_between_records_is_a_bad_line(tool):
    tool.write("in.txt", "1 2 3\n" * 20 + "1 2\n" + "1 2 3\n" * 20)
    assert tool.run("in.txt", "-n").err == "in.txt:21:3: 2 fields where 3 are expected\n"


@pytest.mark.parametrize("code", ["-", "N/A", "********", "-1.#IND"])
def test_a_code_hides_the_header(tool, code):
    text = "date,val\n2020-01-01,1\n2020-01-02,%s\n2020-01-03,3\n" % code
    tool.write("in.txt", text)
    err = tool.run("in.txt", "-n").err
    assert "as below 'val' there is '%s' among the numbers: if that means missing, give --na 'NA,%s'," % (code, code) in err
    got = tool.load(text, "--na", "NA," + code)
    assert got.dtype.names == ("date", "val") and got["val"].dtype == "f8" and got["val"][[0, 2]].tolist() == [1, 3]
    assert "give --na '%s'," % code in tool.run("in.txt", "-n", "--na", "?").err


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_records_that_end_in_a_delimiter(tool, delimiter):
    """The names are the columns' own; they do not move by one."""
    text = "a,b,c\n1,2,3,\n4,5,6,\n7,8,9,\n".replace(",", delimiter)
    tool.write("in.txt", text)
    err = tool.run("in.txt", "-n").err.splitlines()[0]
    cure = err.split("give ")[1].split()
    assert cure == ["--skip-lines", "1", "--names", "a,b,c,empty"]
    got = tool.load(text, *cure)
    assert got["a"].tolist() == [1, 4, 7] and got["c"].tolist() == [3, 6, 9]


NUMBERS = "".join("%d %d %d\n" % (i, 2 * i, 3 * i) for i in range(1, 21))
PLACES = "".join("chr%d\t%d\t%d\t0.5\n" % (2 + i // 10, i, 3 * i) for i in range(10, 30))


@pytest.mark.parametrize("text, line, fields, n_aside", [
    ("1 2\n" + NUMBERS, 1, 2, 1), ("1,2\n" + NUMBERS.replace(" ", ","), 1, 2, 1), ("7\n" + NUMBERS, 1, 1, 1),
    (NUMBERS + "4 5\n", 21, 2, 1), ("a b c\n1 2\n" + NUMBERS, 2, 2, 1), ("1 2\n" + NUMBERS + "4", 1, 2, 2),
    ("1 2 3 4\n" + NUMBERS, 1, 4, 1), ("chr1\t5\n" + PLACES, 1, 2, 1), ("chr1\t5\t6\nchr1\t7\t8\n" + PLACES, 1, 3, 2),
])
def test_a_record_that_is_cut_short_is_no_heading(tool, text, line, fields, n_aside):
    tool.write("in.txt", text)
    err = tool.run("in.txt", "-n").err
    said = "in.txt: line %d is like a record, but has %d field%s where the others have %d: mend it, or set it aside by " % (
        line, fields, "s" if fields > 1 else "", 4 if "chr" in text else 3)
    assert said in err and "--comment" not in err and err.count("--skip-lines") == err.count("if it is no record, try")
    cure = err.split("set it aside by ")[1].split(";")[0].replace("'", "").split()
    assert cure[-1] == str(n_aside)
    assert tool.run("in.txt", "-o", "out.h5", *cure).status == 3 and len(tool.read()) == 20


@pytest.mark.parametrize("odd", ["chr1\t5\t7\n", "chr1\t5\n"])
def test_words_of_data_are_no_comments(tool, odd):
    """Were chr1 a comment, its good records would go unseen."""
    tool.write("in.txt", PLACES[:90] + odd + PLACES[90:] + odd + PLACES)
    err = tool.run("in.txt", "-n").err
    assert "--comment" not in err and "awk" not in err and "to set them aside, try --max-errors 5%\n" in err
    for enough in "5%", "2":
        assert "to set them aside" not in tool.run("in.txt", "-n", "--max-errors", enough).err
    assert "to set them aside" in tool.run("in.txt", "-n", "--max-errors", "1").err


GEO = ("!Series_title\t\"Things, with words\"\n!Series_sample_id\t\"A1 A2 \"\n\n!Sample_title\t\"a\"\t\"b\"\n"
       "!series_matrix_table_begin\n\"ID_REF\"\t\"A1\"\t\"A2\"\n" +
       "".join("\"%d_at\"\t%d.5\t%d.25\n" % (i, i, i) for i in range(40)) + "!series_matrix_table_end\n")


@pytest.mark.parametrize("text, n", [(GEO, 40), ("% a\n" + NUMBERS + "% b\n" + NUMBERS + "%c\n%d\n", 40), (NUMBERS + "!\n", 20)])
def test_lines_with_a_mark_above_and_below(tool, text, n):
    mark = "!" if "!" in text else "%"
    tool.write("in.txt", text)
    err = tool.run("in.txt", "-n").err
    assert "all begin with '%s': if they are comments, give --comment '%s'\n" % (mark, mark) in err
    got = tool.load(text, "--comment", mark)
    assert len(got) == n and got.dtype[1].kind in "fi"
    if text == GEO:
        assert got.dtype.names == ("ID_REF", "A1", "A2")
        tool.write("in.txt", text.replace("7_at", "7!at"))
        assert "--comment" not in tool.run("in.txt", "-n").err


@pytest.mark.parametrize("text", ["sep=;\na;b\n1;2\n3;4\n", "sep=\t\na\tb\n1\t2\n3\t4\n", "\ufeffsep=;\na;b\n1,5;2,5\n3,5;4,5\n"])
def test_separator_line_has_one_cure(tool, text):
    tool.write("in.txt", text)
    err = tool.ok("in.txt", "-n").err
    assert "give --skip-lines 1 -d '" in err and len(err.splitlines()) == 1
    option = err.split("-d '")[1].split("'")[0]
    assert ("tr , ." in err) == ("," in text)
    got = tool.load(text.replace(",", "."), "--skip-lines", 1, "-d", option)
    assert len(got) == 2 and got.dtype.names == ("a", "b") and got.dtype[0].kind in "if"


ATOMS = "".join("O %d.5 -1.0 .25\n" % i for i in range(3))


@pytest.mark.parametrize("text, n", [
    ("3\nwater\n" + ATOMS, 3), ("3\n\n" + ATOMS, 3), ("1\nenergy = -5.5\nH 0 0 1\n", 1), (("3\nframe 1 x\n" + ATOMS) * 4, 12),
    ((" 3\n\n" + ATOMS) * 2 + "\n", 6),
])
def test_xyz(tool, text, n):
    tool.write("in.txt", text)
    err = tool.run("in.txt", "-n").err.splitlines()[0]
    if "--skip-lines 2 " in err:
        got = tool.load(text, "--skip-lines", 2)
    else:
        program = err.split("try awk '")[1].split("' FILE |")[0]
        got = tool.load(subprocess.run(["awk", program, tool.path("in.txt")], stdout=subprocess.PIPE, check=True).stdout)
    assert "XYZ" in err and len(got) == n and len(got.dtype) == 4 and got.dtype[2].kind in "fi"


def test_not_xyz(tool):
    for text in "3\nwater\n1 2 3 4\n" * 2, "3\na b\n" + ATOMS + "4\nc\n" + ATOMS + "H 1 2 3\n", "2\nwater\n" + ATOMS, "1\n2\n":
        tool.write("in.txt", text)
        assert "XYZ" not in tool.run("in.txt", "-n").err


@pytest.mark.parametrize("kind, entries, names", [
    ("coordinate real general", "1 1 0.5\n2 2 1.5\n", "row,column,value"), ("coordinate pattern general", "1 1\n2 2\n", "row,column"),
    ("coordinate complex general", "1 1 0.5 2\n2 2 1.5 3\n", "row,column,real,imaginary"), ("array real general", "0.5\n1.5\n", None),
])
@pytest.mark.parametrize("args", [[], ["--comment", "%"]])
def test_matrix_market(tool, kind, entries, names, args):
    """The line of sizes is no entry, though it may have as many numbers."""
    text = "%%MatrixMarket matrix " + kind + "\n% by hand\n2 2 2\n" + entries
    tool.write("in.txt", text)
    cure = tool.run("in.txt", "-n", *args).err.splitlines()[0].split("give ")[1].split()
    assert cure == ["--skip-lines", "3"] + (["--names", names] if names else [])
    assert len(tool.load(text, *cure)) == 2 and (names is None or tool.read().dtype.names == tuple(names.split(",")))


@pytest.mark.parametrize("text, told", [
    (">s1 a b c\nACGT\nACG\n>s2 d\nAC\n", "FASTA"), (">s1\nMKV-X*\n", "FASTA"), ("@r1 1\nACGT\n+\nII#I\n", "FASTQ"),
    (">s1\n1 2\n", None), ("@a\nACGT\nx\nI\n", None), (">\nACGT\n", None),
])
def test_sequences_are_no_table(tool, text, told):
    tool.write("in.txt", text)
    err = tool.run("in.txt", "-n").err
    assert ("FAST" not in err) if told is None else "in.txt: this is %s: " % told in err
    assert "--comment" not in err and "--skip-lines" not in err


OPEN_QUOTES = [
    ("1,2\n3,\"x\n", "2:2"), ("1,\"x\n2,y\n", "1:2"), ("a,b\n1,2\n3,\"x\n", "3:2"), ("a,b\n1,\"x\n2,y\n", "2:2"), ("a,b\n1,\"x", "2:2"),
    ("\na,b\n1,x\n2,y\n3,\"z w\n4,u\n", "5:2"), ("1;2\n3;\"x\n", "2:2"),
]


@pytest.mark.parametrize("text, place", OPEN_QUOTES)
@pytest.mark.parametrize("typed", [[], ["-t", "i4,S9"]])
@pytest.mark.parametrize("given", [False, True])
def test_an_open_quote_is_told_where_it_opens(tool, text, place, typed, given):
    """And nothing else is: no field count of a delimiter that was taken for its sake, no header as a bad line."""
    tool.write("in.txt", text)
    delimiter = ["-d", ";" if ";" in text else ","] * given
    assert tool.run("in.txt", "-n", *typed, *delimiter).err == (
        "in.txt:%s: the quoted field that begins here is never closed\n" % place)


@pytest.mark.parametrize("text, rows, n_aside", [
    ("1 2\n1 2 3\n", [(1, 2, 3)], 1), ("title\n1 2\n", [(1, 2)], 1), ("1 2 3\n4 5\n", [(1, 2, 3)], 1),
    ("1 2\n1 2 3\n1 2 3 4\n4 5 6\n1 2 3 4 5\n7 8 9\n", [(1, 2, 3), (4, 5, 6), (7, 8, 9)], 3),
    ("a words\n" + "".join("1 2 3\n" + "x " * i + "\n" for i in range(4, 30)), [(1, 2, 3)] * 26, 27),
])
def test_the_most_frequent_number_of_fields_counts(tool, text, rows, n_aside):
    """Also where no number of fields has more than half of the lines; the first line has no right of its own."""
    tool.write("in.txt", text)
    result = tool.run("in.txt", "-o", "out.h5", "--max-errors", "50")
    assert result.status == 3 and tool.read().tolist() == rows and "%d bad line" % n_aside in result.err


def column_with(value, delimiter=",", n=20):
    rows = ["%d,%s,%d" % (i, value if i == 7 else "%d.5" % i, 3 * i) for i in range(1, n + 1)]
    return "\n".join(["id,x,y"] + rows).replace(",", delimiter) + "\n"


MINUS, SPACE = "\N{MINUS SIGN}3.5", "\N{NO-BREAK SPACE}3.5"
THIN, NARROW = "1\N{THIN SPACE}234.5", "1\N{NARROW NO-BREAK SPACE}234.5"


@pytest.mark.parametrize("delimiter", [",", " ", ";"])
@pytest.mark.parametrize("value, told", [
    ("<0.01", "if that means missing, give --na 'NA,<0.01'"), (">= 5e3", "if such limits are to be missing, list them by --na 'COLUMN=NA,VALUE,...'"),
    (MINUS, "its minus is U+2212: give sed"), (SPACE, "it has a no-break space, U+00A0: give sed"),
    (THIN, "it has a thin space, U+2009 or U+202F: give sed"), (NARROW, "it has a thin space, U+2009 or U+202F: give sed"),
    ("3.5*", "it has a flag behind it: if flags may go, give sed"), ("3?!", "it has a flag behind it: if flags may go, give sed"),
])
def test_a_misspelt_number_is_told(tool, value, told, delimiter):
    if delimiter == " ":
        value = value.replace(" ", "")
    text = column_with(value, delimiter)
    tool.write("in.txt", text)
    err = tool.ok("in.txt", "-n").err
    assert "shmload: in.txt:8: column 'x' is text for '%s' among numbers: %s" % (value, told) in err
    if "sed" in told:
        program = shlex.split(err.split("give ")[1].split(" FILE |")[0])
        number = float(value.replace(MINUS[0], "-").translate(dict.fromkeys(map(ord, SPACE[0] + THIN[1] + NARROW[1] + "*?!"))))
        for locale in ("C", "C.UTF-8"):
            mended = subprocess.run([*program, tool.path("in.txt")], stdout=subprocess.PIPE, check=True,
                                    env={**os.environ, "LC_ALL": locale}).stdout
            assert tool.load(mended)["x"][6] == number
            tool.write("in.txt", text)
    else:
        tokens = told.split("'")[1].replace("COLUMN", "x").replace("VALUE,...", value)
        assert [x != x for x in tool.load(text, "--na", tokens)["x"]] == [i == 7 for i in range(1, 21)]
    typed = tool.refuse(text, "-t", "i4,f8,i4", *([] if delimiter == " " else ["-d", delimiter]))
    cure = "--na '%s%s'" % ("x=" * ("=" in value), value) if "--na" in told else told
    assert typed.startswith("in.txt:8:2: field 'x' (f8): '%s' is not a number; " % value) and cure in typed


def test_thousands(tool):
    for value, delimiter in ("1,234", " "), ("1,234", ";"), ("-12,345,678", " "), ("1,234.5", ";"):
        text = column_with("VALUE", delimiter).replace("VALUE", value)
        tool.write("in.txt", text)
        err = tool.ok("in.txt", "-n").err
        assert "in.txt:8: column 'x' is text for '%s' among numbers: if commas part thousands, give tr -d , <FILE" % value in err
        assert ("decimal" in err) == (value == "1,234")
        assert tool.load(text.replace(",", ""))["x"][6] == float(value.replace(",", ""))
    tool.write("in.txt", column_with("VALUE").replace("VALUE", "\"1,234.5\""))
    assert "if commas part thousands, write it without them\n" in tool.ok("in.txt", "-n").err
    assert "tr -d" not in tool.refuse(column_with("VALUE").replace("VALUE", "\"1,234.5\""), "-t", "i4,f8,i4")


@pytest.mark.parametrize("values, told", [
    (["<0.1", "<0.25"], "for '<0.1' among numbers: if such limits"), (["<0.1", "x"], None), (["<x"], None), (["1,23", "4"], None), ([MINUS + "x"], None),
    (["3*", "4.5!"], "for '3*' among numbers: it has a flag"), (["3*", "12A"], None), (["3*", THIN], "for '3*' among numbers: it has a thin"),
    (["1,234", "12,34"], None), (["<0.123456789012345"], "for such text among numbers: if such limits"),
])
def test_several_misspelt_numbers(tool, values, told):
    tool.write("in.txt", "".join("%s 1.5\n" % v for v in ["7", *values, "8", "9"]))
    err = tool.ok("in.txt", "-n").err
    assert "column 'f0' is text for '" not in err if told is None else (
        "in.txt:2: column 'f0' is text " + told in err)


@pytest.mark.parametrize("above", ["", "# a b\n", "a b\n", "\n#\n"])
def test_the_first_of_some_misspelt_numbers(tool, above):
    """In the first line of data, which is looked at last: it may be a header."""
    tool.write("in.txt", above + "<0.1 1\n2 3\n<0.25 4\n")
    place = "in.txt:%d: column '%s' is text for '<0.1' among numbers: " % (above.count("\n") + 1, "a" if "a" in above else "f0")
    assert place in tool.ok("in.txt", "-n").err


@pytest.mark.parametrize("args", [[], ["--slice", "1M"]])
def test_the_place_of_a_misspelt_number(tool, args):
    """Far from any sample, and in the input that has it."""
    lines = ["%d 0.5" % i for i in range(400000)]
    tool.write("a.txt", "\n".join(lines[:50]))
    lines[301234] = "1 <0.01"
    tool.write("b.txt", "id x\n" + "\n".join(lines))
    tool.write("c.txt", "id x\n1 2.5\n")
    err = tool.ok("a.txt", "b.txt", "c.txt", "-o", "out.h5", "--header", "auto", *args).err
    assert "shmload: b.txt:301236: column 'x' is text for '<0.01' among numbers: " in err
