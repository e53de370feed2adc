"""The tables of the manual, row by row: what it says a spelling becomes is what it becomes.

Rows are read from the page, so that a row without a test, or a test without a row, fails.
"""
import os
import re

import numpy as np
import pytest

from conftest import ROOT

NAN = float("nan")


def plain(cell):
    """A cell of mdoc as text."""
    cell = re.sub(r"\b(?:Li|No|Sy|Ar) ", "", cell.replace("Fl Fl ", "--"))
    return cell.replace(r"\(dq", '"').replace(r"\&", "").strip()


def table(title):
    with open(os.path.join(ROOT, "man", "shmload.1")) as f:
        section = f.read().partition(".Ss %s\n" % title)[2].partition(".El")[0]
    rows = [[plain(cell) for cell in line.split(" Ta ")] for line in re.findall(r"^\.It (.*)", section, re.M)]
    assert len(rows) > 3
    return rows[1:]


# ---- numbers: the words of the first cell, as an integer and as a float

def python_float(word):
    word = re.sub("[dDqQ]", "e", word)
    return float(re.sub(r"(?<=[0-9.])([+-])", r"e\1", word))


@pytest.mark.parametrize("row", table("Numbers"), ids=lambda row: row[0])
def test_numbers(tool, row):
    words, _, kind = row[0].partition(" in ")
    for word in words.split():
        for cell, dtype in (row[1], kind or "i8"), (row[2], "f8"):
            line = "%s x\n" % word
            if cell.startswith("error"):
                err = tool.refuse(line, "-t", "v:%s,s:S1" % dtype)
                reason = "out of range" if "range" in cell else "not "
                assert "in.txt:1:1: field 'v' (%s): '%s' is %s" % (dtype, word, reason) in err
                continue
            value = tool.load(line, "-t", "v:%s,s:S1" % dtype)["v"][0]
            want = int(word) if dtype[0] == "i" else python_float(word)
            assert value == want or (np.isnan(value) and np.isnan(want)), word
            assert dtype[0] == "i" or np.signbit(value) == np.signbit(want) or np.isnan(want)


def test_number_rows_say_what_is_meant(tool):
    rows = dict((row[0], row[1:]) for row in table("Numbers"))
    assert "unsigned" in rows["-0"][0] and tool.load("-0 x\n", "-t", "v:u4,s:S1")["v"][0] == 0
    assert "counted in the account" in rows["1e999"][1]
    tool.write("in.txt", "1e999 x\n")
    assert "beyond range" in tool.ok("in.txt", "-o", "out.h5", "-f", "-t", "v:f8,s:S1").err
    assert tool.load("1e-320 x\n", "-t", "v:f8,s:S1")["v"][0] == 1e-320
    assert tool.load("1e-999 x\n", "-t", "v:f8,s:S1")["v"][0] == 0
    assert np.isnan(tool.load("**** x\n", "-t", "v:f8,s:S1", "--na", "****")["v"][0]) and "listed" in rows["****"][1]


@pytest.mark.parametrize("text, kind", [("1.5-2", "S5"), ("1.5-200", "f8"), ("0x10", "S4"), ("2026-01-02", "S10"),
                                        ("12:30", "S5"),
                                        ("\u00a05", "S3"), ('"7"', "i4")])
def test_found_types(tool, text, kind):
    assert tool.load("%s x\n" % text)["f0"].dtype.str.lstrip("<|") == kind


# ---- missing values: options and text of the first cell

MISSING = {"NA": ([], "NA"), "empty, if delimited": ([], ""), "--na .": (["--na", "."], "."),
           "--na -9999": (["--na", "-9999"], "-9999")}


@pytest.mark.parametrize("row", table("Missing values"), ids=lambda row: row[0])
def test_missing_values(tool, row):
    args, text = MISSING[row[0]]
    line = "%s,x\n" % text
    typed = lambda kind: ["-d", ",", *args, "-t", "v:%s,s:S1" % kind]
    if row[1].startswith("error"):
        assert "--fill" in tool.refuse(line, *typed("i4"))
    else:
        assert tool.load(line, *typed("i4"))["v"][0] == int(row[1].partition(",")[0])
    assert "--fill" in row[1] and tool.load(line, *typed("i4"), "--fill", "v=-1")["v"][0] == -1
    assert row[2].startswith("NaN") and np.isnan(tool.load(line, *typed("f4"))["v"][0])
    assert "--fill" in row[2] and tool.load(line, *typed("f4"), "--fill", "v=-1")["v"][0] == -1
    assert row[3] in ("the text", "the empty string") and tool.load(line, *typed("S5"))["v"][0] == text.encode()


def test_all_missing_rows():
    assert {row[0] for row in table("Missing values")} == set(MISSING)


def test_missing_by_value(tool):
    assert np.isnan(tool.load("-9999.0 x\n", "-t", "v:f8,s:S1", "--na", "-9999")["v"][0])
    tool.load("-9999 x\n", "-t", "v:i4,s:S1", "--na", "-9999")
    import h5py
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert any("missing_value" in name for name in f["in"].attrs)


# ---- lines: for each row texts that must be the rows (1, x), (2, y), or else what they are

TWO = [(1, b"x"), (2, b"y")]
COMMA = ["-d", ","]
LINES = {
    "blanks (space, tab, VT, FF)": [("1 x\n2 y\n",), (" 1\t x \n\t2\v\fy\t\n",)],
    "LF, CR LF, several CR and LF": [("1 x\n2 y\n",), ("1 x\r\n2 y\r\n",), ("1 x\r\r\n2 y\r\r\r\n",)],
    "CR at the end of the last line": [("1 x\r\n2 y\r",)],
    "last line without LF": [("1 x\n2 y",)],
    "blank line": [("\n1 x\n\n \t\n2 y\n\n",), ("1,x\n\n  \n2,y\n", COMMA)],
    "# at the start of a line": [("#c\n1 x\n # c\n2 y\n",), ("#c\n1,x\n2,y\n", COMMA)],
    "# after the last field": [("1 x # c\n2 y #c d\n",),
                             ('1,5 # c, d\n2,6 #,"\n', ["-d", ",", "-t", "v:i4,w:i4"], [(1, 5), (2, 6)])],
    "# in an earlier field": [("1 #x\n2 y#\n", [], [(1, b"#x"), (2, b"y#")])],
    "--comment %": [("1 x%c\n% c\n2 y\n", ["--comment", "%"]), ('1 "%"\n', ["--comment", "%"], [(1, b"%")]),
                    ("1 #\n", ["--comment", "%"], [(1, b"#")])],
    "UTF-8 byte order mark": [("\ufeff1 x\n2 y\n",)],
    '"a b"': [('1 "a b"\n', [], [(1, b"a b")]), ('1,"a,b"\n', COMMA, [(1, b"a,b")]), ('1 "a\nb"\n', [], [(1, b"a\nb")]),
              ('"1" "a ""b"""\n', [], [(1, b'a "b"')])],
    '"a"b': [('1 "a"b\n', [], "in.txt:1:")],
    '5"': [('1 5"\n2 a"b"\n', [], [(1, b'5"'), (2, b'a"b"')])],
    "quote never closed": [('1 x\n2 "y\n3 z\n', [], "in.txt:2:")],
    "NUL byte, CR inside a line": [("1 x\n2 y\0\n", [], "in.txt:2:"), ("1 x\n2 y\rz\n", [], "in.txt:2:")],
    "one field too few or too many": [("1 x\n2\n", [], "in.txt:2:2: 1 field where 2 are expected"),
                                      ("1 x\n2 y z\n", [], "in.txt:2:3: 3 fields")],
    "blanks beside a delimiter": [(" 1 , x \n", COMMA, [(1, b" x ")])],
    "two delimiters in a row": [("1,,\n", ["-d", ",", "-t", "v:i4,s:S8,t:S1"], [(1, b"", b"")])],
    "delimiter at the end of a line": [("1,\n", COMMA, [(1, b"")]), ("1,x,\n", COMMA, "in.txt:1:3: 3 fields")],
    "fixed widths": [("1  x  \n2    y\n", ["--widths", "3,3"]), ("1\n", ["--widths", "3,3"], [(1, b"")])],
}


def test_all_line_rows():
    assert {row[0] for row in table("Lines")} == set(LINES)


@pytest.mark.parametrize("case", [(name, *case) for name, cases in LINES.items() for case in cases], ids=repr)
def test_lines(tool, case):
    _, text, args, want = (*case, [], TWO)[:4] if len(case) < 3 else (*case, TWO)[:4]
    args = args if "-t" in args else [*args, "-t", "v:i4,s:S8"]
    if isinstance(want, str):
        assert want in tool.refuse(text, *args)
    else:
        assert tool.load(text, *args).tolist() == want
