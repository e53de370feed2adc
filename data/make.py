#!/usr/bin/env python3
"""make.py - writes the sample inputs of this folder, the same bytes every time.

Run as: data/make.py (writes beside itself). Only the standard library's seeded generator is used; the values are
invented, the layouts are those that users have. README.md describes the files.
"""
import math
import os
import random

HERE = os.path.dirname(os.path.abspath(__file__))


def write(name, lines, end="\n"):
    with open(os.path.join(HERE, name), "w", newline="", encoding="ascii") as f:
        f.write("".join(line + end for line in lines))


def methylation(seed, n_rows=200):
    """Methylation coverage: chromosome, position, percent, methylated and unmethylated reads; tabs, no header."""
    rng = random.Random(seed)
    for chrom, share in (("chr1", 0.5), ("chr2", 0.3), ("chrX", 0.15), ("chrUn_KI", 0.05)):
        pos = 10_000
        for _ in range(round(n_rows * share)):
            pos += rng.randrange(2, 5000)
            total = rng.randrange(1, 40)
            meth = sum(rng.random() < 0.7 for _ in range(total))
            yield "%s\t%d\t%.6g\t%d\t%d" % (chrom, pos, 100 * meth / total, meth, total - meth)


def station(n_rows=96):
    """A day of a climate station, a row each 15 minutes: blank-padded columns, -9999.0 where nothing was measured."""
    rng = random.Random(3)
    yield " wban utc_date utc_time      lon     lat   t_air  precip  solar flag    rh"
    for i in range(n_rows):
        minute = 15 * i
        sun = max(0.0, math.sin(math.pi * (minute / 60 - 6) / 12))
        t_air = -9999.0 if rng.random() < 0.05 else 8 + 9 * sun + rng.gauss(0, 0.4)
        precip = 0.2 if 60 < i < 66 else 0.0
        rh = -9999.0 if rng.random() < 0.05 else 85 - 40 * sun + rng.gauss(0, 1)
        yield "%5d 20260321     %02d%02d %8.2f %7.2f %7.1f %7.1f %6.0f    %s %7.1f" % (
            53131, minute // 60, minute % 60, -111.17, 32.24, t_air, precip, 950 * sun, "CR"[precip > 0], rh)


def simulation(n_rows=120):
    """A log of a relaxing many-body system: header in a comment, exponents, written on a machine that ends lines in CRLF."""
    rng = random.Random(4)
    yield "# relaxation of 4096 particles, reduced units"
    yield "# step time energy drift converged"
    energy = -2.25e4
    for step in range(0, 50 * n_rows, 50):
        decay = math.exp(-step / 1500)
        energy = -2.25e4 + 3.1e3 * decay + rng.gauss(0, 0.5)
        yield "%8d %.4e %.9e %.2e %s" % (step, step * 5e-4, energy, rng.gauss(0, 1e-12), "no" if decay > 0.05 else "yes")


def plate(n_rows=96):
    """A plate reader's export: CSV with quotes, commas and doubled quotes inside, empty where a well was not read."""
    rng = random.Random(5)
    yield '"well","sample","dilution","od600"'
    for i in range(n_rows):
        sample = rng.choice(['blank', 'wild type', 'mutant, clone 7', '5\'-ATG""GC'])
        od600 = "" if rng.random() < 0.06 else "%.4f" % (rng.uniform(0.03, 0.06) if sample == "blank" else rng.uniform(0.2, 1.4))
        yield '"%s%02d","%s",%d,%s' % ("ABCDEFGH"[i // 12], i % 12 + 1, sample, 10 ** (i % 4), od600)


def main():
    write("meth_ctrl1.txt", methylation(11))
    write("meth_ctrl2.txt", methylation(12))
    write("meth_case1.txt", methylation(13))
    write("station.txt", station())
    write("simulation.txt", simulation(), end="\r\n")
    write("plate.csv", plate())


main()
