"""--append: datasets and rows added to a file, which stays as it was whatever happens."""
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest
import tables

from conftest import PROGRAM, children, same_rows

DTYPE = "chr:S5,pos:i4,x:f8"


def make_rows(n, seed):
    rng = np.random.default_rng(seed)
    rows = np.zeros(n, [("chr", "S5"), ("pos", "<i4"), ("x", "<f8")])
    rows["chr"] = np.char.add("chr", rng.integers(1, 23, n).astype(str)).astype("S5")
    rows["pos"] = rng.integers(-2 ** 31, 2 ** 31, n)
    rows["x"] = np.round(rng.random(n), 4)
    return rows


def text_of(rows):
    return "".join("%s %d %r\n" % (r["chr"].decode(), r["pos"], float(r["x"])) for r in rows)


SIZES = [90000, 1, 0, 70000]


@pytest.fixture
def parts(tool):
    parts = [make_rows(n, i) for i, n in enumerate(SIZES)]
    for i, rows in enumerate(parts):
        tool.write("in%d.txt" % i, text_of(rows))
    return parts


def digest(tool, name="out.h5"):
    return hashlib.sha256(tool.bytes_of(name)).hexdigest()


# ---- datasets

@pytest.mark.parametrize("options", [[], ["--layout", "chunked"], ["-z", "1"]], ids=" ".join)
def test_datasets(tool, parts, options):
    for i in 0, 1, 2, 3:
        tool.ok("in%d.txt" % i, "-o", "out.h5", "-a", "-t", DTYPE, *options)
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert sorted(f) == ["in0", "in1", "in2", "in3"]
        for i in range(4):
            same_rows(f["in%d" % i][()], parts[i])
    assert not [n for n in tool.files() if "tmp" in n]


def test_groups_columns_matrix_and_attributes_beside_what_is_there(tool, parts):
    tool.ok("in0.txt", "-o", "out.h5", "-t", DTYPE, "-g", "a/b", "--attr", "run=1", "--attr", "site=x")
    tool.ok("in1.txt", "in3.txt", "-o", "out.h5", "-t", DTYPE, "-g", "a/b", "-a", "--columns", "--attr", "run=2")
    tool.ok("in3.txt", "-o", "out.h5", "--matrix", "--usecols", "1,2", "-g", "m", "-a")
    with h5py.File(tool.path("out.h5"), "r") as f:
        same_rows(f["a/b/in0"][()], parts[0])
        np.testing.assert_array_equal(f["a/b/in3/x"][()], parts[3]["x"])
        np.testing.assert_array_equal(f["m/in3"][:, 1], parts[3]["x"])
        assert f.attrs["run"] == 2 and f.attrs["site"] in ("x", b"x") and f.attrs["program"] in ("shmload", b"shmload")


def test_contiguous_datasets_can_be_mapped_as_ever(tool, parts):
    tool.ok("in0.txt", "-o", "out.h5", "-t", DTYPE)
    tool.ok("in3.txt", "in1.txt", "-o", "out.h5", "-t", DTYPE, "-a", "--slice", "1M")
    with h5py.File(tool.path("out.h5"), "r") as f:
        for i in 0, 1, 3:
            d = f["in%d" % i]
            assert d.chunks is None and d.id.get_offset() % 4096 == 0
            same_rows(np.array(np.memmap(tool.path("out.h5"), d.dtype, "r", d.id.get_offset(), d.shape)), parts[i])


def test_names_that_are_taken(tool, parts):
    tool.ok("in0.txt", "g/x=in1.txt", "-o", "out.h5", "-t", DTYPE)
    before = digest(tool)
    for arguments, word in ((["in3.txt", "in0.txt"], "'in0' is there already"), (["g=in3.txt"], "'g' is there already"),
                            (["in0/y=in3.txt"], "needs a group"), (["in0.txt", "--columns"], "'in0' is there already"),
                            (["in3.txt", "--concat", "g"], "g"), (["in3.txt", "--concat", "in0"], "in0")):
        result = tool.run(*arguments, "-o", "out.h5", "-t", DTYPE, "-a")
        assert result.status == 1 and word in result.err and "out.h5" in result.err, result
        assert digest(tool) == before
    tool.ok("g/z=in3.txt", "-o", "out.h5", "-t", DTYPE, "-a")
    same_rows(tool.read("g/x"), parts[1])
    same_rows(tool.read("g/z"), parts[3])


# ---- rows

LAYOUTS = [[], ["-z", "1"], ["-z", "5", "--checksum"], ["--chunk", "1000"], ["--shuffle", "--chunk", "64K"]]


@pytest.mark.parametrize("first", LAYOUTS, ids=" ".join)
@pytest.mark.parametrize("shape", [[], ["--columns"], ["--matrix", "--usecols", "1,2"]], ids=" ".join)
def test_rows(tool, parts, shape, first):
    """Four times, and the options of later times do not matter: the chunks are as they are."""
    source = [] if "--matrix" in shape else ["--source-column", "from"]
    dtype = ["-t", "f8"] if "--matrix" in shape else ["-t", DTYPE]
    for i, more in enumerate((first, [], ["-z", "9"], ["--slice", "1M"])):
        tool.ok("in%d.txt" % i, "-o", "out.h5", "-a", "--concat", "g/all", *dtype, *shape, *source, *more)
    want = np.concatenate(parts)
    with h5py.File(tool.path("out.h5"), "r") as f:
        index = f["g/all_index"][()]
        assert index["input"].tolist() == [b"in%d.txt" % i for i in range(4)]
        assert index["rows"].tolist() == SIZES and index["first_row"].tolist() == [0, 90000, 90001, 90001]
        d = f["g/all"]
        assert d.attrs["rows"] == len(want) and d.attrs["source_bytes"] == sum(len(text_of(p)) for p in parts)
        if shape:
            assert "NROWS" not in d.attrs
        else:
            assert d.attrs["NROWS"] == len(want)
        if "--matrix" in shape:
            np.testing.assert_array_equal(d[()], np.stack([want["pos"], want["x"]], 1))
        else:
            for name in want.dtype.names:
                np.testing.assert_array_equal(d[name][()], want[name])
            np.testing.assert_array_equal(d["from"][()], np.repeat(np.arange(4), SIZES))
        one = d["pos"] if "--columns" in shape else d
        assert (one.compression is not None) == ("-z" in first) and one.fletcher32 == ("--checksum" in first)


def test_all_at_once_is_no_other_dataset(tool, parts):
    """Chunk by chunk the same bytes as when all inputs were loaded in one run."""
    names = ["in%d.txt" % i for i in range(4)]
    for name in names:
        tool.ok(name, "-o", "grown.h5", "-a", "--concat", "all", "-t", DTYPE, "-z", "3", "--chunk", "4096")
    tool.ok(*names, "-o", "once.h5", "--concat", "all", "-t", DTYPE, "-z", "3", "--chunk", "4096")
    with h5py.File(tool.path("grown.h5"), "r") as a, h5py.File(tool.path("once.h5"), "r") as b:
        assert a["all"].shape == b["all"].shape
        for row in range(0, a["all"].shape[0], 4096):
            assert a["all"].id.read_direct_chunk((row,)) == b["all"].id.read_direct_chunk((row,))
    if shutil.which("h5diff"):
        assert subprocess.run(["h5diff", "-c", "grown.h5", "once.h5"], cwd=tool.folder).returncode == 0


@pytest.mark.parametrize("options", [[], ["-z", "2"], ["-z", "2", "--columns"]], ids=" ".join)
def test_same_bytes_however_cut(tool, parts, options):
    tool.ok("in0.txt", "-o", "base.h5", "--concat", "all", "-a", "-t", DTYPE, "--source-column", "s", *options)
    made = set()
    for cut in ["-j", "1"], ["-j", "2", "--slice", "1M"], ["-j", "7", "--slice", "1M"], ["--memory", "32M"]:
        shutil.copy(tool.path("base.h5"), tool.path("out.h5"))
        tool.ok("in3.txt", "in1.txt", "in0.txt", "-o", "out.h5", "--concat", "all", "-a", "-t", DTYPE,
                "--source-column", "s",
                *[o for o in options if o == "--columns"], *cut)
        made.add(digest(tool))
    assert len(made) == 1
    with tables.open_file(tool.path("out.h5")) as f:
        if not options or "--columns" not in options:
            np.testing.assert_array_equal(f.root.all.read_where("s == 1")["pos"], parts[3]["pos"])


def test_longer_source_names(tool, parts):
    os.makedirs(tool.path("a/long/way"))
    shutil.copy(tool.path("in1.txt"), tool.path("a/long/way/in1.txt"))
    tool.ok("in0.txt", "-o", "out.h5", "-a", "--concat", "all", "-t", DTYPE)
    tool.ok("a/long/way/in1.txt", "-o", "out.h5", "-a", "--concat", "all", "-t", DTYPE)
    assert tool.read("all_index")["input"].tolist() == [b"in0.txt", b"a/long/way/in1.txt"]


@pytest.mark.parametrize("arguments, words", [
    (["-t", "chr:S5,pos:i8,x:f8"], ["chr:S5,pos:i4,x:f8", "chr:S5,pos:i8,x:f8"]),
    (["-t", "chr:S5,p:i4,x:f8"], ["chr:S5,pos:i4,x:f8"]),
    (["-t", "chr:S6,pos:i4,x:f8"], ["chr:S5,pos:i4,x:f8", "chr:S6"]),
    (["-t", "chr:S5,pos:i4"], ["chr:S5,pos:i4,x:f8", "chr:S5,pos:i4:"]),
    (["-t", DTYPE, "--source-column", "s"], ["s:u4"]), (["-t", DTYPE, "--columns"], ["no group"]),
    (["--matrix", "--usecols", "1,2"], ["type"]),
])
def test_other_types(tool, parts, arguments, words):
    tool.ok("in0.txt", "-o", "out.h5", "-a", "--concat", "all", "-t", DTYPE)
    before = digest(tool)
    if arguments == ["-t", "chr:S5,pos:i4"]:
        tool.write("in1.txt", "a 1\n")
    result = tool.run("in1.txt", "-o", "out.h5", "-a", "--concat", "all", *arguments)
    assert result.status == 1 and all(w in result.err for w in words), result
    assert digest(tool) == before and not [n for n in tool.files() if n.startswith(".")]


@pytest.mark.parametrize("text, cure", [
    ("a c\n3 4\n", ["--names", "a,b"]), ("b a\n4 3\n", ["--usecols", "a,b"]), ("a x b\n3 x 4\n", ["--usecols", "a,b"]),
    ("a b\n3 4.5\n", ["--dtype"]), ("a c d\n3 4 5\n", ["--concat", "NAME"]),
])
def test_the_cure_of_other_columns(tool, text, cure):
    tool.write("one.txt", "a b\n1 2\n")
    tool.write("two.txt", text)
    tool.ok("one.txt", "-o", "out.h5", "-a", "--concat", "all")
    err = tool.run("two.txt", "-o", "out.h5", "-a", "--concat", "all").err
    assert " ".join(cure) in err.replace("'", "") and ("give their types" in err) == (cure == ["--dtype"])
    if cure[-1] == "a,b":
        tool.ok("two.txt", "-o", "out.h5", "-a", "--concat", "all", *cure)
        assert tool.read("all").tolist() == [(1, 2), (3, 4)]


def test_inputs_that_are_there_already(tool):
    """Their rows are added again, as asked for, but not without a word."""
    names = [tool.write("day%d.txt" % i, "%d 2\n" % i) for i in range(4)]
    add = ["-o", "out.h5", "-a", "--concat", "all"]
    assert "again" not in tool.ok(*names[:2], *add).err and "again" not in tool.ok(names[2], *add).err
    assert "rows of 'day1.txt' are there already, and are added again" in tool.ok("x=day1.txt", "day3.txt", *add).err
    assert "rows of 'day0.txt' and 3 more inputs are there already" in tool.ok("-n", *names, *add).err
    assert len(tool.read("all")) == 5
    tool.ok("a=-", *add, stdin=b"1 2\n")
    assert "again" not in tool.ok("b=-", *add, stdin=b"1 2\n").err


def test_what_cannot_grow(tool, parts):
    tool.ok("in0.txt", "-o", "out.h5", "--concat", "all", "-t", DTYPE)
    err = tool.run("in1.txt", "-o", "out.h5", "-a", "--concat", "all", "-t", DTYPE).err
    assert "--layout chunked" in err and "'all'" in err
    tool.ok("in0.txt", "-o", "out.h5", "-f", "-t", DTYPE, "-z", "1")
    assert "not made by --concat" in tool.run("in1.txt", "-o", "out.h5", "-a", "--concat", "in0", "-t", DTYPE).err
    tool.ok("in0.txt", "-o", "out.h5", "-f", "-t", DTYPE, "-z", "1", "--concat", "all")
    with tables.open_file(tool.path("out.h5"), "a") as f:
        f.root.all.append(parts[3][:10])
    assert "does not account" in tool.run("in1.txt", "-o", "out.h5", "-a", "--concat", "all", "-t", DTYPE).err


def test_matrix_of_other_columns(tool):
    tool.write("a.txt", "x y\n1 2\n")
    tool.write("b.txt", "y x\n1 2\n")
    tool.write("c.txt", "x y z\n1 2 3\n")
    tool.ok("a.txt", "-o", "out.h5", "-a", "--matrix", "--concat", "all")
    assert "names" in tool.run("b.txt", "-o", "out.h5", "-a", "--matrix", "--concat", "all").err
    assert "(3)i4" in tool.run("c.txt", "-o", "out.h5", "-a", "--matrix", "--concat", "all").err
    tool.ok("a.txt", "-o", "out.h5", "-a", "--matrix", "--concat", "all")
    assert tool.read("all").tolist() == [[1, 2], [1, 2]]


def test_filters_that_are_not_ours(tool, parts):
    with h5py.File(tool.path("out.h5"), "w") as f:
        f.attrs["program"] = np.bytes_("shmload")
        f.create_dataset("all", data=parts[0], maxshape=(None,), compression="lzf")
    assert "filters" in tool.run("in1.txt", "-o", "out.h5", "-a", "--concat", "all", "-t", DTYPE).err


# ---- all or nothing

def test_files_that_are_not_ours(tool, parts):
    tool.write("out.h5", "no HDF5")
    assert "HDF5" in tool.run("in0.txt", "-o", "out.h5", "-a").err and tool.bytes_of("out.h5") == b"no HDF5"
    with h5py.File(tool.path("other.h5"), "w") as f:
        f["x"] = 1
    before = digest(tool, "other.h5")
    assert "not made by shmload" in tool.run("in0.txt", "-o", "other.h5", "-a").err
    assert digest(tool, "other.h5") == before
    assert tool.run("in0.txt", "-o", "other.h5", "-a", "-f").status == 2


def test_bad_line_leaves_it_as_it_was(tool, parts):
    tool.ok("in0.txt", "-o", "out.h5", "-a", "--concat", "all", "-t", DTYPE)
    tool.write("bad.txt", text_of(parts[3]) + "x\n")
    before, files = digest(tool), tool.files()
    for arguments in ["--concat", "all"], []:
        assert tool.run("in3.txt", "bad.txt", "-o", "out.h5", "-a", "-t", DTYPE, *arguments).status == 1
        assert digest(tool) == before and tool.files() == files


def test_disk_full_leaves_it_as_it_was(tool, parts):
    tool.ok("in0.txt", "-o", "out.h5", "-a", "--concat", "all", "-t", DTYPE)
    before, files = digest(tool), tool.files()
    for limit in 100_000, 1_700_000, 2_500_000:
        def limited():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        result = tool.run("in3.txt", "in1.txt", "-o", "out.h5", "-a", "--concat", "all", "-t", DTYPE,
                          preexec_fn=limited, restore_signals=False)
        assert result.status == 1 and result.err, result
        assert digest(tool) == before and tool.files() == files


@pytest.mark.parametrize("signal_no", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_killed_leaves_it_as_it_was(tool, parts, signal_no):
    tool.ok("in0.txt", "-o", "out.h5", "-a", "--concat", "all", "-t", DTYPE)
    before = digest(tool)
    os.mkfifo(tool.path("pipe"))
    run = subprocess.Popen([PROGRAM, "in3.txt", "pipe", "-o", "out.h5", "-a", "--concat", "all", "-t", DTYPE, "-q"],
                           cwd=tool.folder)
    with open(tool.path("pipe"), "w") as f:
        f.write(text_of(parts[1]) * 1000)
        f.flush()
        run.send_signal(signal_no)
        run.wait(30)
    assert run.returncode == -signal_no and digest(tool) == before
    os.unlink(tool.path("pipe"))
    tool.ok("in3.txt", "-o", "out.h5", "-a", "--concat", "all", "-t", DTYPE)
    assert len(tool.read("all")) == 160000 and not [n for n in tool.files() if n.startswith(".")]


def test_changed_meanwhile(tool, parts):
    """What another program puts into the file while we work must not be lost."""
    tool.ok("in0.txt", "-o", "out.h5", "-a", "-t", DTYPE)
    os.mkfifo(tool.path("pipe"))
    run = subprocess.Popen([PROGRAM, "p=pipe", "-o", "out.h5", "-a", "-t", DTYPE], cwd=tool.folder,
                           stderr=subprocess.PIPE)
    with open(tool.path("pipe"), "w") as f:
        f.write(text_of(parts[3]))
        f.flush()
        while not children(run.pid):
            time.sleep(0.01)
        tool.ok("in3.txt", "-o", "out.h5", "-a", "-t", DTYPE)
    err = run.communicate(timeout=30)[1].decode()
    assert run.returncode == 1 and "has changed meanwhile" in err
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert sorted(f) == ["in0", "in3"]


def test_permissions_stay_and_links_are_followed(tool, parts):
    tool.ok("in0.txt", "-o", "out.h5", "-t", DTYPE)
    os.chmod(tool.path("out.h5"), 0o640)
    os.symlink("out.h5", tool.path("link.h5"))
    tool.ok("in1.txt", "-o", "link.h5", "-a", "-t", DTYPE)
    assert os.path.islink(tool.path("link.h5")) and os.stat(tool.path("out.h5")).st_mode & 0o777 == 0o640
    assert len(tool.read("in1")) == 1


def test_dry_run_tells_trouble_and_writes_nothing(tool, parts):
    tool.ok("in0.txt", "-o", "out.h5", "-t", DTYPE)
    before = digest(tool)
    assert tool.run("-n", "in0.txt", "-o", "out.h5", "-a", "-t", DTYPE).status == 1
    tool.ok("-n", "in1.txt", "-o", "out.h5", "-a", "-t", DTYPE)
    assert digest(tool) == before


def test_a_guess_that_does_not_hold(tool, parts):
    tool.ok("in0.txt", "-o", "out.h5", "-t", DTYPE)
    lines = ["%d" % i for i in range(400000)]
    lines[123456] = "1.5"
    tool.write("late.txt", "\n".join(lines) + "\n")
    tool.ok("late.txt", "-o", "out.h5", "-a")
    assert tool.read("late")["f0"][123456] == 1.5
    same_rows(tool.read("in0"), parts[0])
