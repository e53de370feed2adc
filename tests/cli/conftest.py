"""conftest.py - runs the built program in a folder of its own and reads its output back with h5py.

The program is the one that SHMLOAD names, else build/shmload. What a test expects comes from Python's own int, float
and fractions or from numpy, never from shmload.
"""
import os
import resource
import signal
import subprocess

import h5py
import numpy as np
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.abspath(os.environ.get("SHMLOAD") or os.path.join(ROOT, "build", "shmload"))
DATA = os.path.join(ROOT, "data")


# A shell starts what it puts into the background with SIGINT and SIGQUIT ignored, and that is inherited.
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


class Result:
    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout.decode(errors="replace")
        self.err = done.stderr.decode(errors="replace")

    def __repr__(self):
        return "exit status %d\n--- stdout\n%s--- stderr\n%s" % (self.status, self.out, self.err)


class Tool:
    """shmload in one folder; the folder's paths are relative, so that messages are short and the same everywhere."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return name

    def bytes_of(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def exists(self, name):
        return os.path.lexists(self.path(name))

    def files(self):
        return sorted(os.listdir(self.folder))

    def run(self, *args, stdin=b"", env=None, timeout=60, **more):
        done = subprocess.run([PROGRAM, *map(str, args)], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              cwd=self.folder, env={**os.environ, **(env or {})}, timeout=timeout, **more)
        return Result(done)

    def ok(self, *args, **more):
        result = self.run(*args, **more)
        assert result.status == 0, result
        return result

    def read(self, dataset="in", output="out.h5"):
        with h5py.File(self.path(output), "r") as f:
            return f[dataset][()]

    def load(self, text, *args, name="in.txt", dataset="in", **more):
        """The rows that one file with this text becomes."""
        self.write(name, text)
        self.ok(name, "-o", "out.h5", "-f", *args, **more)
        return self.read(dataset)

    def refuse(self, text, *args, name="in.txt", status=1, **more):
        """The messages about one file with this text, which must leave no output behind."""
        self.write(name, text)
        before = self.files()
        result = self.run(name, "-o", "refused.h5", *args, **more)
        assert result.status == status, result
        assert self.files() == before, "something was left behind"
        return result.err


@pytest.fixture(scope="session", autouse=True)
def no_core_files():
    """SIGQUIT and a lost worker would leave some."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


@pytest.fixture
def tool(tmp_path):
    assert os.access(PROGRAM, os.X_OK), "build the program first: make"
    return Tool(str(tmp_path))


def same_rows(got, want):
    """Field by field, since NaN equals NaN there, but not in whole records."""
    assert got.dtype == want.dtype and got.shape == want.shape
    for name in want.dtype.names:
        np.testing.assert_array_equal(got[name], want[name])


def has_symbol(name):
    if not os.path.exists(PROGRAM):
        return False
    with open(PROGRAM, "rb") as f:
        return name in f.read()


def sanitized():
    """True for a build with the address sanitizer."""
    return has_symbol(b"__asan_init")


def counted():
    """True for a build that counts its coverage, in files of its own."""
    return has_symbol(b"__gcov_")


def children(pid):
    """Process ids of the living children."""
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return [int(word) for word in f.read().split()]
    except FileNotFoundError:
        return []
