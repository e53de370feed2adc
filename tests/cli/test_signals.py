"""Interruption: 128+n, no temporary, no half output, no process left; and workers that are lost."""
import os
import signal
import subprocess
import time

import pytest

from conftest import PROGRAM, children

LINE = b"chr1 123456 99.5\n"


def start(tool, *args):
    """shmload on a pipe that stays open: it has work and never comes to its end."""
    p = subprocess.Popen([PROGRAM, "-", "-o", "out.h5", "-t", "chr:S5,pos:i4,pct:f4", *args], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tool.folder, start_new_session=True)
    p.stdin.write(LINE * 300_000)
    p.stdin.flush()
    return p


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    return condition()


def gone(session):
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return True
    return False


def finish(p):
    """Exit status as a shell gives it, and the messages."""
    try:
        out, err = p.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        raise
    return (128 - p.returncode if p.returncode < 0 else p.returncode), err.decode()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
@pytest.mark.parametrize("existing", [False, True])
def test_signal(tool, name, existing):
    if existing:
        tool.write("out.h5", "mine")
    p = start(tool, *(["-f"] if existing else []))
    at_work = wait_for(lambda: children(p.pid) and [n for n in tool.files() if n.endswith(".tmp")])
    assert at_work, "there should be a temporary"
    os.kill(p.pid, getattr(signal, name))
    status, err = finish(p)
    assert status == 128 + getattr(signal, name), err
    assert wait_for(lambda: gone(p.pid)), "a process is left"
    assert tool.files() == (["out.h5"] if existing else [])
    if existing:
        assert tool.bytes_of("out.h5") == b"mine"


def test_signal_to_the_whole_group(tool):
    """As Ctrl-C does it: workers get it too."""
    p = start(tool)
    assert wait_for(lambda: children(p.pid))
    os.killpg(p.pid, signal.SIGINT)
    assert finish(p)[0] == 130
    assert wait_for(lambda: gone(p.pid)) and tool.files() == []


def test_killed_worker(tool):
    p = start(tool)
    workers = wait_for(lambda: children(p.pid))
    os.kill(workers[0], signal.SIGKILL)
    status, err = finish(p)
    assert status == 1 and ("9" in err or "illed" in err), err
    assert wait_for(lambda: gone(p.pid)) and tool.files() == []


def test_killed_parent(tool):
    """kill -9: the workers follow, and the next run removes the temporary."""
    p = start(tool)
    assert wait_for(lambda: children(p.pid))
    os.kill(p.pid, signal.SIGKILL)
    p.communicate()
    assert wait_for(lambda: gone(p.pid)), "a worker outlives its parent"
    assert not tool.exists("out.h5")
    tool.write("in.txt", "1 x\n")
    tool.ok("in.txt", "-o", "out.h5")
    assert tool.files() == ["in.txt", "out.h5"]


def test_closed_standard_output(tool):
    tool.write("in.txt", "1 x\n")
    r, w = os.pipe()
    os.close(r)
    p = subprocess.Popen([PROGRAM, "in.txt", "-o", "out.h5", "-v"], stdin=subprocess.DEVNULL, stdout=w, stderr=w,
                         cwd=tool.folder)
    os.close(w)
    assert p.wait(timeout=20) in (0, 1, 128 + signal.SIGPIPE, -signal.SIGPIPE)
    assert tool.files() in (["in.txt"], ["in.txt", "out.h5"])
