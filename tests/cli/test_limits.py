"""Limits: memory as a cgroup counts it, thousands of inputs with few descriptors, file systems without locks."""
import gzip
import os
import resource
import shutil
import subprocess
import time

import pytest

from conftest import PROGRAM, sanitized

MIB = 1 << 20
LINE = "chr%d\t%d\t61.9047619047619\t13\t8\n"


class Cgroup:
    """A memory cgroup below our own, of version 1 or 2. OSError where none can be made."""

    def __init__(self):
        with open("/proc/self/cgroup") as f:
            lines = [line.strip().split(":", 2) for line in f]
        own = {name: path for _, names, path in lines for name in names.split(",")}
        self.v1 = "memory" in own
        parent = ("/sys/fs/cgroup/memory" if self.v1 else "/sys/fs/cgroup") + own["memory" if self.v1 else ""]
        self.path = os.path.join(parent, "shmload-test-%d" % os.getpid())
        os.mkdir(self.path)
        self.limit_file = os.path.join(self.path, "memory.limit_in_bytes" if self.v1 else "memory.max")
        if not os.path.exists(self.limit_file):
            os.rmdir(self.path)
            raise OSError("no memory controller")

    def limit(self, n_bytes):
        with open(self.limit_file, "w") as f:
            f.write(str(n_bytes))

    def enter(self):
        with open(os.path.join(self.path, "cgroup.procs"), "w") as f:
            f.write(str(os.getpid()))

    def used(self):
        """Private and shared memory, without the page cache of files."""
        with open(os.path.join(self.path, "memory.stat")) as f:
            stat = {key: int(value) for key, value in map(str.split, f)}
        return stat["total_rss"] + stat["total_shmem"] if self.v1 else stat["anon"] + stat["shmem"]

    def remove(self):
        for _ in range(100):
            try:
                os.rmdir(self.path)
                return
            except OSError:
                time.sleep(0.05)


@pytest.fixture
def cgroup():
    try:
        made = Cgroup()
    except (OSError, KeyError) as e:
        pytest.skip("no cgroup for memory can be made here: %s" % e)
    yield made
    made.remove()


def text_of(n_rows):
    return "".join(LINE % (i % 22, i) for i in range(n_rows))


@pytest.mark.skipif(sanitized(), reason="the sanitizer maps memory of its own")
@pytest.mark.parametrize("options", [[], ["-z", "1"]], ids=["plain", "z1"])
@pytest.mark.parametrize("kind", ["text", "gzip", "many"])
def test_memory_is_bounded(tool, cgroup, kind, options):
    """All processes together stay within 1.2 times of --memory, by sampling and under a hard limit of as much."""
    n_rows, n_repeats, feeder = 100_000, 32, None
    if kind == "text":
        inputs, last = [tool.write("in.txt", text_of(n_rows) * n_repeats)], "in"
    elif kind == "gzip":
        inputs, last = ["-", "-t", "chr:S5,pos:i4,pct:f8,c:i4,t:i4"], "stdin"
        tool.write("in.gz", gzip.compress(text_of(n_rows).encode(), 1) * n_repeats)
        feeder = subprocess.Popen(["cat", "in.gz"], cwd=tool.folder, stdout=subprocess.PIPE)
    else:
        n_rows, n_repeats = 1000, 1
        inputs, last = [tool.write("m%03d.txt" % i, text_of(n_rows)) for i in range(300)], "m299"
    most = int(1.2 * 32 * MIB)
    cgroup.limit(most)
    run = subprocess.Popen([PROGRAM, *inputs, "-o", "out.h5", "--memory", "32M", "-j", "2", *options], cwd=tool.folder,
                           stdin=feeder.stdout if feeder else subprocess.DEVNULL, stderr=subprocess.PIPE,
                           preexec_fn=cgroup.enter)
    peak = 0
    while run.poll() is None:
        peak = max(peak, cgroup.used())
        time.sleep(0.002)
    assert run.returncode == 0, run.stderr.read()
    run.stderr.close()
    if feeder:
        feeder.stdout.close()
        assert feeder.wait() == 0
    assert 0 < peak <= most, peak / MIB
    assert len(tool.read(last)) == n_rows * n_repeats


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


@pytest.mark.parametrize("options", [[], ["--concat", "all"]], ids=["each", "concat"])
def test_thousands_of_inputs_with_few_descriptors(tool, options):
    n = 300 if sanitized() else 3000
    names = [tool.write("f%04d.txt" % i, "a b\n%d 0.5\n" % i) for i in range(n)]
    tool.write("list", "\n".join(names))
    tool.ok("-T", "list", "-o", "out.h5", "-j", "4", *options, preexec_fn=few_descriptors, timeout=300)
    if options:
        assert tool.read("all")["a"].tolist() == list(range(n))
    else:
        assert [tool.read("f%04d" % i)["a"].tolist() for i in (0, 1, n - 1)] == [[0], [1], [n - 1]]


def private_bytes(pid):
    try:
        with open("/proc/%d/status" % pid) as f:
            return sum(int(line.split()[1]) * 1024 for line in f if line.startswith("RssAnon:"))
    except (FileNotFoundError, ProcessLookupError):
        return 0


@pytest.mark.skipif(sanitized(), reason="the sanitizer maps memory of its own")
def test_parent_keeps_little_private_memory(tool):
    """A fork copies the page tables of private memory, so what is known of each input must not add to it."""
    peaks = []
    for n in 200, 2000:
        names = [tool.write("f%04d.txt" % i, ",".join("column%d" % k for k in range(60)) + "\n" + "1," * 59 + "1\n")
                 for i in range(n)]
        tool.write("list", "\n".join(names))
        run = subprocess.Popen([PROGRAM, "-n", "-q", "-T", "list", "-j", "2"], cwd=tool.folder,
                               stdout=subprocess.DEVNULL)
        peaks.append(0)
        while run.poll() is None:
            peaks[-1] = max(peaks[-1], private_bytes(run.pid))
            time.sleep(0.002)
        assert run.returncode == 0
    assert 0 < peaks[1] < peaks[0] + MIB, peaks


LOCKS = """
#include <errno.h>
#include <stdarg.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/syscall.h>

int flock(int fd, int operation)
{
    (void)fd, (void)operation;
    errno = WANTED;
    return -1;
}

int fcntl64(int fd, int command, ...)
{
    va_list values;
    long value;

    va_start(values, command);
    value = va_arg(values, long);
    va_end(values);
    if (command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW) {
        errno = WANTED;
        return -1;
    }
    return (int)syscall(SYS_fcntl, fd, command, value);
}

int fcntl(int fd, int command, ...) __attribute__((alias("fcntl64")));
"""


@pytest.mark.skipif(sanitized(), reason="the sanitizer wants to be the first library")
@pytest.mark.skipif(not shutil.which("cc"), reason="no compiler")
@pytest.mark.parametrize("wanted", ["ENOLCK", "ENOSYS", "EAGAIN", "EACCES"])
def test_file_systems_without_locks(tool, wanted):
    """As on many an NFS or Lustre: neither HDF5's lock nor ours may stop a run, a replacement or an addition."""
    tool.write("locks.c", LOCKS)
    subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-DWANTED=" + wanted, "-o", "locks.so", "locks.c"],
                   cwd=tool.folder, check=True)
    env = {"LD_PRELOAD": tool.path("locks.so")}
    tool.write("in.txt", "1 a\n2 b\n")
    before = tool.files()
    for more in [], ["-f"], ["-a", "-g", "more"]:
        tool.ok("in.txt", "-o", "out.h5", *more, env=env)
        assert tool.files() == sorted(before + ["out.h5"])
    assert tool.read("in")["f0"].tolist() == tool.read("more/in")["f0"].tolist() == [1, 2]
    refused = tool.run("in.txt", "-o", "other.h5", env={**env, "HDF5_USE_FILE_LOCKING": "TRUE"})
    assert refused.status == 1, "the user's word counts; and it shows that HDF5 does meet our flock()"


def test_a_record_larger_than_the_memory(tool):
    """It is named with its line, and what the message says helps."""
    rows = "1 2 3\n" * 4
    tool.write("in.txt", rows + "1 2 " + "x" * 6_000_000 + "\n" + rows * 500_000)
    args = ["in.txt", "-o", "out.h5", "--usecols", "0,1"]
    for jobs in "1", "2", "6":
        result = tool.run(*args, "-j", jobs, "--memory", "40M")
        assert result.status == 1 and "in.txt:5: the record is larger" in result.err
        assert result.err.endswith("give a larger --memory, or --jobs 1 --slice 1T\n")
    tool.ok(*args, "--memory", "40M", "--jobs", "1", "--slice", "1T")
    assert len(tool.read()) == 2_000_005
    tool.ok(*args, "--memory", "1G", "-f")
    tool.write("b.txt", rows)
    result = tool.run(*args, "b.txt", "-j", "6", "--memory", "64M", "-f")
    assert result.status == 1 and result.err.endswith("give a larger --memory, or --jobs 1\n")
    result = tool.run(*args, "-j", "1", "--memory", "24M", "-f")
    assert result.status == 1 and result.err.endswith("give a larger --memory\n")
