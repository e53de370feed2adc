"""reference.py - what a text means, said again from the promises alone: slow, strict, and no look at the C code.

read(text, setting) gives the file's names, its records as fields of bytes, and its bad lines; table(files, setting)
turns the records of files that share a schema into one numpy array each. Python's own int, float and Fraction
make the values.
"""
import re
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

BLANKS = b" \t\v\f"
INTEGER = re.compile(rb"[+-]?[0-9]+\Z")
DECIMAL = re.compile(rb"([+-]?)(?:([0-9]+)(\.?)([0-9]*)|(\.)([0-9]+))(?:([eEdDqQ])([+-]?[0-9]+)|([+-][0-9]+))?\Z")
SPECIAL = re.compile(rb"[+-]?(inf|infinity|nan)\Z", re.IGNORECASE)


@dataclass
class Setting:
    """The options that matter for the values."""
    delimiter: bytes = b""             # b"": runs of blanks
    comments: list = None              # None: the default rule for '#'; else marks
    header: str = "no"
    dtype: list = None                 # of (name, type); None: to be found
    na: list = field(default_factory=lambda: [b"NA"])
    fill: int = None
    usecols: list = None


@dataclass
class Bad:
    line: int
    column: int
    offset: int


@dataclass
class Record:
    line: int
    offset: int
    fields: list                       # (text, whole text with what may be a comment behind a number, line)


class Wrong(Exception):
    def __init__(self, line, column, unclosed=False):
        self.line, self.column, self.unclosed = line, column, unclosed


# ---- numbers -------------------------------------------------------------------------------------------------------

def is_decimal(text):
    m = DECIMAL.match(text)
    return m is not None and (m[9] is None or bool(m[3] or m[5]))  # a letterless exponent needs a point


def is_number(text):
    return is_decimal(text) or SPECIAL.match(text) is not None


def is_likely(text):
    """A letterless exponent of other than three digits is text where types are found."""
    m = DECIMAL.match(text)
    return m is None or m[9] is None or len(m[9]) == 4


def exact(text):
    m = DECIMAL.match(text)
    digits, fraction = (m[2] or b"") + (m[4] or m[6] or b""), len(m[4] or m[6] or b"")
    exponent = int(m[8] or m[9] or 0) - fraction
    number = int(digits) * Fraction(10) ** exponent
    return -number if m[1] == b"-" else number


def nearest(number, kind):
    """One rounding from the exact value, ties to even; from half a step beyond the largest on, infinity."""
    if number == 0:
        return kind(0)
    bits, least = (24, -149) if kind is np.float32 else (53, -1074)
    size, top = abs(number), (128 if kind is np.float32 else 1024)
    power = size.numerator.bit_length() - size.denominator.bit_length() - bits
    power += size / Fraction(2) ** power >= 2 ** bits
    power = max(power, least)
    steps = size / Fraction(2) ** power
    if steps < 2 ** (bits - 1) and power > least:
        power -= 1
        steps *= 2
    whole = round(steps)  # Fraction rounds half to even
    if whole * Fraction(2) ** power >= Fraction(2) ** top:
        value = np.inf
    else:
        value = float(whole * Fraction(2) ** power)  # exact
    return kind(value if number > 0 else -value)


def to_float(text, kind):
    if SPECIAL.match(text):
        return kind(text.decode())
    value = nearest(exact(text), kind)
    return np.copysign(value, kind(-1)) if text.startswith(b"-") else value


# ---- lines to fields -----------------------------------------------------------------------------------------------

class Splitter:
    """The records of one text."""

    def __init__(self, text, setting, n_columns, strings):
        self.text, self.s = text, setting
        self.n_columns = n_columns     # where a default '#' comment may stand; None: not known
        self.strings = strings         # numbers of text columns that are strings
        self.at = 3 if text.startswith(b"\xef\xbb\xbf") else 0
        self.line = 1

    def line_end(self, at):
        """Content and whole line end."""
        lf = self.text.find(b"\n", at)
        content, after = (lf, lf + 1) if lf >= 0 else (len(self.text),) * 2
        while content > at and self.text[content - 1:content] == b"\r":
            content -= 1
        return content, after

    def line_of(self, at):
        return self.line + self.text.count(b"\n", self.begin, at)

    def is_blank(self, c):
        return c != b"" and c in BLANKS and c != self.s.delimiter

    def marked(self, at, end, bounds):
        rest = self.text[at:end]
        if self.s.comments is None:
            return bounds and rest.startswith(b"#")
        return any(rest.startswith(m) for m in self.s.comments)

    def plain(self, start, end, n_fields):
        """Neither NUL nor CR may stand in plain text."""
        if b"\0" in self.text[start:end] or b"\r" in self.text[start:end]:
            raise Wrong(self.line_of(start), n_fields + 1)
        return self.text[start:end]

    def quoted(self, at, n_fields):
        """The field whose quote is at 'at', and where it ends."""
        line = self.line_of(at)
        end = at + 1
        while True:
            end = self.text.find(b'"', end)
            if end < 0:
                raise Wrong(line, n_fields + 1, unclosed=True)
            if self.text[end + 1:end + 2] != b'"':
                break
            end += 2
        inside = self.text[at + 1:end].replace(b'""', b'"')
        end += 1
        if end > self.content:
            self.content, self.after = self.line_end(end)
        if b"\0" in inside:
            raise Wrong(line, n_fields + 1)
        return inside, end, line

    def __iter__(self):
        while self.at < len(self.text):
            self.begin = self.at
            self.content, self.after = self.line_end(self.at)
            first_after = self.after
            try:
                fields = self.split()
                if fields is not None:
                    yield Record(self.line, self.begin, fields)
            except Wrong as wrong:
                if wrong.unclosed: # what follows may be sound: only the line where the record began is given up
                    self.after = first_after
                yield wrong, self.begin
            self.line += self.text.count(b"\n", self.begin, self.after)
            self.at = self.after

    def split(self):
        at = self.begin
        while at < self.content and self.is_blank(self.text[at:at + 1]):
            at += 1
        if at == self.content or self.marked(at, self.content, True):
            self.plain(at, self.content, 0)
            return None
        return self.split_blanks(at) if self.s.delimiter == b"" else self.split_delimited(self.begin)

    def split_blanks(self, at):
        fields = []
        while True:
            while at < self.content and self.is_blank(self.text[at:at + 1]):
                at += 1
            if at == self.content or self.marked(at, self.content, len(fields) in (0, self.n_columns)):
                self.plain(at, self.content, len(fields))
                return fields
            if self.text[at:at + 1] == b'"':
                inside, at, line = self.quoted(at, len(fields))
                c = self.text[at:at + 1]
                if at < self.content and not self.is_blank(c) and not (
                        self.s.comments and self.marked(at, self.content, False)):
                    raise Wrong(line, len(fields) + 1)
                fields.append((inside, inside, line))
                continue
            start = at
            while at < self.content and not self.is_blank(self.text[at:at + 1]) and not self.marked(
                    at, self.content, False):
                at += 1
            text = self.plain(start, at, len(fields))
            fields.append((text, text, self.line_of(start)))

    def split_delimited(self, at):
        fields = []
        while True:
            if self.text[at:at + 1] == b'"' and at < self.content:
                inside, at, line = self.quoted(at, len(fields))
                closed = at
                while at < self.content and self.is_blank(self.text[at:at + 1]):
                    at += 1
                if at < self.content and self.text[at:at + 1] != self.s.delimiter and not self.marked(
                        at, self.content, len(fields) + 1 == self.n_columns and at > closed):
                    raise Wrong(line, len(fields) + 1)
                fields.append((inside, inside, line))
                if at == self.content or self.text[at:at + 1] != self.s.delimiter:
                    self.plain(at, self.content, len(fields))
                    return fields
            else:
                start = at
                while at < self.content and self.text[at:at + 1] != self.s.delimiter and not self.marked(
                        at, self.content, False):
                    at += 1
                text = self.plain(start, at, len(fields))
                fields.append((self.without_comment(text, len(fields)) if at == self.content else text, text,
                               self.line_of(start)))
                if at == self.content or self.text[at:at + 1] != self.s.delimiter:
                    self.plain(at, self.content, len(fields))
                    return fields
            at += 1

    def without_comment(self, text, column):
        """Behind a number in the last column, a blank and '#' begin a comment; in a string they are data."""
        hash_at = text.find(b"#")
        if self.s.comments is not None or column + 1 != self.n_columns or column in self.strings:
            return text
        if hash_at < 1 or text[hash_at - 1:hash_at] not in (b" ", b"\t", b"\v", b"\f"):
            return text
        return text[:hash_at] if is_number(text[:hash_at].strip(BLANKS)) else text


def records(text, setting, n_columns=None, strings=()):
    return list(Splitter(text, setting, n_columns, strings))


# ---- fields to values ----------------------------------------------------------------------------------------------

def is_missing(setting, text, number_column):
    if text == b"" and (setting.delimiter != b"" or b"" in setting.na):
        return True
    if text in setting.na and text != b"":
        return True
    if not number_column or not is_decimal(text):
        return False
    return any(is_decimal(token) and exact(token) == exact(text) for token in setting.na)


def value(setting, kind, text):
    """The value of one field, or None: it cannot be had."""
    kind = np.dtype(kind)
    if kind.kind == "S":
        return text if len(text) <= kind.itemsize else None
    text = text.strip(BLANKS)
    missing = is_missing(setting, text, True)
    if missing and setting.fill is not None:
        return kind.type(setting.fill)
    if kind.kind == "f":
        if missing:
            return kind.type("nan")
        return to_float(text, kind.type) if is_number(text) else None
    if not INTEGER.match(text):
        return None
    info = np.iinfo(kind)
    return int(text) if info.min <= int(text) <= info.max else None


def found_type(setting, texts):
    """The narrowest type for all fields of one column."""
    words, numbers, missing, decimal = False, [], False, False
    for text, *_ in texts:
        text = text.strip(BLANKS)
        is_word = not (is_number(text) and is_likely(text))
        if (is_word or SPECIAL.match(text)) and is_missing(setting, text, False):
            missing = True
        elif is_word:
            words = True
        elif INTEGER.match(text):
            numbers.append(int(text))
        else:
            decimal = True
    if words:
        return "S%d" % max(1, max(len(whole) for _, whole, _ in texts))
    if missing and setting.fill is None and max(map(abs, numbers), default=0) > 2 ** 53:
        raise ValueError("integers that f8 would round")
    if decimal or not numbers or (missing and setting.fill is None):
        return "f8"
    for kind in "i4", "i8", "u8":
        if np.iinfo(kind).min <= min(numbers) and max(numbers) <= np.iinfo(kind).max:
            return kind
    raise ValueError("integers that fit no type")


# ---- files ---------------------------------------------------------------------------------------------------------

def strings_of(setting, kinds):
    columns = setting.usecols or range(len(kinds))
    return {c for c, (_, kind) in zip(columns, kinds) if np.dtype(kind).kind == "S"}


def wanted(setting, fields, n):
    """The fields for the columns wanted, or the number of the column that is not there or too many."""
    if setting.usecols is None:
        return fields if len(fields) == n else min(len(fields), n) + 1
    chosen = []
    for column in setting.usecols:
        if not -len(fields) <= column < len(fields):
            return len(fields) + 1
        chosen.append(fields[column])
    return chosen


def to_rows(text, setting, kinds, skip, n_columns):
    """Rows and bad lines of one text. skip: records that are the header."""
    rows, bad = [], []
    for item in records(text, setting, n_columns, strings_of(setting, kinds)):
        if isinstance(item, tuple):
            bad.append(Bad(item[0].line, item[0].column, item[1]))
            continue
        if skip > 0:
            skip -= 1
            continue
        fields = wanted(setting, item.fields, len(kinds))
        if isinstance(fields, int):
            bad.append(Bad(item.line, fields, item.offset))
            continue
        values = [value(setting, kind, whole if np.dtype(kind).kind == "S" else text)
                  for (_, kind), (text, whole, _) in zip(kinds, fields)]
        wrong = [i for i, v in enumerate(values) if v is None]
        if wrong:
            column = setting.usecols[wrong[0]] if setting.usecols else wrong[0]
            bad.append(Bad(fields[wrong[0]][2], column % len(item.fields) + 1, item.offset))
        else:
            rows.append(tuple(values))
    return np.array(rows, np.dtype([(n, k) for n, k in kinds])), bad
