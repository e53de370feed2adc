"""Integers in a column that is f8 though nobody said so: where f8 does not hold one exactly, that is told, once."""
import re
import shlex

import numpy as np
import pytest

EXACT = 2 ** 53
KERNELS = ["scalar", "avx2", "avx512"]
NOTICE = re.compile(r"shmload: (\S+):(\d+): column (\S+(?: \S+)?) is f8 .*rounds the integer (\S+?)"
                    r"(?: \(and so in (\d+) more inputs?\))?: (.*)\n")


def notices(result):
    return NOTICE.findall(result.err)


def run(tool, kernel, *args):
    result = tool.run(*args, env={"SHMLOAD_KERNEL": kernel})
    if "no kernel" in result.err:
        pytest.skip("this processor has no " + kernel)
    assert result.status == 0, result
    return result


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("value", [
    EXACT - 1, EXACT, EXACT + 1, EXACT + 2, EXACT + 3, -EXACT - 1, -EXACT - 2, 2 ** 60, 2 ** 60 + 1, 2 ** 63 - 1,
    2 ** 63, 2 ** 64 - 1, 2 ** 64, 10 ** 20, 10 ** 20 + 1, -10 ** 22, 10 ** 23, 2 ** 200, 2 ** 200 + 1,
    9999999999999999, "0009007199254740993", "+9007199254740993", "9007199254740993.0", "9007199254740993e0",
    "123456789.12345678901", "1e300", "inf", "9" * 310,
])
def test_only_what_is_not_exact(tool, kernel, value):
    text = str(value)
    integer = re.fullmatch("[+-]?[0-9]+", text) and float(text) not in (float("inf"), float("-inf"))
    rounds = bool(integer) and int(float(text)) != int(text)
    for form in "v n\n1.5 1\n%s 2\n", "v,n\n1.5,1\n\"%s\",2\n", "v, n\n1.5, 1\n %s , 2\n":
        tool.write("in.txt", form % text)
        told = notices(run(tool, kernel, "in.txt", "-o", "out.h5", "-f"))
        shown = text if len(text) <= 32 else text[:32] + "..."
        assert told == ([("in.txt", "3", "'v'", shown, "", "give --dtype 'v=S' to keep the digits")] if rounds else [])
        np.testing.assert_array_equal(tool.read()["v"], [1.5, float(text)])


@pytest.mark.parametrize("code, missing", [("-9999.0", ["--na", "-9999"]), ("-9999.0", ["--na", "-9999.0"]),
                                           ("-9.999e3", ["--na", "v=-9999"]), ("nan", []), ("1e20", ["--na", "1e20"])])
def test_the_cure_for_a_code_helps(tool, code, missing):
    tool.write("in.txt", "v n\n7 1\n%s 2\n9007199254740993 3\n" % code)
    first = tool.ok("in.txt", "-o", "out.h5", *missing)
    (path, line, column, value, more, cure), = notices(first)
    assert (path, line, column, value) == ("in.txt", "4", "'v'", "9007199254740993")
    kept = re.search(r"--dtype '?v=S'?", cure).group()
    tool.ok("in.txt", "-o", "out.h5", "-f", *missing, *shlex.split(kept))
    assert tool.read()["v"].tolist() == [b"7", code.encode(), b"9007199254740993"]
    if missing and code != "1e20":
        exact = re.search(r"--dtype 'v=i8' --fill '[^']*'", cure).group()
        result = tool.ok("in.txt", "-o", "out.h5", "-f", *missing, *shlex.split(exact))
        assert tool.read()["v"].tolist() == [7, -9999, 9007199254740993] and "rounds" not in result.err


def test_types_that_are_given_are_meant(tool):
    tool.write("in.txt", "v n\n1.5 1\n9007199254740993 2\n")
    for more in ["-t", "f8,i4"], ["-t", "v=f8"], ["-t", "v=f4"], ["-t", "v=S"], ["--usecols", "n"]:
        assert "rounds" not in tool.ok("in.txt", "-o", "out.h5", "-f", *more).err


def test_another_input_has_the_fraction(tool):
    tool.write("a.txt", "id n\n9007199254740993 1\n")
    tool.write("b.txt", "id n\n1.5 1\n")
    tool.write("c.txt", "id x\n9007199254740993 1\n")
    (path, line, column, value, more, cure), = notices(tool.ok("a.txt", "b.txt", "c.txt", "-o", "out.h5"))
    assert (path, line, column, value, more) == ("a.txt", "2", "'id'", "9007199254740993", "")
    assert "for values in b.txt that are no integers" in tool.ok("a.txt", "b.txt", "-n").err
    assert tool.read("c")["id"].dtype == "i8"


def test_matrix(tool):
    tool.write("a.txt", "id n\n9007199254740993 1.5\n")
    (path, line, column, value, more, cure), = notices(tool.ok("a.txt", "--matrix", "-o", "out.h5"))
    assert (path, line, column, value) == ("a.txt", "2", "0 ('id')", "9007199254740993")
    assert "--usecols" in cure and "--matrix" in cure
    tool.write("a.txt", "9007199254740993 -9.0\n")
    (_, _, column, _, _, cure), = notices(tool.ok("a.txt", "--matrix", "-o", "out.h5", "-f", "--na", "-9"))
    assert column == "0" and cure == "give --dtype i8 --fill -9"
    tool.ok("a.txt", "--matrix", "-o", "out.h5", "-f", "--na", "-9", *cure.split()[1:])
    assert tool.read("a").tolist() == [[9007199254740993, -9]]


@pytest.mark.parametrize("more", [[], ["-n"], ["--columns"], ["--concat", "all"], ["--json"], ["-z", "1"], ["-v"]])
def test_said_once_for_many_files(tool, more):
    files = [tool.write("f%d.txt" % i, "id n\n1.5 1\n%d %d\n" % (EXACT + 2 * i + 1, i)) for i in range(40)]
    args = [*files, *([] if more == ["-n"] else ["-o", "out.h5"]), *more]
    result = tool.ok(*args)
    assert [n[:5] for n in notices(result)] == [("f0.txt", "3", "'id'", str(EXACT + 1), "39")]
    assert result.err.count("rounds") == 1
    if more != ["-v"]:
        assert tool.ok(*args, "-q", *([] if more == ["-n"] else ["-f"])).err == ""


def test_some_columns_are_told(tool):
    n = 30
    tool.write("in.txt", "1.5 " * n + "\n" + "9007199254740993 " * n + "\n")
    result = tool.ok("in.txt", "-o", "out.h5")
    assert [c for _, _, c, *_ in notices(result)] == ["'f%d'" % i for i in range(5)]
    assert "further columns" in result.err


@pytest.mark.parametrize("kernel", KERNELS)
def test_far_from_any_sample_and_in_one_pass(tool, kernel):
    """Line numbers count from the input's first line, whatever the slices; and nothing is parsed twice for it."""
    n = 300_000
    rows = ["%d.25 %d" % (i, i) for i in range(n)]
    rows[n // 3] = "9007199254740993 1"
    rows[n // 2] = "9007199254740995 1"
    tool.write("in.txt", "\n".join(rows) + "\n")
    told = set()
    for cut in [], ["--slice", "1M", "-j", "3"], ["-j", "1"]:
        result = run(tool, kernel, "in.txt", "-o", "out.h5", "-f", "-v", *cut)
        assert "twice" not in result.err
        told.add(tuple(notices(result)))
    assert told == {(("in.txt", str(n // 3 + 1), "'f0'", "9007199254740993", "",
                      "give --dtype 'f0=S' to keep the digits"),)}
    assert tool.read()["f0"][n // 3] == float(EXACT)


def test_lines_within_quotes_count(tool):
    tool.write("in.csv", 'a,b\n1.5,x\n"9007199254740993","y\nz"\n2,"y\nz"\n')
    (_, line, *_), = notices(tool.ok("in.csv", "-o", "out.h5"))
    assert line == "3"


def test_lines_that_are_set_aside_do_not_count(tool):
    tool.write("in.txt", "1.5 1\n2.5 2\n3.5 3\n9007199254740993 1 9\n")
    result = tool.run("in.txt", "-o", "out.h5", "--max-errors", "1")
    assert result.status == 3 and notices(result) == []


@pytest.mark.parametrize("more, cure", [([], ["--fill", "f0=-1"]), (["--matrix"], ["--fill", "-1"])])
@pytest.mark.parametrize("first, then", [("NA 1", "-9007199254740993 1"), ("9007199254740993 1", "NA 1")])
@pytest.mark.parametrize("apart", [False, True])
def test_beside_missing_values_it_is_refused_wherever_they_are(tool, first, then, apart, more, cure):
    """Also where no sample has them, in one file or in two; not only where they are seen beforehand."""
    n = 200_000
    lines = [["%d %d" % (10 ** 15 + i, i) for i in range(n)] for _ in range(2)]
    lines[0][n // 3] = first
    lines[1 if apart else 0][n // 2] = then
    files = [tool.write("f%d.txt" % i, "\n".join(lines[i]) + "\n") for i in range(2)]
    result = tool.run(*files, "-o", "out.h5", *more)
    assert result.status == 1 and "missing values" in result.err and "9007199254740993" in result.err, result
    assert "--fill" in result.err and "--dtype" in result.err and not tool.exists("out.h5")
    tool.ok(*files, "-o", "out.h5", *more, *cure)
    got = tool.read("f1" if apart else "f0")
    assert 9007199254740993 in abs(np.concatenate([tool.read(f)[:, 0] if more else tool.read(f)["f0"]
                                                   for f in ("f0", "f1")])) and len(got) == n
