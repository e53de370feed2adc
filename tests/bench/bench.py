#!/usr/bin/env python3
"""bench.py - how fast shmload is on this machine, beside `cat` and beside a Python script that does the same.

Run as: make bench, make bench-quick, or
        bench.py [--quick] [--rounds N] [--only WORDS] [--patience SECONDS] [--json FILE]

What is measured
    Corpora of invented tables, made by corpus.c and kept in BENCH_DIR (build/bench). On each: shmload with given types
    and with types that it finds, `cat` into a file as the floor, also with the fsync that shmload does, and
    python_way.py. Then the kernels alone, by kernel_bench: GB of text per second on one core.

How
    Wall time from start to exit, inputs in the page cache. A round runs every contender once, in an order that changes
    from round to round; ratios are taken within a round, since the speed of shared machines drifts, then the median.
    Before each run: wait until others leave the CPUs alone, remove old outputs, sync, touch and free memory, read the
    inputs. Touching matters where a hypervisor takes free memory back, which makes its next use many times slower.
    "others %" is what other processes used of all CPUs during the runs (median); over 10, repeat the benchmark.
    Peak memory is that of all processes of a contender together, anonymous and shared but not page cache, from a run of
    its own: in a memory cgroup where we may make one, otherwise as a sum of proportional set sizes.
    After the first round all values that shmload stored are compared with those of np.loadtxt; should they differ, the
    exit status is 1.

Environment: BENCH_DIR, SHMLOAD, KERNEL_BENCH, CORPUS (the three programs, in build/ by default).
"""
import argparse
import collections
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def from_environment(name, default):
    return os.path.abspath(os.environ.get(name) or os.path.join(ROOT, "build", default))


BENCH_DIR = from_environment("BENCH_DIR", "bench")
SHMLOAD = from_environment("SHMLOAD", "shmload")
KERNEL_BENCH = from_environment("KERNEL_BENCH", "kernel_bench")
CORPUS = from_environment("CORPUS", "corpus")
OUT = os.path.join(BENCH_DIR, "out")
LOG = os.path.join(BENCH_DIR, "last.log")
N_CPUS = len(os.sched_getaffinity(0))
MB = 1000 * 1000

# ---- corpora -------------------------------------------------------------------------------------------------------

METHYLATION = "chr:S10,pos:i4,pct:f4,c:i4,t:i4"
CLIMATE = ",".join("f%d:%s" % field for field in enumerate(["i4"] * 2 + ["f8"] * 8 + ["S1"] + ["f8"] * 17))

Shape = collections.namedtuple("Shape", "made_as dtype delimiter header_lines")
A = Shape("methylation", METHYLATION, "\t", 0)
B = Shape("climate", CLIMATE, "blanks", 0)
C = Shape("csv", METHYLATION, ",", 1)

# n_files files of file_bytes each; a quick run takes a tenth of the corpus.
Corpus = collections.namedtuple("Corpus", "name shape n_files file_bytes about gz", defaults=[False])
FULL = [
    Corpus("A", A, 4, 100 * MB, "chr pos pct c t, tabs"),
    Corpus("A-one", A, 1, 400 * MB, "the same in one file"),
    Corpus("A-many", A, 2000, 20 * 1000, "the same in many small files"),
    Corpus("A-gz", A, 4, 25 * MB, "the same, gzipped", gz=True),
    Corpus("B", B, 4, 50 * MB, "28 columns padded with blanks"),
    Corpus("C", C, 4, 50 * MB, "quoted CSV with a header"),
]


def tenth(corpus):
    if corpus.n_files > 10:
        return corpus._replace(n_files=corpus.n_files // 10)
    return corpus._replace(file_bytes=corpus.file_bytes // 10)


def remake(folder, corpus):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    suffix = ".csv" if corpus.shape is C else ".txt"
    files = [os.path.join(folder, "%s%04d%s" % (corpus.name[0], i, suffix)) for i in range(corpus.n_files)]
    subprocess.run([CORPUS, corpus.shape.made_as, str(corpus.file_bytes), *files], check=True)
    if corpus.gz:
        for zipper in [subprocess.Popen(["gzip", "-6", "-n", f]) for f in files]:
            if zipper.wait() != 0:
                sys.exit("bench: gzip failed")


def files_of(corpus):
    """The corpus's files, made unless they are there and the generator has not changed since."""
    folder = os.path.join(BENCH_DIR, "%s-%dx%d" % (corpus.name, corpus.n_files, corpus.file_bytes))
    made_by = os.path.join(folder, "made-by")
    with open(os.path.join(HERE, "corpus.c"), "rb") as f:
        generator = hashlib.sha1(f.read()).hexdigest()
    try:
        with open(made_by) as f:
            fresh = f.read() == generator
    except OSError:
        fresh = False
    if not fresh:
        note("making corpus %s in %s" % (corpus.name, folder))
        remake(folder, corpus)
        with open(made_by, "w") as f:
            f.write(generator)
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name != "made-by"]


def text_bytes(corpus, files):
    """Bytes of text; the trailer of a gzip file has them in its last four bytes (RFC 1952)."""
    if not corpus.gz:
        return sum(os.path.getsize(f) for f in files)
    total = 0
    for name in files:
        with open(name, "rb") as f:
            f.seek(-4, os.SEEK_END)
            total += int.from_bytes(f.read(), "little")
    return total


# ---- contenders ----------------------------------------------------------------------------------------------------

Contender = collections.namedtuple("Contender", "name command is_floor", defaults=[False])
GIVEN, FOUND, PYTHON = "shmload -t TYPES", "shmload", "np.loadtxt, h5py"
BOUNDED = "A", "A-one"  # corpora on which shmload runs with little memory too


def shell(script, files):
    return ["sh", "-c", script, OUT, *files]


def contenders(corpus, files):
    shape = corpus.shape
    cat = "gzip -dc" if corpus.gz else "cat"
    loading = [SHMLOAD, "-q", "-o", OUT, *files]
    given = loading + ["-t", shape.dtype]
    bounded = [Contender(GIVEN + " --memory 128M", given + ["--memory", "128M"])] if corpus.name in BOUNDED else []
    python = [sys.executable, os.path.join(HERE, "python_way.py"), OUT, shape.dtype, shape.delimiter,
              str(shape.header_lines), *files]
    return [
        Contender("cat" if cat == "cat" else "zcat", shell(cat + ' "$@" > "$0"', files), is_floor=True),
        Contender("  and fsync", shell(cat + ' "$@" > "$0" && sync "$0"', files), is_floor=True),
        Contender(GIVEN, given),
        Contender(FOUND, loading),
        *bounded,
        Contender(PYTHON, python),
    ]


# ---- one run -------------------------------------------------------------------------------------------------------

Run = collections.namedtuple("Run", "wall cpu others")


def busy_seconds():
    """CPU seconds of all processes since the start of the machine: proc(5), /proc/stat, without idle and iowait."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq = map(int, f.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def wait_for_quiet(patience):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        before = busy_seconds()
        time.sleep(0.1)
        if busy_seconds() - before < 0.1 * 0.1 * os.cpu_count():
            return


def remove_output():
    with contextlib.suppress(FileNotFoundError):
        os.unlink(OUT)


def memory_free():
    with open("/proc/meminfo") as f:
        return int(re.search(r"MemFree: +(\d+) kB", f.read()).group(1)) * 1024


def touch_memory(n_bytes):
    memory = np.empty(min(n_bytes, memory_free() // 2), np.uint8)
    memory[::4096] = 1


def read_all(files):
    for name in files:
        with open(name, "rb", buffering=0) as f:
            while f.read(1 << 20):
                pass


def settle(files, text, options):
    """Text, output and what the hungriest contender holds in memory are about four times the text."""
    wait_for_quiet(options.patience)
    remove_output()
    os.sync()
    touch_memory(4 * text + 100 * MB)
    read_all(files)


def start(command):
    with open(LOG, "wb") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def finish(process, name):
    """Waits for the process; what it and its children used. A benchmark of something that fails is worth nothing."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        with open(LOG, errors="replace") as log:
            sys.exit("bench: %s failed (%d): %s" % (name.strip(), process.returncode, log.read()[-1000:].strip()))
    return usage.ru_utime + usage.ru_stime


def timed_run(contender):
    busy = busy_seconds()
    began = time.monotonic()
    cpu = finish(start(contender.command), contender.name)
    wall = time.monotonic() - began
    return Run(wall, cpu, max(0.0, busy_seconds() - busy - cpu) / (wall * os.cpu_count()))


# ---- memory --------------------------------------------------------------------------------------------------------

def make_cgroup():
    """A memory cgroup of our own (version 2 or 1), or None."""
    for base in "/sys/fs/cgroup", "/sys/fs/cgroup/memory":
        folder = os.path.join(base, "shmload-bench-%d" % os.getpid())
        with contextlib.suppress(OSError):
            os.mkdir(folder)
            if os.path.exists(os.path.join(folder, "memory.stat")):
                return folder
            os.rmdir(folder)
    return None


def remove_cgroup(folder):
    for _ in range(100):  # a process that has just ended may still be in it
        with contextlib.suppress(OSError):
            return os.rmdir(folder)
        time.sleep(0.01)


def cgroup_bytes(folder):
    with open(os.path.join(folder, "memory.stat")) as f:
        stat = dict(line.split() for line in f)
    return int(stat["anon"] if "anon" in stat else stat["rss"]) + int(stat["shmem"])


def process_tree(pid):
    yield pid
    with contextlib.suppress(OSError), open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        for child in f.read().split():
            yield from process_tree(int(child))


def tree_bytes(pid):
    """Anonymous and shared memory, what several processes map divided among them: proc(5), smaps_rollup."""
    total = 0
    for p in process_tree(pid):
        with contextlib.suppress(OSError), open("/proc/%d/smaps_rollup" % p) as f:
            total += 1024 * sum(map(int, re.findall(r"^Pss_(?:Anon|Shmem): +(\d+) kB", f.read(), re.M)))
    return total


def still_runs(process):
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def peak_memory(contender, cgroup):
    command = contender.command
    if cgroup:
        command = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', os.path.join(cgroup, "cgroup.procs"), *command]
    process = start(command)
    peak = 0
    while still_runs(process):
        peak = max(peak, cgroup_bytes(cgroup) if cgroup else tree_bytes(process.pid))
        time.sleep(0.002)
    finish(process, contender.name)
    return peak


# ---- values --------------------------------------------------------------------------------------------------------

def same_values(ours, theirs):
    """Equal once ours, whose types may be the wider ones that shmload found, are brought to the types asked for."""
    return ours.shape == theirs.shape and len(ours.dtype) == len(theirs.dtype) and all(
        np.array_equal(ours[a].astype(theirs.dtype[b]), theirs[b])
        for a, b in zip(ours.dtype.names, theirs.dtype.names))


def compare(ours, theirs):
    with h5py.File(ours, "r") as a, h5py.File(theirs, "r") as b:
        if sorted(a) != sorted(b):
            return "OTHER DATASETS"
        return "equal" if all(same_values(a[name][()], b[name][()]) for name in b) else "DIFFERENT"


# ---- a corpus ------------------------------------------------------------------------------------------------------

class Result:
    """What is known of one contender on one corpus."""

    def __init__(self, contender):
        self.contender = contender
        self.runs = []
        self.peak_bytes = None
        self.values = ""

    def median(self, what):
        return statistics.median(getattr(run, what) for run in self.runs)

    def ratio(self, other):
        return statistics.median(a.wall / b.wall for a, b in zip(self.runs, other.runs))

    def as_json(self, text):
        return {"runs": [run._asdict() for run in self.runs], "peak_bytes": self.peak_bytes, "values": self.values,
                "bytes_per_second": text / self.median("wall")}


def keep_output(contender):
    kept = os.path.join(BENCH_DIR, "kept-" + re.sub(r"\W+", "-", contender.name))
    os.rename(OUT, kept)
    return kept


def compare_outputs(results, kept):
    for result in results:
        if not result.contender.is_floor and result.contender.name != PYTHON:
            result.values = compare(kept[result.contender.name], kept[PYTHON])
    for path in kept.values():
        os.unlink(path)


def measure(corpus, options, cgroup):
    files = files_of(corpus)
    text = text_bytes(corpus, files)
    results = [Result(contender) for contender in contenders(corpus, files)]
    kept = {}
    for number in range(options.rounds):
        for result in random.Random(number).sample(results, len(results)):
            note("%s, round %d of %d: %s" % (corpus.name, number + 1, options.rounds, result.contender.name.strip()))
            settle(files, text, options)
            result.runs.append(timed_run(result.contender))
            if number == 0 and not result.contender.is_floor:
                kept[result.contender.name] = keep_output(result.contender)
        if number == 0:
            compare_outputs(results, kept)
    for result in results:
        if not result.contender.is_floor:
            note("%s, memory: %s" % (corpus.name, result.contender.name))
            remove_output()
            result.peak_bytes = peak_memory(result.contender, cgroup)
    remove_output()
    return text, results


def print_corpus(corpus, text, results):
    by_name = {result.contender.name: result for result in results}
    floor, ours = results[0], by_name[GIVEN]
    note("")
    print("\n%s: %s; %d file%s, %.0f MB of text" % (corpus.name, corpus.about, corpus.n_files,
                                                   "s" if corpus.n_files > 1 else "", text / MB))
    print("  %-32s %7s  %-13s %6s %6s %8s %8s %9s %8s  %s" % (
        "median of %d" % len(floor.runs), "wall s", "min-max", "cpu s", "MB/s", "peak MB",
        "/ " + floor.contender.name, "/ shmload", "others %", "values"))
    for r in results:
        walls = [run.wall for run in r.runs]
        print("  %-32s %7.3f  %-13s %6.2f %6.0f %8s %8.2f %9.2f %8.0f  %s" % (
            r.contender.name, r.median("wall"), "%.3f-%.3f" % (min(walls), max(walls)), r.median("cpu"),
            text / MB / r.median("wall"), "" if r.peak_bytes is None else "%.0f" % (r.peak_bytes / MB),
            r.ratio(floor), r.ratio(ours), 100 * r.median("others"), r.values))
    sys.stdout.flush()


# ---- kernels -------------------------------------------------------------------------------------------------------

def kernel_figures(table):
    """kernel_bench's table as {shape: {kernel: [best, median]}} in GB/s."""
    figures, kernels = {}, []
    for line in table.splitlines():
        name, values = line[:18].strip(), line[18:].split()
        if values[:1] == ["B/row"]:
            kernels = values[1:values.index("(best,")]
        elif len(values) == 1 + 2 * len(kernels):
            speeds = [float(v) for v in values[1:]]
            figures[name] = {kernel: speeds[2 * i:2 * i + 2] for i, kernel in enumerate(kernels)}
    return figures


def run_kernels(arguments):
    note("kernels")
    done = subprocess.run([KERNEL_BENCH, *arguments], stdout=subprocess.PIPE, text=True)
    note("")
    if done.returncode != 0:
        sys.exit("bench: kernel_bench failed (%d): %s" % (done.returncode, done.stdout[-500:]))
    print("\n" + done.stdout, end="", flush=True)
    return kernel_figures(done.stdout)


def measure_kernels(options, corpora):
    """First on the files of A and B, then on the shapes that kernel_bench makes itself."""
    if not os.path.exists(KERNEL_BENCH):
        print("\nno %s: kernels not measured" % KERNEL_BENCH)
        return {}
    settings = ["--rounds", str(options.rounds), "--mib", "4" if options.quick else "32"]
    triples = []
    for corpus in corpora:
        if corpus.name in ("A", "B"):
            types = ",".join(field.split(":")[1] for field in corpus.shape.dtype.split(","))
            triples += [types, "blanks", files_of(corpus)[0]]
    figures = run_kernels(settings + triples) if triples else {}
    return {**figures, **run_kernels(settings)}


# ---- all -----------------------------------------------------------------------------------------------------------

def note(text):
    """What is going on, on a terminal only; the empty text clears the line."""
    if sys.stderr.isatty():
        print("\r\033[K%s" % text, end="", file=sys.stderr, flush=True)


def first_match(pattern, path):
    with contextlib.suppress(OSError), open(path) as f:
        found = re.search(pattern, f.read(), re.M)
        return found.group(1) if found else "?"
    return "?"


def machine():
    with open("/proc/meminfo") as f:
        memory = int(f.readline().split()[1]) * 1024
    version = subprocess.check_output([SHMLOAD, "-V"], text=True).split("\n")[0]
    return {"cpu": first_match(r"^model name\s*: (.*)", "/proc/cpuinfo"), "cpus": N_CPUS, "memory_bytes": memory,
            "kernel": os.uname().release, "system": first_match(r'^PRETTY_NAME="?([^"\n]*)', "/etc/os-release"),
            "load": os.getloadavg(), "shmload": version, "numpy": np.__version__, "h5py": h5py.__version__}


def print_machine(m):
    print("%(cpu)s, %(cpus)d CPUs; Linux %(kernel)s, %(system)s; numpy %(numpy)s, h5py %(h5py)s" % m)
    print("%s; memory %.0f GB; load average at the start %.2f" % (m["shmload"], m["memory_bytes"] / 1e9, m["load"][0]))


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, fewer rounds: under a minute")
    parser.add_argument("--rounds", type=int, help="rounds of each corpus [8, quick 3]")
    parser.add_argument("--only", metavar="WORDS", help="these corpora, of %s, and 'kernels'; commas between" %
                        ", ".join(c.name for c in FULL))
    parser.add_argument("--patience", type=float, metavar="SECONDS",
                        help="how long to wait for a quiet machine before a run [5, quick 0.3]")
    parser.add_argument("--json", metavar="FILE", help="write every run here too")
    o = parser.parse_args()
    o.rounds = o.rounds or (3 if o.quick else 8)
    o.patience = (0.3 if o.quick else 5) if o.patience is None else o.patience
    o.only = o.only.split(",") if o.only else [c.name for c in FULL] + ["kernels"]
    return o


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: ended"))
    os.makedirs(BENCH_DIR, exist_ok=True)
    corpora = [tenth(c) if options.quick else c for c in FULL if c.name in options.only]
    account = {"machine": machine(), "corpora": {}}
    print_machine(account["machine"])
    cgroup = make_cgroup()
    try:
        for corpus in corpora:
            text, results = measure(corpus, options, cgroup)
            print_corpus(corpus, text, results)
            account["corpora"][corpus.name] = {r.contender.name: r.as_json(text) for r in results}
        account["kernels"] = measure_kernels(options, corpora) if "kernels" in options.only else {}
    finally:
        remove_output()
        if cgroup:
            remove_cgroup(cgroup)
    if options.json:
        with open(options.json, "w") as f:
            json.dump(account, f, indent=1)
    return 0 if all(r["values"] in ("", "equal") for c in account["corpora"].values() for r in c.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
