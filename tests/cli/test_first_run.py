"""What a first run says: files that are no text, or no table from their first line to their last, and the cure."""
import gzip

import pytest

TABLE = "id mass name\n1 2.5 x\n2 3.5 y\n3 4.5 z\n4 5.5 w\n5 6.5 v\n6 7.5 u\n7 8.5 t\n8 9.5 s\n"


@pytest.mark.parametrize("text, message", [
    (b"\x00\x01\x02\x03", "in.txt:1:1: NUL byte: not a text file?"), (b"# c\n\n1 \x002\n", "in.txt:3:2: NUL byte"),
    (b"1 2\r3 4\r", "in.txt:1:2: carriage return inside a line; where lines end in CR alone, as in old Mac files, use tr"),
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
