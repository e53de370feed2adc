"""The values: every type, its legal spellings, its limits, and what is refused."""
import math
import random
from fractions import Fraction

import numpy as np
import pytest

INTEGERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


def column(values, extra="x"):
    """Two text columns, so that a line is never ambiguous: the values, and a constant."""
    return "".join("%s\t%s\n" % (v, extra) for v in values)


def load_column(tool, dtype, values, *args):
    return tool.load(column(values), "-t", "v:%s,s:S1" % dtype, *args)["v"]


def to_float32(number):
    """The float32 nearest to a Fraction, ties to even: one rounding, from the exact value."""
    limit = Fraction(2) ** 128 - Fraction(2) ** 103  # from here on IEEE rounds to infinity
    if abs(number) >= limit:
        return np.float32(math.inf if number > 0 else -math.inf)
    with np.errstate(over="ignore"):
        near = np.clip(np.float32(float(number)), np.finfo("f4").min, np.finfo("f4").max)
    with np.errstate(over="ignore"):
        around = [near, np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf))]
    around = [a for a in around if np.isfinite(a)]
    return min(around, key=lambda a: (abs(Fraction(float(a)) - number), int(a.view("u4")) & 1))


def decimal(text):
    """A spelling that shmload takes, as an exact Fraction."""
    for letter in "EdDqQ":
        text = text.replace(letter, "e")
    if "e" not in text:
        body = text.lstrip("+-")
        for sign in "+-":
            if sign in body:
                head, _, tail = body.partition(sign)
                text = text[: len(text) - len(body)] + head + "e" + sign + tail
    return Fraction(text if not text.startswith("+") else text[1:])


def same_bits(got, want):
    unsigned = "u%d" % got.dtype.itemsize
    np.testing.assert_array_equal(got.view(unsigned), np.asarray(want, got.dtype).view(unsigned))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_range(tool, dtype):
    info = np.iinfo(dtype)
    values = [info.min, info.min + 1, 0, 1, 9, 10, 99, 100, info.max - 1, info.max]
    texts = [str(v) for v in values] + ["+%d" % info.max, "000%d" % info.max, "-0", "+0", "007"]
    got = load_column(tool, dtype, texts)
    assert got.dtype == np.dtype(dtype)
    assert got.tolist() == values + [info.max, info.max, 0, 0, 7]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("side", ["below", "above", "far below", "far above"])
def test_integer_out_of_range(tool, dtype, side):
    info = np.iinfo(dtype)
    value = {"below": info.min - 1, "above": info.max + 1, "far below": -10 ** 40, "far above": 10 ** 40}[side]
    err = tool.refuse(column([1, value]), "-t", "v:%s,s:S1" % dtype)
    assert "in.txt:2:1: field 'v' (%s): " % dtype in err
    assert "out of range" in err


@pytest.mark.parametrize("text", ["2.0", "1e3", "abc", "+", "-", "--1", "1_000", "0x10", "1,5", "1-", "inf", "nan",
                                  "1d0", "12a",
                                  "\u0661", "1234567890123456789012x"])
@pytest.mark.parametrize("dtype", ["i1", "i4", "u8"])
def test_not_an_integer(tool, dtype, text):
    err = tool.refuse(column([1, 2, text]), "-t", "v:%s,s:S1" % dtype)
    assert "in.txt:3:1: field 'v' (%s): '%s' is not an integer" % (dtype, text) in err


FLOATS = ["0", "-0", "1", "+1", "-1", ".5", "5.", "-.5", "0.1", "0.3", "00012.50", "1e5", "1E+5", "1e-5", "1d5", "1D-5",
          "2.5q3",
          "2.5Q-3", "5.68-304", "1.0+5", "-7.25-3", "123456789012345678901234567890",
          "0.000000000000000000000000000001",
          "9007199254740993", "1.7976931348623157e308", "2.2250738585072014e-308", "2.2250738585072011e-308",
          "4.9e-324", "2.4703282292062328e-324", "1e-320", "1e-999", "-1e-999", "3.4028235e38", "3.4028236e38",
          "1.401298464324817e-45", "7.006492321624085e-46", "7.006492321624086e-46", "16777217", "16777219",
          "1.00000017881393432617187499", "1.00000017881393432617187500", "1.00000017881393432617187501",
          "0.1000000000000000055511151231257827021181583404541015625", "1e23", "8.5e22", "100.000000", "99.999999",
          "0" * 400 + "1.5", "1." + "0" * 800 + "1", "9" * 310 + "e-300"]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_float_spellings(tool, dtype):
    got = load_column(tool, dtype, FLOATS)
    exact = [decimal(t) for t in FLOATS]
    want = [to_float32(x) if dtype == "f4" else np.float64(float(x)) for x in exact]
    want = [np.copysign(w, -1) if t.startswith("-") else w for w, t in zip(want, FLOATS)]
    same_bits(got, np.array(want, dtype))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_float_extreme_exponents(tool, dtype):
    got = load_column(tool, dtype, ["0e999999999", "1e-99999999999999999999", "-1e-400", "1e99999999999999999999",
                                    "-1e999"])
    same_bits(got, np.array([0.0, 0.0, -0.0, np.inf, -np.inf], dtype))


def random_decimals(n, seed):
    rng = random.Random(seed)
    for _ in range(n):
        digits = "".join(rng.choice("0123456789") for _ in range(rng.choice([1, 3, 6, 9, 15, 17, 19, 20, 25, 40])))
        point = rng.randrange(len(digits) + 1)
        text = rng.choice(["", "-"]) + digits[:point] + rng.choice([".", "."]) + digits[point:]
        yield text + rng.choice(["", "", "e%d" % rng.randrange(-50, 50), "e%d" % rng.randrange(-330, 300)])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_float_random(tool, dtype):
    values = list(random_decimals(4000, 7))
    got = load_column(tool, dtype, values)
    if dtype == "f8":
        want = np.array([float(v) for v in values])
    else:
        want = np.array([to_float32(Fraction(v)) for v in values], "f4")
        want = np.where([v.startswith("-") for v in values], -np.abs(want), want)
    same_bits(got, want)


def test_float_midpoints(tool):
    """Halfway between two floats, and one digit to either side: the case that a second rounding gets wrong."""
    rng = np.random.default_rng(5)
    values, want = [], []
    for bits in rng.integers(0x00800000, 0x7f000000, 300, dtype="u4"):
        low, high = np.array([bits, bits + 1], "u4").view("f4")
        middle = (Fraction(float(low)) + Fraction(float(high))) / 2
        scale = 1
        while (middle * scale).denominator != 1:
            scale *= 10
        digits = str(int(middle * scale))
        exponent = -(len(str(scale)) - 1)
        values += ["%s0e%d" % (digits, exponent - 1), "%s1e%d" % (digits, exponent - 1),
                   "%s9e%d" % (int(digits) - 1, exponent - 1)]
        even = low if bits % 2 == 0 else high
        want += [even, high, low]
    same_bits(load_column(tool, "f4", values), np.array(want, "f4"))


def test_special_floats(tool):
    infinite = ["inf", "INF", "Inf", "infinity", "Infinity", "INFINITY", "+inf", "+Infinity"]
    values = infinite + ["-" + t.lstrip("+") for t in infinite] + ["nan", "NaN", "NAN", "+nan", "-nan"]
    for dtype in "f4", "f8":
        got = load_column(tool, dtype, values)
        assert (got[:8] == np.inf).all() and (got[8:16] == -np.inf).all() and np.isnan(got[16:]).all()


@pytest.mark.parametrize("text", ["0x10", "0x1p3", "nan(1)", "1.#INF", "1.#QNAN", "1e", "1e+", ".", "+", "-.", "e5",
                                  "1.2.3", "1,5", "--1",
                                  "1d", "infinit", "infinityx", "na", "nanx", "1_0.5", "5-304", "1e5.5", "****",
                                  "1.5x"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_not_a_number(tool, dtype, text):
    err = tool.refuse(column(["1.5", text]), "-t", "v:%s,s:S1" % dtype)
    assert "in.txt:2:1: field 'v' (%s): '%s' is not a number" % (dtype, text) in err


def test_overflow_is_said(tool):
    tool.write("in.txt", column(["1e39", "1e30", "-1e39"]))
    result = tool.ok("in.txt", "-o", "out.h5", "-t", "v:f4,s:S1")
    assert tool.read()["v"].tolist() == [np.inf, float(np.float32(1e30)), -np.inf]
    assert "inf" in result.err and "2" in result.err


def test_strings_keep_their_bytes(tool):
    words = ["a", "abcd", "\u00e9\u00e9", "x\u00a0y", "\u20ac.", "'\"'", "\\n", "-", "NA"]
    got = tool.load(column(words), "-t", "v:S4,s:S1")["v"]
    assert got.tolist() == [w.encode() for w in words]
    assert tool.load(b"\x80\xff\xfe x\n", "-t", "v:S4,s:S1")["v"].tolist() == [b"\x80\xff\xfe"]


def test_string_is_never_cut(tool):
    err = tool.refuse(column(["abcd", "abcde"]), "-t", "v:S4,s:S1")
    assert "in.txt:2:1: field 'v' (S4): 'abcde' " in err and "S4" in err


def test_nul_is_refused(tool):
    assert "in.txt:2:" in tool.refuse(b"1 x\n2 \0\n", "-t", "v:i4,s:S4")
    assert "in.txt:1:" in tool.refuse(b"1 x\0y\n", "-t", "v:i4,s:S4")


DTYPES = ["chr:S10,pos:i4,pct:f4,c:i4,t:i4", "a:i1,b:i2,c:i8,d:u1,e:u2,f:u4,g:u8,h:f8,i:S2", "a:<i4,b:>i4,c:>f8,d:>u2",
          "a:i4,v:(3)f4", "v:(2,2)i2,s:(2)S3", "S3,i4,f8", "[('a','<i4'),('v','<f4',(3,)),('s','S5')]"]


def numpy_dtype(text):
    if text.startswith("["):
        return np.dtype(eval(text))
    if ":" not in text:
        return np.dtype([("f%d" % i, t) for i, t in enumerate(text.split(","))])
    fields = []
    for part in text.replace(",2)", ";2)").split(","):
        name, kind = part.replace(";", ",").split(":")
        shape, _, kind = kind.rpartition(")")
        fields.append((name, kind, eval(shape + ",)")) if shape else (name, kind))
    return np.dtype(fields)


@pytest.mark.parametrize("text", DTYPES)
def test_dtype_comes_back(tool, text):
    dtype = numpy_dtype(text)
    n_columns = sum(int(np.prod(dtype[n].shape)) for n in dtype.names)
    got = tool.load("".join(" ".join(str(r + c) for c in range(n_columns)) + "\n" for r in (1, 5)), "-t", text)
    assert got.dtype == dtype
    flat = [[x for n in dtype.names for x in np.ravel(row[n]).tolist()] for row in got]
    assert [[int(x) for x in row] for row in flat] == [[r + c for c in range(n_columns)] for r in (1, 5)]


def test_dtype_from_file(tool):
    tool.write("my.dtype", "v:i2,\ns:S3\n")
    got = tool.load("7 abc\n", "-t", "@my.dtype")
    assert got.dtype == np.dtype([("v", "i2"), ("s", "S3")]) and got.tolist() == [(7, b"abc")]


@pytest.mark.parametrize("dtype", ["v:i3", "v:f2", "v:S", "v:S0", "v:", "v:i4,v:i4", "v:x4", "v:i4,,s:S1", ""])
def test_bad_dtype_is_a_wrong_command_line(tool, dtype):
    err = tool.refuse("1 x\n", "-t", dtype, status=2)
    assert err.startswith("shmload: ")
