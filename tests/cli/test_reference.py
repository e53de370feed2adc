"""Many small random files against reference.py: values bit by bit, bad lines by line, column and byte.

REFERENCE_SEEDS=FROM:TO in the environment tries other ones, for as long as one likes.
"""
import os
import random

import h5py
import numpy as np
import pytest

from reference import Setting, found_type, records, to_rows

FILES = 14
SEEDS = range(*map(int, os.environ.get("REFERENCE_SEEDS", "0:40").split(":")))
LETTERS = "abcdefghijXYZ0123456789_-.:/%'é "


class Maker:
    """Text for one setting, mostly sound."""

    def __init__(self, rng):
        self.rng = rng
        self.s = Setting(delimiter=rng.choice([b"", b"", b",", b"\t", b";"]))
        rng.random() < 0.3 and self.choose_comments()
        self.s.na = rng.choice([[b"NA"], [b"NA"], [b"-9999", b"NA"], [b"."], [b"-1.0", b"n/a"]])
        self.s.fill = rng.choice([None, None, -7, 0]) if self.s.delimiter != b";" else None
        self.typed = rng.random() < 0.6
        self.kinds = [self.choose_kind() for _ in range(rng.choice([1, 2, 3, 5, 9, 20]))]
        if self.s.delimiter == b"" and not self.typed and len(self.kinds) == 1:
            self.kinds.append("i4")
        self.names = ["c%d" % i for i in range(len(self.kinds))]
        has_number = any(k[0] != "S" for k in self.kinds)
        self.s.header = rng.choice(["no", "auto", "yes"] if has_number else ["no"])
        self.put_header = self.s.header == "yes" or (self.s.header == "auto" and rng.random() < 0.5)
        self.crlf = rng.random() < 0.25
        self.wild = rng.random() < 0.4
        if self.s.fill == -7 and self.typed and any(k[0] == "u" for k in self.kinds):
            self.s.fill = 7

    def choose_comments(self):
        self.s.comments = self.rng.choice([[], [b"%"], [b"//"], [b"#"], [b"%", b"!!"]])

    def choose_kind(self):
        kinds = ["i4", "i4", "f8", "f8", "S%d" % self.rng.randint(1, 12)]
        return self.rng.choice(kinds + ["f4", "f4", "i1", "i2", "i8", "u1", "u2", "u4", "u8"] if self.typed else kinds)

    def digits(self, n):
        return "".join(self.rng.choice("0123456789") for _ in range(n))

    def integer(self, kind):
        r = self.rng
        if r.random() < 0.15:
            info = np.iinfo(kind)
            return str(r.choice([info.min, info.max, 0, 1]) + r.choice([0, 0, 0, -1, 1]) * self.wild)
        return r.choice(["", "", "" if kind[0] == "u" else "-", "+"]) + self.digits(r.randint(1, 2 * int(kind[1:])))

    def decimal(self):
        r = self.rng
        text = r.choice(["", "", "-", "+"])
        form = r.randrange(9)
        if form == 0:
            return text + r.choice(["inf", "nan", "Infinity", "NaN", "INF"])
        if form == 1:
            return text + self.digits(r.randint(1, 5))
        text += self.digits(r.randint(0, 6)) + "." + self.digits(r.randint(1, r.choice([3, 9, 25])))
        if form == 2:
            text += r.choice("eEdDqQ") + r.choice(["", "-", "+"]) + str(r.randint(0, r.choice([9, 40, 330])))
        if form == 3 and self.typed:
            text += r.choice("+-") + str(r.randint(0, 320))
        if form == 4:
            text = "%.*g" % (r.randint(5, 17), r.uniform(-1, 1) * 10.0 ** r.randint(-45, 40))
        return text

    def string(self, bytes_):
        r = self.rng
        text = "".join(r.choice(LETTERS) for _ in range(r.randint(1, bytes_ + self.wild * (r.random() < 0.1))))
        while len(text.encode()) > bytes_ + self.wild:
            text = text[:-1]
        if r.random() < 0.15:
            inside = r.choice([text, text[:-2] + '""', text[:-1] + ",", text[:-1] + "\n", text[:-1] + "#"])
            return '"%s"' % inside
        text = text.replace(" ", "") if self.s.delimiter == b"" else text
        return text or "x"

    def sound(self, kind):
        if kind[0] == "S":
            return self.string(int(kind[1:]))
        return self.decimal() if kind[0] == "f" else self.integer(kind)

    def any_field(self, kind):
        r = self.rng
        if r.random() < 0.06:
            return r.choice(self.s.na + [b"-9999.0", b"-9999", b"-1"] + [b"NA"] * self.typed).decode()
        if r.random() < (0.06 if self.wild and self.typed else 0):
            return r.choice(["", "x", "1.5", "1e3", '""', '"', '"a"b', "0x10", "--1", "1_0", "\0", "a\rb", "#", "#x",
                             "99999999999999999999",
                             "1e", ".", "nan(1)", '"1" ', '"\n"', 'a"b', "\u0661", "%", "//x"])
        text = self.sound(kind)
        return '"%s"' % text if r.random() < 0.03 and not text.startswith('"') else text

    def line(self, sound):
        r = self.rng
        fields = [self.sound(k) if sound else self.any_field(k) for k in self.kinds]
        if not sound and r.random() < (0.06 if self.wild and self.typed else 0):
            fields = fields[:-1] if r.random() < 0.5 else fields + ["1"]
        if self.s.delimiter == b"":
            text = r.choice(["", "", " ", "\t "])
            text += "".join(f + r.choice([" ", " ", "\t", "  ", " \v\f"]) for f in fields)
            text = text if r.random() < 0.3 else text.rstrip()
        else:
            text = self.s.delimiter.decode().join(f if r.random() < 0.95 else " " + f + " " for f in fields)
        if r.random() < (0.05 if self.typed and not sound else 0):
            text += r.choice([" # note", "% note", "//n", " #", " !! z"])
        return text

    def between(self):
        return self.rng.choice(["", "  ", "# a comment", " \t", "#", "  # indented", "% c",
                                "//c"] if self.typed else ["", " ", "# a comment"])

    def text(self):
        r = self.rng
        end = "\r\n" if self.crlf else "\n"
        lines = []
        if self.put_header:
            lines.append((self.s.delimiter.decode() or " ").join(self.names))
        lines.append(self.line(True))
        for _ in range(r.choice([0, 2, 8, 30]) if self.typed else r.choice([2, 8, 30])):
            if r.random() < 0.06:
                lines.append(self.between())
            lines.append(self.line(False))
        text = "".join(line + (end if r.random() < 0.98 else "\r\r\n") for line in lines)
        if r.random() < 0.3:
            text = text.rstrip("\r\n")
        if r.random() < 0.1:
            text = "\ufeff" + text
        return text.encode()


def options(maker):
    s = maker.s
    out = ["-d", "blanks" if s.delimiter == b"" else s.delimiter.decode(), "--header", s.header, "--na",
           b",".join(s.na).decode()]
    out += ["--fill", str(s.fill)] if s.fill is not None else []
    if s.comments is not None:
        for mark in s.comments or [b""]:
            out += ["--comment", mark.decode()]
    if maker.typed:
        out += ["-t", ",".join("%s:%s" % nk for nk in zip(maker.names, maker.kinds))]
    return out


def found_kinds(maker, texts):
    """One schema for all files: each column's type from all its sound records."""
    n = len(maker.kinds)
    columns = [[] for _ in range(n)]
    for text in texts:
        rows = [r for r in records(text, maker.s, n) if not isinstance(r, tuple)][int(maker.put_header):]
        for row in rows:
            if len(row.fields) == n:
                for column, pair in zip(columns, row.fields):
                    column.append(pair)
    names = maker.names if maker.put_header else ["f%d" % i for i in range(n)]
    return [(name, found_type(maker.s, column)) for name, column in zip(names, columns)]


def rejects(tool):
    out = {}
    for line in tool.bytes_of("bad.tsv").split(b"\n")[1:]:
        words = line.split(b"\t", 5)
        if len(words) == 6:
            out.setdefault(words[0].decode(), []).append((int(words[1]), int(words[3]), int(words[2])))
    return out


@pytest.mark.parametrize("seed", SEEDS)
def test_random_files(tool, seed):
    rng = random.Random(seed)
    maker = Maker(rng)
    texts = [maker.text() for _ in range(FILES)]
    try:
        kinds = list(zip(maker.names, maker.kinds)) if maker.typed else found_kinds(maker, texts)
    except ValueError:
        pytest.skip("a column of integers that fit no type")
    names = [tool.write("f%d.txt" % i, text) for i, text in enumerate(texts)]
    result = tool.run(*names, "-o", "out.h5", "--max-errors", 10 ** 6, "--rejects", "bad.tsv", "-j",
                      rng.choice([1, 2, 3]), *options(maker),
                      env={"SHMLOAD_KERNEL": rng.choice(["", "", "scalar"])})
    assert result.status in (0, 3), (result, texts)
    refused = rejects(tool)
    with h5py.File(tool.path("out.h5"), "r") as f:
        for name, text in zip(names, texts):
            rows, bad = to_rows(text, maker.s, kinds, int(maker.put_header), len(kinds))
            got = f[name[:-4]][()]
            about = (seed, options(maker), name, text)
            assert refused.get(name, []) == [(b.line, b.column, b.offset) for b in bad], about
            assert got.dtype == rows.dtype, about
            assert got.tobytes() == rows.tobytes(), (about,
                                                     [(g, w) for g,
                                                      w in zip(got, rows) if g.tobytes() != w.tobytes()][:3])
    assert result.status == (3 if refused else 0)
