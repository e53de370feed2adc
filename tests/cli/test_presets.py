"""Presets: a record or two of each format, as its document describes it; that options win over their parts."""
import gzip
import os
import re

import numpy as np
import pytest

from conftest import ROOT

NAN = float("nan")
DLY_VALUES = [(106, "  X"), (-9999, "   "), (-17, "BGX")] + [(5, "  0")] * 28
DLY = "USW00003812200001TMAX" + "".join("%5d%s%s%s" % (v, *f) for v, f in DLY_VALUES)

# preset: text, the first columns of its records as Python sees them
FORMATS = {
    "bismark-cov": ("1\t3963596\t3963596\t100.000000\t2\t0\nX\t4785488\t4785488\t33.3333333333333\t1\t2\n",
                    [(b"1", 3963596, 3963596, 100.0, 2, 0), (b"X", 4785488, 4785488, 33.3333333333333, 1, 2)]),
    "bismark-cytosine": ("chr10\t3000261\t-\t0\t11\tCHH\tCCT\nchr10\t3000265\t+\t0\t17\tCG\tCGA\n",
                         [(b"chr10", 3000261, b"-", 0, 11, b"CHH", b"CCT"),
                          (b"chr10", 3000265, b"+", 0, 17, b"CG", b"CGA")]),
    "methylkit": ("chrBase\tchr\tbase\tstrand\tcoverage\tfreqC\tfreqT\n"
                  "chr21.9826907\tchr21\t9826907\tF\t96\t18.75\t81.25\n",
                  [(b"chr21.9826907", b"chr21", 9826907, b"F", 96, 18.75, 81.25)]),
    "bedgraph": ("browser position chr19:1-9\ntrack type=bedGraph name=\"a b\"\n#c\n"
                 "chr19 49302000 49302300 -1.0\nchr19\t1\t2\t7\n",
                 [(b"chr19", 49302000, 49302300, -1.0), (b"chr19", 1, 2, 7.0)]),
    "bed3": ("1\t3669498\t3673498\nX\t170670644\t170674644\n",
             [(b"1", 3669498, 3673498), (b"X", 170670644, 170674644)]),
    "bed4": ("track name=x\nchr7\t10\t20\ta name\nchr7\t20\t30\tb\n",
             [(b"chr7", 10, 20, b"a name"), (b"chr7", 20, 30, b"b")]),
    "bed5": ("chr7 10 20 007 960\nchr7 20 30 b .\n", [(b"chr7", 10, 20, b"007", 960.0), (b"chr7", 20, 30, b"b", NAN)]),
    "bed6": ("chr7\t10\t20\ta\t0\t+\nchr7\t20\t30\tb\t4.5\t.\n",
             [(b"chr7", 10, 20, b"a", 0.0, b"+"), (b"chr7", 20, 30, b"b", 4.5, b".")]),
    "bed9": ("chr7\t10\t20\ta\t0\t+\t11\t19\t255,0,0\n", [(b"chr7", 10, 20, b"a", 0.0, b"+", 11, 19, b"255,0,0")]),
    "bed12": ("chr7\t10\t20\ta\t0\t-\t11\t19\t0\t2\t3,4,\t0,6,\n",
              [(b"chr7", 10, 20, b"a", 0.0, b"-", 11, 19, b"0", 2, b"3,4,", b"0,6,")]),
    "narrowpeak": ("chr1\t9\t99\t.\t0\t.\t182\t5.0945\t-1\t50\n",
                   [(b"chr1", 9, 99, b".", 0.0, b".", 182.0, 5.0945, NAN, 50)]),
    "broadpeak": ("chr1\t9\t99\t.\t0\t.\t182\t-1\t0.5\n", [(b"chr1", 9, 99, b".", 0.0, b".", 182.0, NAN, 0.5)]),
    "blast6": ("# BLASTN 2.14\n# Fields: query id\nq1\tgi|1|x\t98.5\t130\t2\t0\t1\t130\t5\t134\t2e-60\t230\n",
               [(b"q1", b"gi|1|x", 98.5, 130, 2, 0, 1, 130, 5, 134, 2e-60, 230.0)]),
    "plink-bim": ("1\trs1\t0\t10583\tA\tG\n26 rs2 0.5 99 AT T\n",
                  [(b"1", b"rs1", 0.0, 10583, b"A", b"G"), (b"26", b"rs2", 0.5, 99, b"AT", b"T")]),
    "plink-fam": ("F1 001 0 0 1 -9\nF1 002 001 0 2 1.5\n",
                  [(b"F1", b"001", b"0", b"0", 1, NAN), (b"F1", b"002", b"001", b"0", 2, 1.5)]),
    "uscrn-daily": ("03047 20230101  2.622 -102.81   31.62    18.5    -1.0     8.8 -9999.0     0.0    13.25 C"
                    "    30.1    -5.1     9.9    77.1    15.5    44.4 -99.000   0.123   0.099 -99.000   0.111    10.1"
                    "     9.9 -9999.0     8.8     8.7\n",
                    [(b"03047", 20230101, 2.622, -102.81, 31.62, 18.5, -1.0, 8.8, NAN, 0.0, 13.25, b"C", 30.1, -5.1,
                      9.9, 77.1, 15.5, 44.4, NAN, .123, .099, NAN, .111, 10.1, 9.9, NAN, 8.8, 8.7)]),
    "uscrn-hourly": ("03047 20230101 0100 20221231 1800  2.622 -102.81   31.62     8.5     8.8     9.1     8.4"
                     " -9999.0      0 0     12 0      0 0 C     5.5 0     6.1 0     5.0 0    44 0"
                     " -99.000 -99.000 -99.000 -99.000 -99.000 -9999.0 -9999.0 -9999.0 -9999.0 -9999.0\n",
                     [(b"03047", 20230101, b"0100", 20221231, b"1800", 2.622, -102.81, 31.62, 8.5, 8.8, 9.1, 8.4, NAN,
                       0.0, 0, 12.0, 0, 0.0, 0, b"C", 5.5, 0, 6.1, 0, 5.0, 0, 44.0, 0) + (NAN,) * 10]),
    "uscrn-subhourly": ("53131 20190101 0010 20181231 1710      3  -99.00   32.24 -9999.0     0.0 -99999 0     4.4 C 0"
                        "    90 0 -99.000 -9999.0    24 0 -99.00 0\n",
                        [(b"53131", 20190101, b"0010", 20181231, b"1710", 3.0, -99.0, 32.24, NAN, 0.0, NAN, 0, 4.4,
                          b"C", 0, 90.0, 0, NAN, NAN, 24.0, 0, NAN, 0)]),
    "isd-lite": ("2019 01 01 00    72   -11 10132   260    57     4 -9999 -9999\n",
                 [(2019, 1, 1, 0, 72, -11, 10132, 260, 57, 4, -9999, -9999)]),
    "ghcn-daily": (DLY + "\n", [(b"USW00003812", 2000, 1, b"TMAX", 106, b"", b"", b"X", -9999, b"", b"", b"", -17, b"B",
                                 b"G", b"X")]),
    "ghcn-by-year": ("USC00011084,20200101,TMAX,139,,,7,0600\nUS1,20200101,PRCP,0,T,,N,\n",
                     [(b"USC00011084", 20200101, b"TMAX", 139, b"", b"", b"7", b"0600"),
                      (b"US1", 20200101, b"PRCP", 0, b"T", b"", b"N", b"")]),
}


def listed(tool):
    return re.findall(r"^([a-z0-9-]+) +\S", tool.ok("--preset", "help").out, re.M)


def test_all_are_listed_described_and_tried(tool):
    with open(os.path.join(ROOT, "man", "shmload.1")) as f:
        section = f.read().partition(".Sh PRESETS")[2].partition(".Sh ")[0]
    described = [name for line in re.findall(r"^\.It Cm (.*)", section, re.M) for name in line.split(" , ")]
    assert sorted(listed(tool)) == sorted(FORMATS) == sorted(described)
    assert max(map(len, tool.ok("--preset", "help").out.splitlines())) < 80


def same(a, b):
    return a == b or (isinstance(a, float) and np.isnan(a) and np.isnan(b))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_records(tool, name, end):
    text, rows = FORMATS[name]
    got = tool.load(text.replace("\n", end), "--preset", name)
    assert len(got) == len(rows)
    for record, row in zip(got.tolist(), rows):
        assert all(same(a, b) for a, b in zip(record, row)), (record, row)
    shown = re.search(r"^%s .*\n +([^,]*),([^,]*)," % name, tool.ok("--preset", "help").out, re.M)
    assert got.dtype.names[:2] == shown.groups()


@pytest.mark.parametrize("name", FORMATS)
def test_no_records(tool, name):
    assert tool.load("", "--preset", name).shape == (0,)


def test_dtype_does_not_depend_on_values(tool):
    one = tool.load("1\t1\t1\t0\t2\t0\n", "--preset", "bismark-cov")
    other = tool.load("chrX\t100\t100\t33.3333\t1\t2\n", "--preset", "bismark-cov")
    assert one.dtype == other.dtype == np.dtype([("chrom", "S8"), ("start", "i8"), ("end", "i8"), ("pct", "f8"),
                                                 ("meth", "i4"), ("unmeth", "i4")])
    long = tool.load("chrUn_KI270742v1\t5000000000\t5000000000\t0\t0\t1\n", "--preset", "bismark-cov")
    assert long.dtype["chrom"] == np.dtype("S16") and long["start"][0] == 5_000_000_000


def test_late_chromosomes_are_read_once(tool):
    text = "".join("%d\t%d\t%d\t0\t1\t2\n" % (chrom, p, p) for chrom in (9, 10) for p in range(200_000))
    tool.write("in.cov.gz", gzip.compress(text.encode(), 1))
    assert "twice" not in tool.ok("in.cov.gz", "-o", "out.h5", "-v", "--preset", "bismark-cov").err


COV = "1\t10\t10\t50\t1\t1\n2\t20\t20\t-1\t0\t0\n"


def test_options_win(tool):
    load = lambda *args: tool.load(COV, "--preset", "bismark-cov", *args)
    assert load("-t", "pct=f4,chrom=S2").dtype == np.dtype([("chrom", "S2"), ("start", "i8"), ("end", "i8"),
                                                            ("pct", "f4"), ("meth", "i4"), ("unmeth", "i4")])
    assert load("--names", "a,b,c,d,e,f").dtype == np.dtype([("a", "S8"), ("b", "i8"), ("c", "i8"), ("d", "f8"),
                                                             ("e", "i4"), ("f", "i4")])
    assert load("--usecols", "pct,0").dtype == np.dtype([("pct", "f8"), ("chrom", "S8")])
    assert load("-t", "x:S1,i4,i4,f4,i4,i4".replace("x:", "")).dtype.names[0] == "f0"
    assert np.isnan(load("--na", "pct=-1")["pct"]).tolist() == [False, True]
    assert tool.load(COV.replace("\t", ","), "--preset", "bismark-cov", "-d", ",")["start"].tolist() == [10, 20]
    text = FORMATS["uscrn-subhourly"][0]
    got = tool.load(text, "--preset", "uscrn-subhourly", "--na", "-9999")
    assert np.isnan(got["AIR_TEMPERATURE"][0]) and got["WIND_1_5"][0] == -99
    assert np.isnan(tool.load(text, "--preset", "uscrn-subhourly", "--usecols", "WIND_1_5,8")["WIND_1_5"][0])


def test_what_does_not_fit_is_told(tool):
    err = tool.refuse("1\t1\t1\t0\t1\t1\n1\tx\t1\t0\t1\t1\n", "--preset", "bismark-cov")
    assert "in.txt:2:2: field 'start' (i8): 'x' is not an integer" in err
    assert "4 fields where 6 are expected" in tool.refuse("1\t1\t1\t0\n", "--preset", "bismark-cov")
    assert "--preset help" in tool.refuse(COV, "--preset", "bismarck", status=2)
    assert "4 names" in tool.refuse(COV, "--preset", "bismark-cov", "--names", "a,b,c,d", status=2)


def test_header_line(tool):
    got = tool.load("chromosome\tfirst\tlast\tpercent\tm\tu\n" + COV, "--preset", "bismark-cov")
    assert len(got) == 2 and got.dtype.names[0] == "chrom"
