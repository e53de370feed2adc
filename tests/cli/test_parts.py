"""--part K/N and --join: what N runs make is what one run makes, and what is not all of one run is refused."""
import os
import re
import shutil

import h5py
import numpy as np
import pandas
import pytest
import tables

from conftest import same_rows

N = 8
ROWS = [9000, 1, 0, 70000, 12, 300, 4000, 2, 1, 800, 25000, 3]
HEADER = "chr pos x\n"
FILES = ["in%02d.txt" % i for i in range(len(ROWS))]


def text_of(n, seed):
    rng = np.random.default_rng(seed)
    pos, x = rng.integers(0, 2 ** 30, n), np.round(rng.random(n), 4)
    return HEADER + "".join("chr%d %d %r\n" % (seed + 1, p, float(v)) for p, v in zip(pos, x))


def parts_of(tool, n, *args, files=FILES, **more):
    """The n files that the parts make, in their order."""
    names = ["part%d.h5" % k for k in range(1, n + 1)]
    for k, name in enumerate(names, 1):
        tool.ok("--part", "%d/%d" % (k, n), *files, "-o", name, "-f", *args, **more)
    return names


def inputs_of(tool, name):
    with h5py.File(tool.path(name), "r") as f:
        return [row["dataset"].decode() for row in f["shmload_part/inputs"][()]]


def same_objects(a, b):
    """Everything in two files or groups, links followed."""
    assert sorted(a) == sorted(b) and sorted(a.attrs) == sorted(b.attrs)
    for name in a.attrs:
        assert a.attrs[name] == b.attrs[name] and type(a.attrs[name]) is type(b.attrs[name]), name
    for name in a:
        if isinstance(a[name], h5py.Group):
            same_objects(a[name], b[name])
            continue
        assert sorted(a[name].attrs) == sorted(b[name].attrs), name
        for key in a[name].attrs:
            assert a[name].attrs[key] == b[name].attrs[key], (name, key)
        assert a[name].dtype == b[name].dtype and a[name].shape == b[name].shape
        assert a[name][()].tobytes() == b[name][()].tobytes(), name


def expect_one_run(tool, parts, one="one.h5"):
    tool.ok("--join", *reversed(parts), "-o", "links.h5", "-f")
    tool.ok("--join", "--copy", *reversed(parts), "-o", "copy.h5", "-f")
    assert tool.bytes_of("copy.h5") == tool.bytes_of(one)
    with h5py.File(tool.path("links.h5"), "r") as f, h5py.File(tool.path(one), "r") as g:
        same_objects(f, g)


@pytest.fixture
def inputs(tool):
    for i, n in enumerate(ROWS):
        tool.write(FILES[i], text_of(n, i))
    return FILES


# ---- what N parts hold is what one run holds

OPTIONS = ["", "-z 1", "-z 4 --chunk 100", "--checksum --chunk 4K", "--layout chunked", "--columns", "--columns -z 1",
           "--columns --layout chunked --chunk 50", "--matrix --usecols pos,x", "--matrix --usecols 1,2 -z 2",
           "--concat all", "--concat g/all --source-column src", "--concat all -z 1", "--concat all -z 3 --chunk 100",
           "--concat all --columns", "--concat all --columns -z 1", "--concat all --matrix --usecols 1,2",
           "--concat all --layout chunked",
           "-g a/b --name-from path --attr zeta=1 --attr alpha=2.5 --attr site=x --units pos=bp --units x=1",
           "--columns --units pos=bp", "-t chr:S6,pos:i8,x:f4", "--na chr5 --fill pos=-1 --na pos=7,-9"]


@pytest.mark.parametrize("options", OPTIONS)
def test_parts_are_one_run(tool, inputs, options):
    tool.ok(*inputs, "-o", "one.h5", *options.split())
    expect_one_run(tool, parts_of(tool, N if len(options) < 10 else 3, *options.split()))


def test_zstd_needs_no_plugin(tool, inputs):
    tool.ok(*inputs, "-o", "one.h5", "-z", "zstd:1", "--chunk", "1000")
    parts = parts_of(tool, 3, "-z", "zstd:1", "--chunk", "1000")
    tool.ok("--join", "--copy", *parts, "-o", "copy.h5")
    assert tool.bytes_of("copy.h5") == tool.bytes_of("one.h5")


@pytest.mark.parametrize("n", [1, 2, 12, 15])
@pytest.mark.parametrize("options", ["", "--concat all -z 1"])
def test_any_number_of_parts(tool, inputs, n, options):
    tool.ok(*inputs, "-o", "one.h5", *options.split())
    parts = parts_of(tool, n, *options.split())
    expect_one_run(tool, parts)
    held = [inputs_of(tool, p) for p in parts]
    assert options or sum(held, []) == [f[:-4] for f in inputs]
    assert sum(map(len, held)) == len(inputs) and (n > len(inputs) or all(held))


def test_parts_are_balanced_by_size(tool):
    files = [tool.write("f%d.txt" % i, "12 34567\n" * n) for i,
             n in enumerate([500000, 100000, 100000, 100000, 100000, 100000])]
    held = [inputs_of(tool, p) for p in parts_of(tool, 2, files=files)]
    assert held == [["f0"], ["f1", "f2", "f3", "f4", "f5"]]


def test_jobs_and_memory_do_not_count(tool, inputs):
    tool.ok(*inputs, "-o", "one.h5", "--concat", "all", "-z", "1")
    tool.write("list", "\n".join(inputs))
    for k in 1, 2, 3:
        how = [["-j", "1", *inputs], ["--memory", "64M", "-v", *inputs], ["-T", "list"]][k - 1]
        tool.ok("--part", "%d/3" % k, "--concat", "all", "-z", "1", "-o", "part%d.h5" % k, *how)
    expect_one_run(tool, ["part1.h5", "part2.h5", "part3.h5"])


def test_compressed_inputs(tool, inputs):
    import gzip
    tool.write("in03.txt.gz", gzip.compress(tool.bytes_of("in03.txt")))
    files = [f + ".gz" if f == "in03.txt" else f for f in inputs]
    for options in [], ["--concat", "all"]:
        tool.ok(*files, "-o", "one.h5", "-f", *options)
        expect_one_run(tool, parts_of(tool, 5, *options, files=files))


def test_lent_headers_and_empty_inputs(tool):
    """A file with nothing but a header has it from its siblings, which are in another part; so has an empty file."""
    tool.write("a.txt", "name number\nx 1\n")
    tool.write("b.txt", "name number\n")
    tool.write("c.txt", "")
    tool.write("d.txt", "name number\nyy 2.5\n")
    files = ["a.txt", "b.txt", "c.txt", "d.txt"]
    tool.ok(*files, "-o", "one.h5")
    expect_one_run(tool, parts_of(tool, 4, files=files))
    assert tool.read("b", "links.h5").dtype == np.dtype([("name", "S2"), ("number", "<f8")])


def test_names_are_compared_over_all_inputs(tool, inputs):
    tool.write("other/in03.txt", "chr pos x\nchr1 1 1\n")
    for k in 1, 8:
        err = tool.run("--part", "%d/8" % k, *inputs, "other/in03.txt", "-o", "x.h5").err
        assert "would both be dataset 'in03'" in err


def test_a_part_is_a_file_of_its_own(tool, inputs):
    parts = parts_of(tool, N, "--concat", "all")
    tool.ok(*inputs, "-o", "one.h5", "--concat", "all")
    got = np.concatenate([tool.read("all", p) for p in parts])
    same_rows(got, tool.read("all", "one.h5"))
    for p in parts:
        index = tool.read("all_index", p)
        assert index["first_row"][0] == 0 and index["rows"].sum() == len(tool.read("all", p))
        with h5py.File(tool.path(p), "r") as f:
            head = f["shmload_part/inputs"].attrs
            assert head["parts"] == N and p == "part%d.h5" % head["part"]


# ---- values that no sample had

def hidden(first, odd):
    """Text whose one odd line is where no sample looks."""
    lines = [first] * 400000
    lines[130001] = odd
    return "\n".join(lines) + "\n"


@pytest.fixture
def wide(tool):
    tool.write("a.txt", hidden("abc 1 5", "abc 1 5"))
    tool.write("b.txt", hidden("abc 1 5", "abcdefghijk 1 5"))
    return ["a.txt", "b.txt"]


@pytest.mark.parametrize("options", [[], ["-z", "1"], ["--concat", "all"], ["--columns"]], ids=" ".join)
def test_a_copy_widens(tool, wide, options):
    tool.ok(*wide, "-o", "one.h5", *options)
    parts = parts_of(tool, 2, *options, files=wide)
    result = tool.run("--join", *parts, "-o", "all.h5")
    assert result.status == 1 and not tool.exists("all.h5")
    assert "'f0' is S3 in part1.h5 and S11 in part2.h5" in result.err and "join with --copy" in result.err
    tool.ok("--join", "--copy", *parts, "-o", "copy.h5")
    assert tool.bytes_of("copy.h5") == tool.bytes_of("one.h5")
    typed = parts_of(tool, 2, *options, *re.search(r"--dtype '(f0=S11\+)'", result.err).expand(r"-t \1").split(),
                     files=wide)
    tool.ok("--join", *typed, "-o", "links.h5")
    with h5py.File(tool.path("links.h5"), "r") as f, h5py.File(tool.path("one.h5"), "r") as g:
        same_objects(f, g)


@pytest.mark.parametrize("odd, word", [("abc 2.5 5", "f1=f8"), ("abc 1 x", "f2=S1+"),
                                       ("abcdefgh 2.5 x", "f0=S8+,f1=f8,f2=S1+"),
                                       ("abc 18446744073709551615 5", "f1=u8")])
def test_what_a_copy_cannot_widen(tool, odd, word):
    tool.write("a.txt", hidden("abc 1 5", "abc 1 5"))
    tool.write("b.txt", hidden("abc 1 5", odd))
    parts = parts_of(tool, 2, files=["a.txt", "b.txt"])
    for copy in [], ["--copy"]:
        result = tool.run("--join", *copy, *parts, "-o", "all.h5")
        assert result.status == 1 and not tool.exists("all.h5")
        assert "make all parts anew with --dtype '%s'" % word in result.err and "--copy" not in result.err
    tool.ok("a.txt", "b.txt", "-o", "one.h5")
    expect_one_run(tool, parts_of(tool, 2, "-t", word, files=["a.txt", "b.txt"]))


# ---- bad lines

def test_rejects(tool, inputs):
    bad = [3, 6, 10]
    for i in bad:
        tool.write(inputs[i], tool.bytes_of(inputs[i]) + b"chr1 oops 1\n")
    options = ["-t", "chr:S6,pos:i4,x:f8", "--max-errors"]
    assert tool.run(*inputs, "-o", "one.h5", *options, "3", "--rejects", "one.rej").status == 3
    kept = b""
    for k in range(1, N + 1):
        assert tool.run("--part", "%d/%d" % (k, N), *inputs, "-o", "part%d.h5" % k, *options, "3", "--rejects",
                        "%d.rej" % k).status in (0, 3)
        lines = tool.bytes_of("%d.rej" % k).splitlines(True)
        kept += b"".join(l for l in lines if b"oops" in l)
    assert kept == b"".join(l for l in tool.bytes_of("one.rej").splitlines(True) if b"oops" in l)
    assert kept.count(b"\n") == 3
    parts = ["part%d.h5" % k for k in range(1, N + 1)]
    for copy in [], ["--copy"]:
        assert tool.run("--join", *copy, *parts, "-o", "all.h5", "-f").status == 3
    assert tool.bytes_of("all.h5") == tool.bytes_of("one.h5")


@pytest.mark.parametrize("limit", ["2", "0.0005%"])
def test_bad_lines_are_counted_over_all_parts(tool, inputs, limit):
    for i in 0, 3, 10:
        tool.write(inputs[i], tool.bytes_of(inputs[i]) + b"chr1 oops 1\n")
    options = ["-t", "chr:S6,pos:i4,x:f8", "--max-errors", limit]
    done = [tool.run("--part", "%d/3" % k, *inputs, "-o", "part%d.h5" % k, *options).status for k in (1, 2, 3)]
    assert tool.run(*inputs, "-o", "one.h5", *options).status == 1
    if limit == "2":
        assert 1 not in done and 3 in done
        result = tool.run("--join", "part1.h5", "part2.h5", "part3.h5", "-o", "all.h5")
        assert result.status == 1 and "3 bad lines in all parts together" in result.err and not tool.exists("all.h5")
    else:
        assert 1 in done


# ---- what is refused

def test_part_numbers(tool, inputs):
    for word, says in [("0/8", "count from 1"), ("9/8", "no part 9 of 8"), ("/", "K/N"), ("3", "K/N"), ("1/0", "K/N"),
                       ("1.5/2", "K/N"), ("-1/2", "K/N")]:
        result = tool.run("--part", word, *inputs, "-o", "x.h5")
        assert result.status == 2 and says in result.err and not tool.exists("x.h5"), word
    assert "--array=1-8" in tool.run("--part", "0/8", *inputs, "-o", "x.h5").err


@pytest.mark.parametrize("args, says", [
    (["--part", "1/2", "-a"], "--append"), (["--join", "-a"], "--append and --join"), (["--copy"], "--join"),
    (["--join", "--part", "1/2"], "--part and --join"), (["--join", "-t", "i4"], "--dtype and --join"),
    (["--join", "--concat", "x"], "--concat and --join")])
def test_options_that_contradict(tool, inputs, args, says):
    result = tool.run(*args, *inputs, "-o", "x.h5")
    assert result.status == 2 and says in result.err and not tool.exists("x.h5")


def test_inputs_that_cannot_be_in_parts(tool):
    tool.write("shmload_part.txt", "1 2\n")
    os.mkfifo(tool.path("pipe"))
    for name, says in ("shmload_part.txt", "NAME=PATH"), ("pipe", "wants files"), ("-", "wants files"):
        result = tool.run("--part", "1/1", name, "-o", "x.h5", stdin=b"1 2\n")
        assert result.status == 1 and says in result.err and not tool.exists("x.h5")
    tool.ok("--part", "1/1", "other=shmload_part.txt", "-o", "x.h5")


def refused(tool, *args):
    before = {name: tool.bytes_of(name) for name in tool.files() if name.endswith(".h5")}
    for copy in [], ["--copy"]:
        result = tool.run("--join", *copy, *args)
        assert result.status == 1, result
        assert {name: tool.bytes_of(name) for name in tool.files() if name.endswith(".h5")} == before
        assert not [name for name in tool.files() if "tmp" in name]
    return result.err


def test_joins_that_are_refused(tool, inputs):
    parts = parts_of(tool, 3)
    out = ["-o", "all.h5"]
    err = refused(tool, "part1.h5", "part3.h5", *out)
    assert "part 2 of 3 is missing: name its file too, or make it by --part 2/3" in err
    assert "part 1 of 3 is missing, and 1 more" in refused(tool, "part2.h5", *out)
    shutil.copy(tool.path("part2.h5"), tool.path("again.h5"))
    assert "part2.h5 and again.h5 are both part 2 of 3" in refused(tool, *parts, "again.h5", *out)
    assert "both part 1" in refused(tool, *parts, "part1.h5", *out)

    tool.ok("--part", "2/3", *inputs, "-o", "options.h5", "-z", "1")
    err = refused(tool, "part1.h5", "options.h5", "part3.h5", *out)
    assert "part1.h5 and options.h5 were made with different options" in err
    tool.ok("--part", "2/3", *inputs[1:], "-o", "list.h5")
    assert "list.h5 are of different runs" in refused(tool, "part1.h5", "list.h5", "part3.h5", *out)
    tool.ok("--part", "2/4", *inputs, "-o", "four.h5")
    assert "one of 3 parts and four.h5 one of 4" in refused(tool, "part1.h5", "four.h5", "part3.h5", *out)
    tool.write(inputs[0], tool.bytes_of(inputs[0]) + b"chr1 1 1\n")
    tool.ok("--part", "3/3", *inputs, "-o", "changed.h5")
    assert "changed.h5 are of different runs" in refused(tool, "part1.h5", "part2.h5", "changed.h5", *out)

    tool.ok(inputs[0], "-o", "whole.h5")
    assert "whole.h5: this is no part" in refused(tool, *parts, "whole.h5", *out)
    assert "in00.txt: this is no HDF5 file" in refused(tool, *parts, "in00.txt", *out)
    with h5py.File(tool.path("alien.h5"), "w") as f:
        f["x"] = 1
    assert "alien.h5: this file was not made by shmload" in refused(tool, "alien.h5", *parts, *out)
    with h5py.File(tool.path("part2.h5"), "r+") as f:
        f.attrs["version"] = np.bytes_("0.0.1")
    assert "part2.h5: made by shmload 0.0.1" in refused(tool, *parts, *out)

    parts = parts_of(tool, 3)
    assert "nowhere.h5" in refused(tool, *parts, "nowhere.h5", *out)
    assert "is an input and the output" in refused(tool, *parts, "-o", "part1.h5", "-f")
    tool.ok("--join", *parts, *out)
    assert "exists; --force replaces it" in refused(tool, *parts, *out)
    tool.ok("--join", *parts, *out, "-f", "--copy")


def test_a_part_that_was_cut_off(tool, inputs):
    parts = parts_of(tool, 3)
    with open(tool.path("part2.h5"), "r+b") as f:
        f.truncate(len(tool.bytes_of("part2.h5")) // 2)
    assert "part2.h5" in refused(tool, *parts, "-o", "all.h5")


# ---- reading through the links

def test_a_folder_can_be_moved(tool, inputs):
    tool.ok(*inputs, "-o", "one.h5", "--concat", "all")
    os.makedirs(tool.path("run/100%b"))
    for i, options in enumerate([[], ["--concat", "all"]]):
        parts = parts_of(tool, 3, *options)
        for p in parts:
            os.rename(tool.path(p), tool.path("run/100%%b/%d%s" % (i, p)))
        tool.ok("--join", *["run/100%%b/%d%s" % (i, p) for p in parts], "-o", "run/all%d.h5" % i)
    os.makedirs(tool.path("elsewhere"))
    os.rename(tool.path("run"), tool.path("elsewhere/moved"))
    with h5py.File(tool.path("elsewhere/moved/all0.h5"), "r") as f:
        assert sorted(f) == [name[:-4] for name in inputs] and sum(len(f[name]) for name in f) == sum(ROWS)
    same_rows(tool.read("all", "elsewhere/moved/all1.h5"), tool.read("all", "one.h5"))


def test_parts_in_other_folders(tool, inputs):
    parts = parts_of(tool, 3)
    for i, p in enumerate(parts):
        os.makedirs(tool.path("node%d" % i))
        os.rename(tool.path(p), tool.path("node%d/part.h5" % i))
    os.makedirs(tool.path("out/deep"))
    tool.ok("--join", *[tool.path("node%d/part.h5" % i) for i in range(3)], "-o", "out/deep/all.h5")
    with h5py.File(tool.path("out/deep/all.h5"), "r") as f:
        assert f.get("in03", getlink=True).filename.startswith("../../node") and len(f["in03"]) == ROWS[3]


def test_other_readers(tool, inputs):
    parts = parts_of(tool, N)
    tool.ok("--join", *parts, "-o", "links.h5")
    with tables.open_file(tool.path("links.h5")) as f:
        assert f.root.in03().nrows == ROWS[3]
        same_rows(f.root.in03().read(), tool.read("in03", "links.h5"))
    parts = parts_of(tool, N, "--concat", "all")
    tool.ok("--join", *parts, "-o", "rows.h5")
    with tables.open_file(tool.path("rows.h5")) as f:
        assert f.root.all.nrows == sum(ROWS) and len(f.root.all.read_where("pos < 1000000")) > 0
    frame = pandas.read_hdf(tool.path("rows.h5"), "all")
    assert frame["pos"].sum() == tool.read("all", "rows.h5")["pos"].sum(dtype="i8") and len(frame) == sum(ROWS)
    with h5py.File(tool.path("rows.h5"), "r") as f:
        assert f["all"].is_virtual and len(f["all"].virtual_sources()) == N
        assert f["all"][8990:9010]["chr"].tolist() == [b"chr1"] * 10 + [b"chr2"] + [b"chr4"] * 9


def test_appending_to_a_copy(tool, inputs):
    parts = parts_of(tool, 3)
    tool.ok("--join", "--copy", *parts, "-o", "all.h5")
    tool.write("more.txt", "1 2\n")
    tool.ok("more.txt", "-o", "all.h5", "-a")
    with h5py.File(tool.path("all.h5"), "r") as f:
        assert len(f) == len(inputs) + 1


def test_verified_parts(tool, inputs):
    tool.ok(*inputs, "-o", "one.h5", "--concat", "all", "-z", "1")
    for k in range(1, N + 1):
        tool.ok("--part", "%d/%d" % (k, N), *inputs, "-o", "part%d.h5" % k, "--concat", "all", "-z", "1",
                *(["--verify"] if k % 2 else []))
    expect_one_run(tool, ["part%d.h5" % k for k in range(1, N + 1)])
    tool.ok("--part", "20/20", *inputs, "-o", "none.h5", "--verify")
