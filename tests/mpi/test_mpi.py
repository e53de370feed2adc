"""test_mpi.py - several ranks make the file that one machine makes, or none.

SHMLOAD names the plain program, SHMLOAD_MPI the one to test, MPIRUN the command that starts ranks and takes -n.
"""
import glob
import gzip
import os
import random
import shlex
import signal
import subprocess
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLAIN = os.path.abspath(os.environ.get("SHMLOAD") or os.path.join(ROOT, "build", "shmload"))
PARALLEL = os.path.abspath(os.environ.get("SHMLOAD_MPI") or os.path.join(ROOT, "build", "mpi", "shmload-mpi"))
MPIRUN = shlex.split(os.environ.get("MPIRUN") or "mpirun --allow-run-as-root --oversubscribe -q")
LIMIT = 120


def rows(n, seed=1):
    r = random.Random(seed)
    return "".join("chr%d\t%d\t%.3f\t%d\n" % (i % 22, i * 7, r.random() * 100, i % 13) for i in range(n))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Inputs of several slices, one more than all others together, and one that is empty."""
    folder = tmp_path_factory.mktemp("data")
    for k in range(5):
        (folder / ("a%d.txt" % k)).write_text(rows(5000 + 997 * k, k))
    (folder / "large.txt").write_text(rows(400000))
    (folder / "empty.txt").write_text("")
    for k in range(2):
        (folder / ("g%d.txt.gz" % k)).write_bytes(gzip.compress(rows(30000, 10 + k).encode()))
    late = rows(60000, 20).split("\n")
    late[50000] = "chr1\t30000000000\t1.5\tmany"
    (folder / "late.txt").write_text("\n".join(late))
    with open(folder / "quoted.csv", "w") as f:
        f.write("id,name,v\n")
        for i in range(150000):
            f.write('%d,"line %d\nmore, %d\n7,x,9\n",%d\n' % (i, i, i, i * 2))
    return folder


@pytest.fixture
def out(tmp_path):
    yield tmp_path
    assert not glob.glob(str(tmp_path / ".*.tmp")), "a temporary was left behind"


def run(command, folder, **more):
    return subprocess.run(list(map(str, command)), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=LIMIT, text=True, **more)


def ranks(n, folder, *args):
    return run([*MPIRUN, "-n", n, PARALLEL, *args], folder)


def ours(text):
    """The program's own lines, without those of mpirun, and without the time that it took."""
    lines = [line for line in text.splitlines() if line.startswith("shmload: ") or ".txt:" in line]
    return [line.split(" -> ")[0] if " MB/s" in line else line for line in lines]


CASES = {
    "arrays": "a0.txt a1.txt a2.txt a3.txt a4.txt empty.txt large.txt",
    "one file": "large.txt",
    "packed": "-z 1 a0.txt a1.txt a2.txt large.txt empty.txt",
    "packed in small chunks": "-z 4 --chunk 100 a0.txt a1.txt a2.txt",
    "concat": "--concat all a0.txt a1.txt large.txt a2.txt",
    "concat packed": "--concat g/all -z 1 a0.txt a1.txt large.txt a2.txt",
    "columns": "--columns a0.txt large.txt a1.txt",
    "columns packed": "--columns -z 1 a0.txt large.txt a1.txt",
    "concat columns": "--columns --concat all a0.txt large.txt a1.txt",
    "matrix": "--matrix --usecols 1,2,3 a0.txt large.txt",
    "matrix concat packed": "--matrix --usecols 1,2,3 --concat m -z 1 a0.txt large.txt",
    "gzip": "g0.txt.gz a0.txt g1.txt.gz",
    "gzip packed": "--concat g -z 1 g0.txt.gz g1.txt.gz",
    "chunked": "--chunk 1000 a0.txt a1.txt large.txt",
    "widened by one rank": "a0.txt a1.txt late.txt a2.txt",
    "widened and packed": "--concat w -z 1 a0.txt late.txt a2.txt",
    "quoted line feeds": "--slice 1M quoted.csv a0.txt",
    "quoted and packed": "--slice 1M --columns -z 1 quoted.csv",
    "typed, attributes": "-t k:S5,at:i8,share:f4,n:u2 --attr site=Vienna --units at=bp a0.txt large.txt",
}


# Where every array has a place beforehand, not even a byte differs.
SAME_BYTES = {"arrays", "one file", "concat", "columns", "concat columns", "matrix", "widened by one rank",
              "quoted line feeds", "typed, attributes"}


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("case", CASES)
def test_the_file_is_that_of_one_machine(data, out, case, n):
    args = CASES[case].split()
    plain = run([PLAIN, *args, "-o", out / "plain.h5"], data)
    assert plain.returncode == 0, plain.stderr
    done = ranks(n, data, *args, "-o", out / "ranks.h5")
    assert done.returncode == 0, done.stderr
    assert ours(done.stderr) == ours(plain.stderr)
    if n == 1 or case in SAME_BYTES:
        assert (out / "plain.h5").read_bytes() == (out / "ranks.h5").read_bytes()
    different = run(["h5diff", "-v", out / "plain.h5", out / "ranks.h5"], out)
    assert different.returncode == 0, different.stdout


@pytest.fixture
def bad(data, out):
    """Bad lines in the first and in the last of five files, which several ranks read."""
    for name in ("a0", "a4"):
        text = (data / (name + ".txt")).read_text().split("\n")
        for i in range(4000, 4000 + 13 * (name == "a4") + 1):
            text[i] = "chr1\tx%d\t1.5\t3" % i
        (out / ("bad_%s.txt" % name)).write_text("\n".join(text))
    return [out / "bad_a0.txt", data / "a1.txt", data / "large.txt", out / "bad_a4.txt"]


TYPES = ["-t", "k:S5,at:i8,share:f4,n:u2"]


@pytest.mark.parametrize("n", [2, 4])
@pytest.mark.parametrize("packing", [[], ["-z", "1"]])
def test_errors_are_told_once_and_in_order(bad, out, n, packing):
    plain = run([PLAIN, *TYPES, *packing, *bad, "-o", "plain.h5"], out)
    done = ranks(n, out, *TYPES, *packing, *bad, "-o", "ranks.h5")
    assert plain.returncode == 1 and done.returncode == 1
    assert "bad_a0.txt:4001:2: field 'at' (i8): 'x4000' is not an integer" in done.stderr
    assert ours(done.stderr) == ours(plain.stderr)
    assert not (out / "ranks.h5").exists()


@pytest.mark.parametrize("packing", [[], ["-z", "1"]])
def test_lines_set_aside(bad, out, packing):
    plain = run([PLAIN, *TYPES, *packing, "--max-errors", 20, *bad, "-o", "plain.h5"], out)
    done = ranks(3, out, *TYPES, *packing, "--max-errors", 20, *bad, "-o", "ranks.h5")
    assert plain.returncode == 3 and done.returncode == 3, done.stderr
    assert ours(done.stderr) == ours(plain.stderr)
    assert run(["h5diff", "plain.h5", "ranks.h5"], out).returncode == 0
    done = ranks(3, out, *TYPES, *packing, "--max-errors", 10, *bad, "-o", "few.h5")
    assert done.returncode == 1 and not (out / "few.h5").exists()


def test_a_dry_run_and_the_account(data, out):
    args = ["-n", "a0.txt", "late.txt"]
    assert ranks(2, data, *args).stdout == run([PLAIN, *args], data).stdout
    done = ranks(2, data, "--json", "a0.txt", "a1.txt", "-o", out / "o.h5")
    assert done.stdout.count('"totals"') == 1 and '"rows": 5000' in done.stdout


@pytest.mark.parametrize("args,word", [
    (["-a", "a0.txt"], "--append"),
    (["--verify", "a0.txt"], "--verify"),
    (["--max-errors", "3", "--rejects", "r.txt", "a0.txt"], "--rejects"),
    (["--part", "1/2", "a0.txt"], "--part"),
    (["-T", "-"], "--files-from -"),
])
def test_what_several_ranks_cannot_do(data, out, args, word):
    done = ranks(2, data, *args, "-o", out / "o.h5")
    assert done.returncode == 2 and "shmload: %s: not with several ranks" % word in done.stderr
    assert done.stderr.count("not with several ranks") == 1 and os.listdir(out) == []


def test_streams_are_refused_by_several_and_read_by_one(data, out):
    done = ranks(2, data, "-", "-o", out / "o.h5")
    assert done.returncode == 1 and "-: not with several ranks" in done.stderr
    assert ranks(1, data, "--verify", "a0.txt", "-o", out / "o.h5").returncode == 0


def test_an_existing_output_stays(data, out):
    (out / "o.h5").write_text("mine")
    done = ranks(2, data, "a0.txt", "-o", out / "o.h5")
    assert done.returncode == 1 and done.stderr.count("--force replaces it") == 1
    assert (out / "o.h5").read_text() == "mine"
    assert ranks(2, data, "-f", "a0.txt", "-o", out / "o.h5").returncode == 0


def test_versions_and_help_are_printed_once(data):
    done = ranks(2, data, "-V")
    assert done.stdout.count("shmload ") == 1 and done.stdout.count("MPI ") >= 1
    assert ranks(2, data, "-h").stdout.count("usage:") == 1


@pytest.fixture
def small_disk(tmp_path):
    """A folder with room for 2 MB. A file size limit would not do: it would hit MPI's own files first."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.getuid() != 0 or subprocess.call(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder]) != 0:
        pytest.skip("cannot mount")
    yield folder
    subprocess.check_call(["umount", folder])


@pytest.mark.parametrize("packing", [[], ["-z", "1"]])
def test_a_full_disk(data, small_disk, packing):
    done = ranks(3, data, *packing, "large.txt", "x=large.txt", "-o", small_disk / "o.h5")
    assert done.returncode == 1 and "cannot write" in done.stderr, done.stderr
    assert "No space left" in done.stderr
    assert os.listdir(small_disk) == []


# ---- ranks that are lost

def processes():
    """Process ids of ranks, workers and janitors, with their parents' and their start's."""
    found = {}
    for path in glob.glob("/proc/[0-9]*"):
        try:
            if os.readlink(path + "/exe") == PARALLEL:
                with open(path + "/stat") as f:
                    found[int(path[6:])] = int(f.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass
    return found


def wait_until(true, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.01)
    return False


def env_of(pid, name):
    try:
        with open("/proc/%d/environ" % pid, "rb") as f:
            for word in f.read().split(b"\0"):
                if word.startswith(name.encode() + b"="):
                    return word.split(b"=", 1)[1].decode()
    except OSError:
        pass
    return None


def rank_of(pid):
    return env_of(pid, "OMPI_COMM_WORLD_RANK") or env_of(pid, "PMI_RANK")


@pytest.fixture
def long_run(data, out):
    """Three ranks at work on more text than they can do in a moment; killed at the end, if they still are there."""
    started = []

    def start(*options):
        files = ["n%d=large.txt" % i for i in range(240)]
        command = [*MPIRUN, "-n", "3", PARALLEL, *map(str, options), *files, "-o", str(out / "o.h5")]
        p = subprocess.Popen(command, cwd=data, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        started.append(p)
        return p
    yield start
    for p in started:
        if p.poll() is None:
            p.kill()
        p.communicate()


def temporary(out):
    return glob.glob(str(out / ".*.tmp"))


def nothing_left(p, out):
    p.communicate(timeout=LIMIT)
    assert p.returncode != 0
    assert wait_until(lambda: not processes()), "processes were left behind: %r" % processes()
    assert os.listdir(out) == []


@pytest.mark.parametrize("packing", [[], ["-z", "1"]])
@pytest.mark.parametrize("rank", ["0", "2"])
@pytest.mark.parametrize("when", ["counting", "writing"])
def test_a_killed_rank_leaves_nothing(long_run, out, rank, when, packing):
    p = long_run(*packing)
    ids = lambda: [pid for pid, parent in processes().items() if rank_of(pid) == rank and parent not in processes()]
    if when == "writing":
        assert wait_until(lambda: temporary(out)), p.poll()
    assert wait_until(ids), p.poll()
    time.sleep(0.3)
    os.kill(ids()[0], signal.SIGKILL)
    nothing_left(p, out)


@pytest.mark.parametrize("when", ["counting", "writing"])
def test_a_killed_worker_ends_the_run(long_run, out, when):
    p = long_run()
    if when == "writing":
        assert wait_until(lambda: temporary(out)), p.poll()

    def workers():
        all = processes()
        return [pid for pid, parent in all.items() if parent in all and rank_of(pid) == "1"]
    assert wait_until(workers)
    for _ in range(100):
        try:
            os.kill(workers()[0], signal.SIGKILL)
            break
        except (IndexError, ProcessLookupError):
            pass
    _, told = p.communicate(timeout=LIMIT)
    assert b"large.txt" in told and b"killed" in told.lower(), told
    nothing_left(p, out)


def test_an_interrupted_run_leaves_nothing(long_run, out):
    p = long_run()
    assert wait_until(lambda: temporary(out)), p.poll()
    p.send_signal(signal.SIGINT)
    nothing_left(p, out)
