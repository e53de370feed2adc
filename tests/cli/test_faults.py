"""Faults: whatever breaks, the output is there complete or not at all, nothing is left, and one line says why.

Every run here goes through Trial, which has a folder of its own and looks at what is left afterwards. No test asserts a
time: where a fault is to come at some moment, the moments are many and each outcome that is whole is accepted.

With FAULTS=all (make test-faults) every call fails in turn, else a few of each kind; and the kernel's overcommit mode,
which is the whole machine's, is changed for a moment.
"""
import concurrent.futures
import errno
import functools
import gzip
import os
import pathlib
import resource
import shutil
import signal
import stat
import struct
import subprocess
import tempfile
import time

import h5py
import pytest

from conftest import PROGRAM, children, counted, sanitized

LIBRARY = os.path.join(os.path.dirname(PROGRAM), "failing.so")
SMALL = "".join("chr%d %d %.2f\n" % (i % 22, i, i * 0.5) for i in range(3000))
LINE = b"chr1 123456 99.5\n"
TYPES = ["-t", "chr:S5,pos:i4,pct:f4"]
STRANGER = 54321  # a user that runs nothing else
ENDINGS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]
EVERYTHING = os.environ.get("FAULTS") == "all"


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    return condition()


def in_session(session):
    """Living processes of a session; what is dead and waits for init to notice does not count."""
    found = []
    try:
        os.killpg(session, 0)  # nobody here leaves the session's only group
    except ProcessLookupError:
        return found
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as f:
                state, _, _, of = f.read().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(of) == session and state not in "ZX":
            found.append(int(pid))
    return found


# The sanitizer's way with these two is to tell of them and leave.
PLAIN_SIGNALS = {"ASAN_OPTIONS": ":".join(filter(None,
                                                 [os.environ.get("ASAN_OPTIONS"), "handle_segv=0", "handle_sigbus=0"]))}


class Trial:
    """One run in one folder; 'mine' is an output that was there before."""

    def __init__(self, folder, *args, mine=None, links=(), **files):
        self.folder, self.args, self.mine = str(folder), list(map(str, args)), mine
        os.makedirs(self.folder, exist_ok=True)
        for path in links:
            os.link(path, self.path(os.path.basename(path)))
        for name, text in files.items():
            with open(self.path(name.replace("_", ".")), "wb") as f:
                f.write(text if isinstance(text, bytes) else text.encode())
        if mine is not None:
            with open(self.path("out.h5"), "wb") as f:
                f.write(mine)
        self.before = set(os.listdir(self.folder))

    def path(self, name):
        return os.path.join(self.folder, name)

    def bytes_of(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def start(self, *limits, env=None, user=None, group=None, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
              stderr=subprocess.PIPE, ignore=()):
        def prepare():
            if group is not None:
                join(group, os.getpid())
            for kind, pair in limits:
                resource.setrlimit(kind, pair)
            for number in ignore:
                signal.signal(number, signal.SIG_IGN)
            if user is not None:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)

        self.process = subprocess.Popen([PROGRAM, *self.args], cwd=self.folder, stdin=stdin, stdout=stdout,
                                        stderr=stderr,
                                        env={**os.environ, **PLAIN_SIGNALS, **(env or {})}, start_new_session=True,
                                        preexec_fn=prepare if limits or ignore or user or group else None)
        self.pid = self.process.pid
        return self

    def finish(self, timeout=60):
        """Status as a shell gives it; the session must be empty then."""
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.communicate()
            raise AssertionError("it hangs: " + " ".join(self.args))
        self.out, self.err = (text.decode(errors="replace") if text is not None else "" for text in (out, err))
        self.status = 128 - self.process.returncode if self.process.returncode < 0 else self.process.returncode
        assert wait_for(lambda: not in_session(self.pid)), "a process is left: %r" % self
        return self

    def run(self, *limits, **more):
        return self.start(*limits, **more).finish()

    def __repr__(self):
        return "%s: exit status %s, files %s\n--- stderr\n%s" % (
            " ".join(self.args), self.status, sorted(os.listdir(self.folder)), self.err)

    def new_files(self):
        return set(os.listdir(self.folder)) - self.before

    def failed(self, *words, statuses=(1,), lines=True):
        """No output, an old one untouched, nothing left, and a reason."""
        assert self.status in statuses, self
        assert not self.new_files(), self
        assert self.mine is None or self.bytes_of("out.h5") == self.mine, "the old output has changed: %r" % self
        if lines:
            assert self.err.strip() and all(word in self.err for word in words), self
            assert len(self.err.splitlines()) <= 3, "one line would do: %r" % self
        return self

    def stored(self, want=None, statuses=(0,), beside=()):
        """The output is there and whole; 'want' are its bytes."""
        assert self.status in statuses, self
        assert self.new_files() | {"out.h5"} == {"out.h5", *beside}, self
        if want is not None:
            assert self.bytes_of("out.h5") == want, "the output is not what it should be: %r" % self
        else:
            with h5py.File(self.path("out.h5"), "r") as f:
                assert len(f) > 0
        return self

    def either(self, want, *words):
        return self.stored(want) if self.status == 0 else self.failed(*words)


def reference(tmp_path, *args, statuses=(0,), beside=(), stdin=None, mine=None, **files):
    """What a run without a fault stores."""
    trial = Trial(tmp_path / "reference", *args, mine=mine, **files)
    if stdin is not None:
        with open(tmp_path / "reference.in", "wb") as f:
            f.write(stdin)
    with open(tmp_path / "reference.in" if stdin is not None else os.devnull, "rb") as source:
        trial.run(stdin=source)
    trial.stored(statuses=statuses, beside=beside)
    return trial.bytes_of("out.h5")


def text_of(n_rows):
    return "".join("chr%d %d %.3f\n" % (i % 22, i * 7919 % 100_000_000, i % 1000 / 7) for i in range(n_rows))


@pytest.fixture(scope="module")
def long_text():
    return text_of(400_000).encode()


@pytest.mark.skipif(sanitized(), reason="the sanitizer's own names are among them")
def test_shared_memory_has_no_name():
    """Where no process is left, and none is to be, no shared memory is either: the program cannot give any a name."""
    wanted = subprocess.run(["nm", "-D", "--undefined-only", PROGRAM], stdout=subprocess.PIPE,
                            check=True).stdout.decode()
    assert "mmap" in wanted and not any(name in wanted for name in ("shm_open", "shmget", "memfd_create"))


# ---- workers that are lost ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, word", [("SIGKILL", "9"), ("SIGSEGV", "11"), ("SIGBUS", "7")])
@pytest.mark.parametrize("args", [[], ["-z", "1"], ["--memory", "24M"]], ids=["plain", "packed", "region full"])
def test_worker_is_killed_while_it_waits_for_text(tmp_path, name, word, args):
    # the parent looks at some text before it starts a worker
    for i, n_lines in enumerate([20_000, 100_000, 1_000_000]):
        t = Trial(tmp_path / str(i), "-", "-o", "out.h5", "-f", *TYPES, *args, mine=b"mine")
        t.start(stdin=subprocess.PIPE)
        t.process.stdin.write(LINE * n_lines)
        t.process.stdin.flush()
        workers = wait_for(lambda: children(t.pid))
        assert workers
        os.kill(workers[0], getattr(signal, name))
        t.finish().failed("signal", word)


def test_workers_of_slices_are_killed(tmp_path, long_text):
    """Any of several, at any time: what the others say about the same file is not worth a line."""
    args = ["in.txt", "-o", "out.h5", "-j", "3", "--slice", "1M", "-z", "3", *TYPES]
    want = reference(tmp_path, *args, in_txt=long_text)
    # The sanitizer's search for leaks is a child too, for which the parent waits for ever when that is killed.
    env = {"ASAN_OPTIONS": PLAIN_SIGNALS["ASAN_OPTIONS"] + ":detect_leaks=0"}
    lost = 0
    for i in range(24):
        t = Trial(tmp_path / str(i), *args, in_txt=long_text).start(env=env)
        time.sleep(0.003 * i)
        workers = children(t.pid)
        for pid in workers[i % 3:i % 3 + 1]:
            try:
                os.kill(pid, [signal.SIGKILL, signal.SIGSEGV, signal.SIGBUS][i % 3])
            except ProcessLookupError:
                pass
        t.finish().either(want, "in.txt", "worker")
        lost += t.status == 1
        if lost == 0 and i == 23:
            pytest.skip("no worker was met: this machine is too fast, or too slow")


def join(group, pid):
    with open(os.path.join(group, "cgroup.procs"), "w") as f:
        f.write(str(pid))


@pytest.fixture
def small_group():
    """A cgroup with 64 MiB, of either version."""
    for root, limit in ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max"):
        path = os.path.join(root, "shmload-test-%d" % os.getpid())
        try:
            os.mkdir(path)
        except OSError:
            continue
        try:
            with open(os.path.join(path, limit), "w") as f:
                f.write(str(64 << 20))
        except OSError:
            os.rmdir(path)
            continue
        yield path
        wait_for(lambda: not pathlib.Path(path, "cgroup.procs").read_text())
        os.rmdir(path)
        return
    pytest.skip("no memory cgroup can be made here")


@pytest.mark.parametrize("args, text", [([], b"x" * (140 << 20)), (["-z", "1"], LINE * 8_000_000)],
                         ids=["a line that does not end", "packed"])
def test_worker_out_of_memory(tmp_path, small_group, args, text):
    """The kernel kills it, as in a job that asked for too little."""
    t = Trial(tmp_path, "-", "-o", "out.h5", "-f", "--memory", "1G", *TYPES, *args,
              mine=b"mine").start(stdin=subprocess.PIPE)
    t.process.stdin.write(LINE * 20_000)
    t.process.stdin.flush()
    workers = wait_for(lambda: children(t.pid))
    join(small_group, workers[0])
    try:
        t.process.stdin.write(text)
    except BrokenPipeError:
        pass
    t.finish().failed("-", "signal 9", "memory")


def test_stream_larger_than_memory(tmp_path, small_group):
    """The rows of a stream that is alone are taken out of a few MiB, whatever --memory allows."""
    t = Trial(tmp_path, "-", "-o", "out.h5", "--memory", "1G", *TYPES)
    t.start(stdin=subprocess.PIPE, group=small_group)
    t.process.stdin.write(LINE * 8_000_000)
    t.finish().stored()
    with h5py.File(tmp_path / "out.h5") as f:
        assert sum(len(d) for d in f.values()) == 8_000_000


@pytest.mark.skipif(sanitized(), reason="the sanitizer needs more memory itself")
def test_run_in_a_small_group(tmp_path, small_group, long_text):
    """What its job leaves is what a run takes: it comes to its end where the text is larger than the memory."""
    t = Trial(tmp_path, "in.txt", "-o", "out.h5", *TYPES, in_txt=long_text * 5)
    t.run(group=small_group).stored()


@pytest.mark.skipif(not EVERYTHING, reason="changes the whole machine for a moment: make test-faults")
def test_strict_overcommit(tmp_path, long_text):
    """Then no mapping may be larger than what is left to promise; regions that take it all leave none for the rest."""
    mode = pathlib.Path("/proc/sys/vm/overcommit_memory")
    args = ["in.txt", "-", "-o", "out.h5", "--memory", "1000G", "-j", "2", *TYPES]
    want = reference(tmp_path, *args, stdin=LINE, in_txt=long_text)
    before = mode.read_text()
    t = Trial(tmp_path / "strict", *args, in_txt=long_text)
    try:
        mode.write_text("2")
    except OSError:
        pytest.skip("the overcommit mode cannot be changed here")
    try:
        with open(tmp_path / "reference.in", "rb") as source:
            t.run(stdin=source)
    finally:
        mode.write_text(before)
    t.either(want, "memory")


# ---- the parent is asked to end, or killed --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ENDINGS)
def test_signal_at_many_moments(tmp_path, long_text, name):
    number = getattr(signal, name)
    args = ["in.txt", "-o", "out.h5", "-f", "-z", "9", "-j", "2", *TYPES, "--max-errors", "1", "--rejects",
            "rejects.tsv"]
    before = None
    if name == "SIGTERM":  # rows are added
        args = ["in.txt", "-o", "out.h5", "-a", "-j", "2", *TYPES]
        before = reference(tmp_path / "first", "old=in.txt", "-o", "out.h5", *TYPES, in_txt=SMALL)
    beside = ["rejects.tsv"] if before is None else []
    started = time.monotonic()
    want = reference(tmp_path, *args, beside=beside, in_txt=long_text, mine=before)
    whole = time.monotonic() - started
    n_ended = 0
    for i in range(60):
        if i % 12 == 0 and i > 0:
            if n_ended > 1:
                break
            whole /= 3  # the reference took longer than these do
        t = Trial(tmp_path / str(i), *args, mine=before or (b"mine" if i % 2 else None), in_txt=long_text).start()
        time.sleep(whole * (i % 12) / 11)
        t.process.send_signal(number)
        t.finish()
        n_ended += t.status != 0
        if t.status == 0 or (t.new_files() or t.mine) and t.bytes_of("out.h5") != t.mine:
            t.stored(want, statuses=(0, 128 + number), beside=beside)  # it came when the output had its name
        else:
            t.failed(statuses=(128 + number,), lines=False)
            assert t.err == "", t
    assert n_ended > 1, "no run was met"


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("args", [["-"], ["-", *TYPES], ["fifo"]], ids=["stdin", "stdin, typed", "fifo"])
def test_signal_while_waiting_for_the_first_byte(tmp_path, name, args):
    """No worker is there yet, the program itself waits for the pipe."""
    os.mkfifo(tmp_path / "fifo")
    t = Trial(tmp_path, *args, "-o", "out.h5").start(stdin=subprocess.PIPE)
    wait_for(lambda: asleep(t.pid))
    t.process.send_signal(getattr(signal, name))
    assert t.process.wait(timeout=20) == -getattr(signal, name)
    t.finish().failed(statuses=(128 + getattr(signal, name),), lines=False)


def asleep(pid):
    with open("/proc/%d/stat" % pid) as f, open("/proc/%d/cmdline" % pid) as command:
        return "shmload" in command.read() and f.read().rpartition(")")[2].split()[0] == "S"


@pytest.mark.parametrize("add", [False, True], ids=["new", "append"])
def test_parent_is_killed_at_many_moments(tmp_path, long_text, add):
    """Its workers go with it; the one temporary may stay, and the next run removes it."""
    args = ["in.txt", "-o", "out.h5", *(["-a"] if add else ["-f", "-z", "9"]), "-j", "2", *TYPES]
    mine = reference(tmp_path / "first", "old=in.txt", "-o", "out.h5", *TYPES, in_txt=SMALL) if add else b"mine"
    started = time.monotonic()
    want = reference(tmp_path, *args, mine=mine, in_txt=long_text)
    whole = time.monotonic() - started
    for i in range(8):
        t = Trial(tmp_path / str(i), *args, mine=mine, in_txt=long_text).start()
        time.sleep(whole * i / 7)
        t.process.kill()
        t.finish()
        left = t.new_files()
        assert t.bytes_of("out.h5") in (mine, want), t
        assert t.status == 0 or len(left) <= 1 and all(n.startswith(".out.h5.shmload-") for n in left), t
        rewrite(t.path("in.txt"), "w", SMALL)
        again = Trial(t.folder, "next=in.txt", *args[1:])
        again.before -= left
        again.run().stored()


def test_nohup(tmp_path):
    """A signal that was ignored from the start stays so; the others still end it."""
    t = Trial(tmp_path / "hup", "-", "-o", "out.h5", *TYPES).start(stdin=subprocess.PIPE, ignore=[signal.SIGHUP])
    t.process.stdin.write(LINE * 100_000)
    t.process.stdin.flush()
    assert wait_for(lambda: children(t.pid))
    t.process.send_signal(signal.SIGHUP)
    t.process.stdin.write(LINE * 100_000)
    t.finish().stored()
    t = Trial(tmp_path / "term", "-", "-o", "out.h5", *TYPES).start(stdin=subprocess.PIPE, ignore=[signal.SIGHUP])
    t.process.stdin.write(LINE * 100_000)
    t.process.stdin.flush()
    assert wait_for(lambda: children(t.pid))
    t.process.send_signal(signal.SIGTERM)
    t.finish().failed(statuses=(143,), lines=False)


# ---- no room --------------------------------------------------------------------------------------------------------

WAYS = {"contiguous": [], "small": ["--slice", "64M"], "packed": ["-z", "1"], "chunked": ["--layout", "chunked"],
        "concat": ["--concat", "all"]}


@pytest.fixture
def little_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "shmload-test", str(folder)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if mounted.returncode != 0:
        pytest.skip("not permitted to mount")

    def size(kilobytes):
        subprocess.run(["mount", "-o", "remount,size=%dk" % kilobytes, str(folder)], check=True)
        return folder

    yield size
    subprocess.run(["umount", str(folder)], check=True)


def sizes_up_to(n_bytes, n):
    """Densely at first, where HDF5 makes the file, then evenly to a little more than there need be."""
    top = n_bytes // 1024 + 64
    return sorted({4, 8, 12, 16, 20, 24, 32, 40, 48} | {top * i // n for i in range(1, n + 1)})


@pytest.mark.parametrize("way", WAYS)
def test_disk_full_at_every_stage(tmp_path, little_disk, way):
    files = {"a_txt": SMALL, "b_txt": text_of(20_000)}
    args = ["../a.txt", "../b.txt", "-o", "out.h5", *TYPES, *WAYS[way]]
    for name, text in files.items():
        (tmp_path / name.replace("_", ".")).write_text(text)
    (tmp_path / "reference").mkdir()
    want = reference(tmp_path, *args)
    n_full = 0
    for kilobytes in sizes_up_to(len(want), 12):
        folder = little_disk(kilobytes)
        t = Trial(folder, *args).run()
        t.either(want, "No space left on device")
        n_full += t.status == 1
        if t.status == 0:
            os.unlink(t.path("out.h5"))
    assert n_full > 3 and t.status == 0


def test_disk_full_with_lines_set_aside(tmp_path, little_disk):
    """Both files or neither."""
    (tmp_path / "in.txt").write_text("".join("%d x\n" % i if i % 3 else "bad %s\n" % ("x" * 300) for i in range(600)))
    args = ["../in.txt", "-o", "out.h5", "-t", "v:i4,w:S400", "--max-errors", "50%", "--header", "no", "--rejects",
            "rejects.tsv"]
    statuses = set()
    for kilobytes in [*range(4, 280, 20), 1000]:
        t = Trial(little_disk(kilobytes), *args).run()
        statuses.add(t.status)
        if t.status == 1:
            t.failed("No space left on device")
            continue
        t.stored(statuses=(3,), beside=["rejects.tsv"])
        assert t.bytes_of("rejects.tsv").count(b"\n") == 201
        for name in t.new_files():
            os.unlink(t.path(name))
    assert statuses == {1, 3}


def test_disk_full_beside_an_old_output(tmp_path, little_disk):
    (tmp_path / "b.txt").write_text(text_of(20_000))
    for append in [], ["-a"]:
        folder = little_disk(100_000)
        assert Trial(folder, "new=../b.txt", "-o", "out.h5", "-f", *TYPES).run().status == 0
        mine = (folder / "out.h5").read_bytes()
        for kilobytes in range(len(mine) // 1024 + 8, 2 * len(mine) // 1024, 100):
            little_disk(kilobytes)
            Trial(folder, "../b.txt", "-o", "out.h5", *(append or ["-f"]), *TYPES,
                  mine=mine).run().failed("No space left on device")
        little_disk(100_000)
        os.unlink(folder / "out.h5")


@pytest.mark.skipif(counted(), reason="the counts are files too")
@pytest.mark.parametrize("way", WAYS)
def test_file_size_limit(tmp_path, way):
    files = {"a_txt": SMALL, "b_txt": text_of(20_000)}
    args = ["a.txt", "b.txt", "-o", "out.h5", "-f", *TYPES, *WAYS[way]]
    want = reference(tmp_path, *args, **files)
    for i, kilobytes in enumerate(sizes_up_to(len(want), 8)):
        t = Trial(tmp_path / str(i), *args, mine=b"mine", **files).run((resource.RLIMIT_FSIZE, (1024 * kilobytes,) * 2))
        t.either(want, "File too large")
    assert t.status == 0


def test_no_room_for_the_lines_set_aside(tmp_path):
    """Either file may be the one that does not fit."""
    bad = "".join("%d x\n" % i if i % 3 else "bad %s\n" % ("x" * 300) for i in range(600))
    args = ["in.txt", "-o", "out.h5", "-f", "-t", "v:i4,w:S400", "--max-errors", "50%", "--header", "no", "--rejects",
            "rejects.tsv"]
    reference(tmp_path, *args, statuses=(3,), beside=["rejects.tsv"], in_txt=bad)
    for i, kilobytes in enumerate([1, 4, 8, 16, 32, 64, 128, 160, 1000]):
        t = Trial(tmp_path / str(i), *args, mine=b"mine", in_txt=bad, rejects_tsv="old")
        t.run((resource.RLIMIT_FSIZE, (1024 * kilobytes,) * 2))
        if t.status == 1:
            t.failed("File too large")
            assert t.bytes_of("rejects.tsv") == b"old"
    assert t.status == 3 and t.bytes_of("rejects.tsv").count(b"\n") == 201, t


# ---- limits ---------------------------------------------------------------------------------------------------------


def test_few_descriptors(tmp_path):
    files = {"f%d_txt" % i: "%d x\n" % i for i in range(40)}
    names = sorted(n.replace("_", ".") for n in files)
    want = reference(tmp_path, *names, "-o", "out.h5", "-j", "8", **files)
    statuses = []
    for limit in [*range(3, 18), 24, 32]:
        t = Trial(tmp_path / str(limit), *names, "-o", "out.h5", "-j", "8",
                  **files).run((resource.RLIMIT_NOFILE, (limit, limit)))
        statuses.append(t.status)
        if t.status in (1, 127) and limit < 8:  # the dynamic linker needs some itself
            t.failed(statuses=(1, 127), lines=False)
        else:
            t.either(want, "Too many open files")
    assert statuses[-1] == 0


@pytest.fixture
def strangers_folder():
    """A folder of another user's; those that pytest makes are closed to him."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    with tempfile.TemporaryDirectory(prefix="shmload-test-") as name:
        os.chown(name, STRANGER, STRANGER)
        try:
            Trial(name, "--version").run(user=STRANGER)
        except (OSError, subprocess.SubprocessError):
            pytest.skip("the program is where others do not reach it")
        yield pathlib.Path(name)


@pytest.mark.skipif(sanitized() or counted(),
                    reason="the sanitizer has a process of its own, and counts need their files")
def test_few_processes(strangers_folder):
    files = {"f%d_txt" % i: "%d x\n" % i for i in range(6)}
    names = sorted(n.replace("_", ".") for n in files)
    want = reference(strangers_folder, *names, "-o", "out.h5", **files)
    for limit in 1, 2, 3, 9:
        folder = strangers_folder / str(limit)
        t = Trial(folder, *names, "-o", "out.h5", "-j", "4", **files)
        os.chown(folder, STRANGER, STRANGER)
        t.run((resource.RLIMIT_NPROC, (limit, limit)), user=STRANGER)
        if limit == 1:
            t.failed("cannot start a worker", os.strerror(errno.EAGAIN))
        else:
            t.stored(want)


@pytest.mark.skipif(counted(), reason="the counts are files too")
def test_directory_that_cannot_be_written_to(strangers_folder):
    for i, mode in enumerate([0o555, 0o444]):
        folder = strangers_folder / str(i)
        t = Trial(folder, "../in.txt", "-o", "d/out.h5")
        (strangers_folder / "in.txt").write_text(SMALL)
        (folder / "d").mkdir()
        os.chmod(folder / "d", mode)
        t.before.add("d")
        t.run(user=STRANGER).failed("d/out.h5", os.strerror(errno.EACCES))
        assert not os.listdir(folder / "d")


@pytest.mark.skipif(sanitized(), reason="the sanitizer maps terabytes")
def test_little_address_space(tmp_path):
    files = {"a_txt": SMALL, "b_txt": text_of(100_000)}
    args = ["a.txt", "b.txt", "-o", "out.h5", "-f"]
    want = reference(tmp_path, *args, **files)
    for i, megabytes in enumerate([*range(24, 100, 4), 128, 200, 400]):
        t = Trial(tmp_path / str(i), *args, mine=b"mine", **files).run((resource.RLIMIT_AS, (megabytes << 20,) * 2))
        if t.status == 127:  # the dynamic linker
            t.failed(statuses=(127,))
        else:
            t.either(want, "memory")
    assert t.status == 0


# ---- inputs that change ---------------------------------------------------------------------------------------------


def while_it_waits(t, change, rest=SMALL.encode()):
    """Do something when all inputs before the FIFO have been looked at, and before any is read."""
    os.utime(t.path("a.txt"), (1e9, 1e9))  # two writes may come between two ticks of the file system's clock
    t.start()
    with open(t.path("fifo"), "wb") as f:  # waits until the other side is opened
        change()
        f.write(rest)
    return t.finish()


def replace(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


def rewrite(path, mode, text):
    with open(path, mode) as f:
        f.write(text)


@pytest.mark.parametrize("change, word", [
    (lambda path: os.truncate(path, len(SMALL) // 2), "changed"),
    (lambda path: os.truncate(path, 0), "changed"),
    (lambda path: os.unlink(path), os.strerror(errno.ENOENT)),
    (lambda path: replace(path, SMALL.replace("chr1", "chr7")), "changed"),
    (lambda path: rewrite(path, "r+", "chr9"), "changed"),
    (lambda path: rewrite(path, "a", "chr1 1 1\n"), "changed"),
    (lambda path: (os.unlink(path), os.mkdir(path)), "directory"),
], ids=["shorter", "empty", "vanished", "replaced, same size", "rewritten", "longer", "a directory now"])
@pytest.mark.parametrize("types", [[], TYPES], ids=["inferred", "typed"])
def test_input_changes(tmp_path, change, word, types):
    os.mkfifo(tmp_path / "fifo")
    t = Trial(tmp_path, "a.txt", "fifo", "-o", "out.h5", "-f", *types, mine=b"mine", a_txt=SMALL)
    while_it_waits(t, lambda: change(t.path("a.txt"))).failed("a.txt", word)


def test_untouched_inputs_beside_a_fifo(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    t = Trial(tmp_path, "a.txt", "fifo", "-o", "out.h5", a_txt=SMALL)
    while_it_waits(t, lambda: None).stored()
    with h5py.File(t.path("out.h5"), "r") as f:
        assert (f["a"][()] == f["fifo"][()]).all()


def test_large_input_is_cut_while_slices_are_read(tmp_path, long_text):
    args = ["in.txt", "-o", "out.h5", "-j", "1", "--slice", "1M", *TYPES]
    for i, share in enumerate([0.9, 0.5, 0.01]):
        t = Trial(tmp_path / str(i), *args, in_txt=long_text * 3).start()
        assert wait_for(lambda: children(t.pid))
        t.process.send_signal(signal.SIGSTOP)  # no further worker for now
        os.truncate(t.path("in.txt"), int(len(long_text) * 3 * share))
        t.process.send_signal(signal.SIGCONT)
        t.finish().failed("in.txt", "changed while it was read")


# ---- the output's name ----------------------------------------------------------------------------------------------


def feed(t, between):
    """A run on a pipe; 'between' is called when some rows have been stored."""
    t.start(stdin=subprocess.PIPE)
    t.process.stdin.write(LINE * 1_500_000)
    t.process.stdin.flush()
    assert wait_for(lambda: any(n.endswith(".tmp") for _, _, names in os.walk(t.folder) for n in names))
    between()
    return t.finish()


def test_output_appears_meanwhile(tmp_path):
    t = Trial(tmp_path, "-", "-o", "out.h5", *TYPES)
    feed(t, lambda: rewrite(t.path("out.h5"), "w", "theirs"))
    assert t.bytes_of("out.h5") == b"theirs"
    os.unlink(t.path("out.h5"))
    t.failed("out.h5", "appeared")


def test_output_directory_is_removed_meanwhile(tmp_path):
    t = Trial(tmp_path, "-", "-o", "d/out.h5", *TYPES)
    os.mkdir(t.path("d"))
    feed(t, lambda: shutil.rmtree(t.path("d"))).failed("d/out.h5", os.strerror(errno.ENOENT))


def test_output_directory_is_locked_meanwhile(strangers_folder):
    """Then nobody may remove the temporary, either."""
    t = Trial(strangers_folder, "-", "-o", "out.h5", *TYPES)
    start = t.start
    t.start = lambda **more: start(user=STRANGER, **more)
    feed(t, lambda: os.chmod(t.folder, 0o555))
    os.chmod(t.folder, 0o755)
    assert t.status == 1 and "out.h5" in t.err and os.strerror(errno.EACCES) in t.err, t
    assert all(name.startswith(".out.h5.shmload-") for name in t.new_files()), t


# ---- standard descriptors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(tmp_path, closed):
    """The output never gets their numbers, and so never a message."""
    want = reference(tmp_path, "a.txt", "-o", "out.h5", a_txt=SMALL)
    for args in ["-v"], ["-q"]:
        t = Trial(tmp_path / args[0], "a.txt", "-o", "out.h5", *args, a_txt=SMALL)
        done = subprocess.run(["sh", "-c", "exec \"$@\" " + closed, "sh", PROGRAM, *t.args], cwd=t.folder,
                              stdout=subprocess.DEVNULL)
        t.status, t.err = done.returncode, ""
        t.stored(want)
    t = Trial(tmp_path / "fails", "a.txt", "-o", "out.h5", a_txt=SMALL.replace("2500", "bad", 1) + "1 2\n")
    done = subprocess.run(["sh", "-c", "exec \"$@\" " + closed, "sh", PROGRAM, *t.args], cwd=t.folder,
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    t.status, t.err = done.returncode, ""
    t.failed(lines=False)


@pytest.mark.parametrize("args, status, word",
                         [(["-"], 1, "standard input is closed"), (["-T", "-"], 1, "--files-from"),
                                                (["a.txt", "-n"], 1, "standard output"),
                                                (["a.txt", "--json"], 1, "is complete")])
def test_closed_descriptors_that_are_needed(tmp_path, args, status, word):
    t = Trial(tmp_path, *args, *([] if "-n" in args else ["-o", "out.h5"]), a_txt=SMALL)
    done = subprocess.run(["sh", "-c", "exec \"$@\" <&- >&-", "sh", PROGRAM, *t.args], cwd=t.folder,
                          stderr=subprocess.PIPE)
    assert done.returncode == status and word in done.stderr.decode(), done
    assert t.new_files() == ({"out.h5"} if "--json" in args else set())


@pytest.fixture
def full_device(tmp_path):
    """A device of the folder's own: no test should come near the machine's."""
    path = tmp_path / "full"
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
        with open(path, "w") as f:
            f.write("x")
    except OSError as e:
        if e.errno != errno.ENOSPC:
            pytest.skip("no device of that kind can be made here")
    return path


def test_full_standard_output(tmp_path, full_device):
    for i, args in enumerate((["-n"], ["--json", "-o", "out.h5"], ["-n", "--json"])):
        t = Trial(tmp_path / str(i), "a.txt", *args, a_txt=SMALL)
        with open(full_device, "w") as full:
            t.run(stdout=full)
        assert t.status == 1 and "standard output" in t.err and len(t.err.splitlines()) <= 2, t
        assert t.new_files() == ({"out.h5"} if "-o" in args else set())
        assert "-o" not in args or "out.h5 is complete" in t.err


@pytest.mark.parametrize("args", [[], ["-f"], ["-a"], ["-f", "-z", "1"]], ids=" ".join)
def test_device_is_no_output(tmp_path, full_device, args):
    Trial(tmp_path / "run", "in.txt", "-o", full_device, *args, in_txt=SMALL).run().failed("full", "not a regular file")
    assert stat.S_ISCHR(os.stat(full_device).st_mode)


@pytest.mark.parametrize("text", ["1\nx\n3\n", "1\nx\nx\n"], ids=["stored", "failed"])
def test_device_is_no_file_for_rejects(tmp_path, full_device, text):
    """Not written to, and above all not removed."""
    t = Trial(tmp_path / "run", "in.txt", "-o", "out.h5", "-f", "-t", "v:i4", "--max-errors", "1", "--rejects",
              full_device, mine=b"mine", in_txt=text)
    t.run().failed("not a regular file")
    assert stat.S_ISCHR(os.stat(full_device).st_mode)


def test_rejects_of_before_survive_a_failure(tmp_path):
    t = Trial(tmp_path, "in.txt", "-o", "out.h5", "-f", "-t", "v:i4", "--max-errors", "1", "--rejects", "r.tsv",
              mine=b"mine", in_txt="1\nx\ny\n", r_tsv="old")
    t.run().failed("in.txt:2")
    assert t.bytes_of("r.tsv") == b"old"
    t = Trial(tmp_path, "in.txt", "-o", "other.h5", "-t", "v:i4", "--max-errors", "2", "--rejects", "r.tsv")
    t.run().failed("r.tsv", "--force")
    assert t.bytes_of("r.tsv") == b"old"
    assert Trial(tmp_path, "in.txt", "-n", "-t", "v:i4", "--max-errors", "2", "--rejects",
                 "r.tsv").run().status in (1, 3)
    assert t.bytes_of("r.tsv") == b"old"


@pytest.mark.parametrize("args", [["-n"], ["-v", "-o", "out.h5"], ["--json", "-o", "out.h5"], ["-n", "--json"]],
                         ids=" ".join)
def test_reader_leaves_after_a_line(tmp_path, args):
    """head -1: no trouble to a dry run, and none to an output either."""
    names = ["a%d=in.txt" % i for i in range(1500)]
    t = Trial(tmp_path, *names, *args,
              in_txt="1 x\n").start(**{"stderr" if "-v" in args else "stdout": subprocess.PIPE})
    pipe = t.process.stderr if "-v" in args else t.process.stdout
    assert os.read(pipe.fileno(), 10)
    pipe.close()
    if "-v" in args:
        t.process.stderr = None
    else:
        t.process.stdout = None
    t.finish()
    assert t.new_files() == ({"out.h5"} if "-o" in args else set()), t
    assert t.status == 0 or "--json" in args and t.status == 1, t


# ---- every call fails in turn ---------------------------------------------------------------------------------------

needs_library = pytest.mark.skipif(sanitized() or counted() or not os.path.exists(LIBRARY),
                                   reason="needs failing.so, and no calls but our own")

BAD = "1 2\nx y\n3 4\n"
MIXED = "".join("%d\n" % i for i in range(150_000)) + "word\n" + "".join("%d\n" % i for i in range(150_000))
FILES = {"a_txt": SMALL, "b_csv": "# n\nx,y\n1,2\n3,4\n", "bad_txt": BAD, "bad2_txt": BAD, "mixed_txt": MIXED,
         "long_txt": text_of(60_000), "list": "a.txt\nb.csv\n",
         "in_txt_gz": gzip.compress(text_of(60_000).encode(), 1)}
SCENES = {  # arguments and what a run without a fault gives
    "contiguous": (["a.txt", "b.csv", "-o", "out.h5", "-j", "2"], 0),
    "pieces": (["long.txt", "a.txt", "-o", "out.h5", "--slice", "1M", "-j", "2", *TYPES], 0),
    "packed": (["long.txt", "a.txt", "-o", "out.h5", "-f", "-z", "1", "-j", "2"], 0),
    "gzip": (["in.txt.gz", "a.txt", "-o", "out.h5", "-j", "4"], 0),
    "gzip, packed": (["in.txt.gz", "-o", "out.h5", "-z", "4", "--memory", "24M", *TYPES], 0),
    "pipe": (["-", "-o", "out.h5"], 0),
    "pipe, typed": (["-", "-o", "out.h5", *TYPES], 0),
    "rejects": (["bad.txt", "bad2.txt", "-o", "out.h5", "-t", "a:i4,b:i4", "--max-errors", "5", "--rejects",
                 "rejects.tsv"], 3),
    "two passes": (["mixed.txt", "-o", "out.h5", "-j", "2"], 0),
    "list": (["-T", "list", "-o", "out.h5", "-f", "--json"], 0),
    "concat": (["bad.txt", "bad2.txt", "-o", "out.h5", "--concat", "all", "-t", "a:S2,b:S2"], 0),
    "append": (["long.txt", "b.csv", "-o", "out.h5", "-a", "-j", "2"], 0),
    "dry run": (["-n", "a.txt", "b.csv"], 0),
}
CALLS = {  # errno that it fails with
    "mmap": "ENOMEM", "madvise": "EINVAL", "fork": "EAGAIN", "socketpair": "EMFILE", "ppoll": "ENOMEM",
    "send": "ENOBUFS", "read": "EIO",
    "pread": "EIO", "write": "ENOSPC", "pwrite": "ENOSPC", "ftruncate": "EIO", "fsync": "EIO", "fchmod": "EPERM",
    "close": "EIO", "link": "EPERM",
    "rename": "EACCES", "open": "EMFILE", "fopen": "EMFILE", "stat": "EIO", "lstat": "EIO", "fstat": "EIO",
    "lseek": "EIO", "opendir": "EMFILE",
    "fcntl": "ENOLCK", "mkostemp": "EACCES",
}


@functools.lru_cache(maxsize=None)
def own_code():
    """Where the program's own functions are, as from-to,... in hexadecimal.

    HDF5 may be linked into it, and all its names begin with H5.
    """
    found, inside = "", False
    for line in subprocess.run(["nm", "-n", PROGRAM], stdout=subprocess.PIPE, check=True).stdout.decode().splitlines():
        address, kind, name = line.split() if len(line.split()) == 3 else ("", "", "")
        own = kind in ("t", "T") and not name.startswith("H5")
        if address and own != inside:
            found += address + ("-" if own else ",")
            inside = own
    return found


class Sweep:
    """One scene, run again and again with one call after the other failing."""

    def __init__(self, tmp_path, scene):
        self.tmp_path, self.shift = tmp_path, list(SCENES).index(scene)
        self.args, self.status = SCENES[scene]
        self.named = "-o" in self.args
        self.beside = ["rejects.tsv"] if "--rejects" in self.args else []
        self.mine = b"mine" if "-f" in self.args else None
        if "-a" in self.args:
            self.mine = reference(tmp_path / "first", "old=a.txt", "-o", "out.h5", *TYPES, **FILES)
        files = Trial(tmp_path / "files", **FILES)
        self.links = [files.path(name) for name in files.before]
        if self.named:
            self.want = reference(tmp_path, *self.args, statuses=(self.status,), beside=self.beside,
                                  stdin=SMALL.encode(),
                                  mine=self.mine, links=self.links)

    def run(self, call, at, number="EIO", caller="", ever=False):
        folder = self.tmp_path / ("%s-%d-%s" % (call, at, caller))
        count = str(folder) + ".count"
        with open(count, "wb") as f:
            f.write(bytes(8))
        t = Trial(folder, *self.args, mine=self.mine, links=self.links)
        env = {"LD_PRELOAD": LIBRARY, "FAILING_CALL": call, "FAILING_AT": str(at), "FAILING_COUNT": count,
               "FAILING_CALLER": caller,
               "FAILING_PROGRAM": own_code() if caller else "",
               "FAILING_ERRNO": str(getattr(errno, number, 0)), **({"FAILING_EVER": "1"} if ever else {})}
        with subprocess.Popen(["cat", t.path("a.txt")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as source:
            t.start(env=env, stdin=source.stdout)
            source.stdout.close()
            t.finish()
        t.what = "%s number %d" % (call, at)
        with open(count, "rb") as f:
            t.n_calls = struct.unpack("<Q", f.read())[0]
        return t

    def judge(self, t):
        if t.status == self.status:
            return t.stored(self.want, statuses=(self.status,), beside=self.beside) if self.named else t
        if "complete" in t.err:  # the fault came when the name was given: its directory's sync, or the lines set aside
            assert t.status == 1 and t.bytes_of("out.h5") == self.want, (t.what, t)
            return t
        # the options' own memory is asked for before anything is known
        t.failed(statuses=(1, 2) if "memory" in t.err else (1,))
        return t

    def turns(self, n, at_most):
        """All calls when they are few or time is plenty; else some, from first to last, other ones in each scene."""
        if EVERYTHING or n <= at_most:
            return range(1, n + 1)
        return sorted({1 + (i * n + self.shift * n // len(SCENES)) // at_most % n for i in range(at_most)})

    def each(self, todo):
        """Runs of (call, at, errno, caller), judged. Most of a run's time is spent waiting for the disk."""
        with concurrent.futures.ThreadPoolExecutor(4 * os.cpu_count()) as pool:
            for t in pool.map(lambda what: self.run(*what), todo):
                try:
                    self.judge(t)
                except AssertionError as e:
                    raise AssertionError("%s: %s" % (t.what, e))
                shutil.rmtree(t.folder)

    def every(self, calls, caller="", at_most=40):
        """Each of the calls (name: errno) fails in turn. Returns how many calls there are."""
        with concurrent.futures.ThreadPoolExecutor(4 * os.cpu_count()) as pool:
            counts = list(pool.map(lambda call: self.run(call, 0, calls[call], caller).n_calls, calls))
        self.each([(call, at, calls[call], caller) for call, n in zip(calls, counts) for at in self.turns(n, at_most)])
        return sum(counts)


@needs_library
@pytest.mark.parametrize("scene", SCENES)
def test_every_system_call_fails_once(tmp_path, scene):
    assert Sweep(tmp_path, scene).every(CALLS, at_most=5) > 40, "the library counts nothing"


@needs_library
@pytest.mark.parametrize("scene", SCENES)
def test_every_allocation_fails_once(tmp_path, scene):
    """Those of the program itself."""
    assert Sweep(tmp_path, scene).every({"malloc": "ENOMEM"}, "program", at_most=100 if scene == "pieces" else 20) > 30


@needs_library
@pytest.mark.parametrize("scene", ["contiguous", "packed", "append", "gzip", "pipe"])
@pytest.mark.parametrize("number", ["EINTR", "short"])
def test_calls_that_are_interrupted(tmp_path, scene, number):
    """Reads and writes that do half their work or none are none the worse for it."""
    sweep = Sweep(tmp_path, scene)
    for call in "read", "pread", "write", "pwrite":
        for at in 1, 2, 3, 5, 8:
            sweep.run(call, at, number).stored(sweep.want)
        sweep.run(call, 4, number, ever=number == "short").stored(sweep.want)


@needs_library
@pytest.mark.parametrize("call, number, word", [
    ("pwrite", "ENOSPC", "No space left"), ("pwrite", "EDQUOT", "quota"), ("fork", "EAGAIN", "cannot start a worker"),
    ("ppoll", "ENOMEM", "workers"),
    ("pread", "EIO", "error"), ("fsync", "EIO", "error"), ("socketpair", "ENFILE", "cannot start a worker"),
    ("mmap", "ENOMEM", "memory"), ("open", "EMFILE", "open"),
])
@pytest.mark.parametrize("scene", ["contiguous", "packed"])
def test_calls_fail_from_some_time_on(tmp_path, scene, call, number, word):
    sweep = Sweep(tmp_path, scene)
    for at in 1, 2, 5:
        t = sweep.judge(sweep.run(call, at, number, ever=True))
        assert t.status == 0 or word in t.err, t


@needs_library
@pytest.mark.parametrize("call, number",
                         [("madvise", "EINVAL"), ("fcntl", "ENOLCK"), ("link", "EPERM"), ("opendir", "EACCES"),
                          ("fopen", "EACCES"),
                                          ("pthread_create", "EAGAIN")])
def test_calls_that_are_not_needed(tmp_path, call, number):
    """Old kernels, file systems without locks or hard links, no room for a thread."""
    sweep = Sweep(tmp_path, "gzip" if call == "pthread_create" else "contiguous")
    t = sweep.run(call, 1, number, ever=True)
    assert t.n_calls > 0, "it is not called"
    t.stored(sweep.want)


@needs_library
def test_allocations_of_libraries(tmp_path):
    """HDF5 1.10 itself may crash when malloc(3) fails in it. Then the run is as one that was killed: no half output,
    no worker, and the next run clears away."""
    sweep = Sweep(tmp_path, "contiguous")
    n = sweep.run("malloc", 0, "ENOMEM", "library").n_calls
    crashed = {128 + signal.SIGSEGV, 128 + signal.SIGABRT, 255}
    with concurrent.futures.ThreadPoolExecutor(4 * os.cpu_count()) as pool:
        for t in pool.map(lambda at: sweep.run("malloc", at, "ENOMEM", "library"), sweep.turns(n, 50)):
            if t.status not in crashed:
                sweep.judge(t)
            else:
                assert "out.h5" not in t.new_files() and len(t.new_files()) <= 1, t
                again = Trial(t.folder, *sweep.args)
                again.before -= t.new_files()
                again.run().stored(sweep.want)
            shutil.rmtree(t.folder)
