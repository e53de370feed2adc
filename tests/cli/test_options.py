"""The command line: help, man page and table agree; what is wrong is exit status 2 and one line."""
import glob
import os
import re
import shutil
import subprocess

import pytest

from conftest import DATA, ROOT

MAN = os.path.join(ROOT, "man", "shmload.1")
TEXT = "id name mass\n1 x 2.5\n22 yy 3000000000.5\n"


def help_options(tool):
    """{long name: letter or None} from --help."""
    found = re.findall(r"^ +(?:-(\w), +)?--([a-z-]+)", tool.ok("--help").out, re.M)
    assert found
    return {name: letter or None for letter, name in found}


def man_options():
    with open(MAN) as f:
        found = re.findall(r"^\.It (?:Fl (\w) , )?Fl Fl ([a-z-]+)", f.read(), re.M)
    return {name: letter or None for letter, name in found}


def test_help_and_man_page_agree(tool):
    assert help_options(tool) == man_options()


def test_every_option_of_help_is_taken(tool):
    for name, letter in help_options(tool).items():
        err = tool.run("--" + name + "=").err
        assert "unknown option" not in err, name
        if letter not in (None, "h", "V"):
            assert "unknown option" not in tool.run("-" + letter).err, letter


def test_readme_names_only_options_there_are(tool):
    with open(os.path.join(ROOT, "README.md")) as f:
        text = f.read()
    commands = re.findall(r"^ +(?:.*\| )?shmload ([^#\n]*)", text, re.M) + re.findall(r"`(--[^`]*)`", text)
    used = {name for command in commands for name in re.findall(r"--([a-z-]+)", command)}
    assert used and used <= set(help_options(tool))


def test_readme_runs_on_the_sample_data(tool):
    """Its commands about data/ do what they say, without a notice of anything amiss."""
    os.symlink(DATA, tool.path("data"))
    with open(os.path.join(ROOT, "README.md")) as f:
        commands = [c for c in re.findall(r"^ +shmload ([^#\n]*)", f.read(), re.M) if "data/" in c]
    assert len(commands) >= 4
    for command in commands:
        words = [w for word in command.split() for w in (sorted(glob.glob(tool.path(word))) or [word])]
        err = tool.ok(*words).err
        assert len(err.splitlines()) <= 1 and "if" not in err.split(), err


def test_man_page_is_clean():
    if not shutil.which("mandoc"):
        pytest.skip("no mandoc")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", MAN], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout.decode()


def test_help_fits_a_terminal(tool):
    assert max(map(len, tool.ok("-h").out.splitlines())) < 80
    assert tool.ok("-h").out == tool.ok("--help").out


def test_version(tool):
    with open(os.path.join(ROOT, "include", "options.h")) as f:
        version = re.search(r'SHMLOAD_VERSION "(.*)"', f.read()).group(1)
    out = tool.ok("--version").out
    assert version in out and "HDF5 1." in out
    assert "scalar" in tool.ok("-V", env={"SHMLOAD_KERNEL": "scalar"}).out


@pytest.mark.parametrize("arguments", [
    [], ["in.txt"], ["-o", "out.h5"], ["in.txt", "-o", "out.h5", "--nope"], ["in.txt", "-o", "out.h5", "-Z"],
    ["in.txt", "-o"],
    ["in.txt", "-o", "out.h5", "-j", "0"], ["in.txt", "-o", "out.h5", "-j", "x"],
    ["in.txt", "-o", "out.h5", "-d", "ab"],
    ["in.txt", "-o", "out.h5", "-d", '"'], ["in.txt", "-o", "out.h5", "--header", "maybe"],
    ["in.txt", "-o", "out.h5", "--max-errors", "-1"],
    ["in.txt", "-o", "out.h5", "--memory", "1Q"], ["in.txt", "-o", "out.h5", "--skip-lines", "1.5"],
    ["in.txt", "-o", "out.h5", "-q", "-v"],
    ["in.txt", "-o", "out.h5", "--widths", "1,0"], ["in.txt", "-o", "out.h5", "--widths", "1,2", "-d", ","],
    ["in.txt", "-o", "-"],
    ["in.txt", "-o", "out.h5", "--rejects", "r"], ["in.txt", "-o", "out.h5", "-0"],
    ["in.txt", "-o", "out.h5", "-t", "@nothing"],
], ids=" ".join)
def test_wrong_command_lines(tool, arguments):
    tool.write("in.txt", TEXT)
    result = tool.run(*arguments)
    assert result.status == 2, result
    assert result.out == "" and re.fullmatch(r"shmload: .*--help'?\n", result.err), result
    assert tool.files() == ["in.txt"]


@pytest.mark.parametrize("name", ["meth_ctrl1.txt", "station.txt", "simulation.txt", "plate.csv"])
def test_dry_run_can_be_pasted(tool, name):
    path = os.path.join(DATA, name)
    shown = tool.ok("-n", path)
    assert tool.files() == []
    tool.ok(path, "-o", "inferred.h5")
    inferred = tool.read(name.rpartition(".")[0], "inferred.h5")
    line = next(l for l in shown.out.splitlines() if "%s:" % inferred.dtype.names[0] in l.replace("'", ""))
    dtype = max(line.split(), key=len).strip("'\"")
    tool.ok(path, "-o", "given.h5", "-t", dtype)
    given = tool.read(name.rpartition(".")[0], "given.h5")
    assert given.dtype == inferred.dtype and given.tobytes() == inferred.tobytes()
    assert str(len(inferred)) in shown.out


@pytest.mark.parametrize("header", ["a b", "'a','b'", '"a = b","x#y"', "1,5;2"])
@pytest.mark.parametrize("quiet", [["-q"], []])
def test_dry_run_is_a_dtype_file(tool, header, quiet):
    delimiter = "," if "," in header else " "
    for name in "in=1.txt", "b:c.txt":
        tool.write(name, header + "\n" + delimiter.join(["1", "2.5"]) + "\n")
    inferred = tool.ok("-n", *quiet, "x=in=1.txt", "y=b:c.txt").out
    tool.write("my.dtype", inferred)
    assert tool.ok("-n", *quiet, "-t", "@my.dtype", "x=in=1.txt", "y=b:c.txt").out == inferred


def test_dry_run_finds_bad_lines(tool):
    tool.write("in.txt", "1 x\ny x\n")
    assert tool.run("-n", "in.txt", "-t", "a:i4,s:S1").status == 1


def test_locale_does_not_matter(tool):
    for name in "de_DE.UTF-8", "tr_TR.UTF-8", "C":
        assert tool.load("1.5 INF\n", "-t", "a:f8,b:f8", env={"LC_ALL": name}).tolist() == [(1.5, float("inf"))]
