"""Compressed input and standard input: the same rows as from the plain file, and clean failures."""
import bz2
import gzip
import lzma
import random
import re
import resource
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

from conftest import PROGRAM, sanitized

DTYPE = "chr:S5,pos:i4,pct:f4"
TEXT = "".join("chr%d\t%d\t%.4f\n" % (i % 22, i * 37, random.Random(i).random() * 100) for i in range(60_000)).encode()


def zstd(text):
    """A frame of stored blocks (RFC 8878): needs no compressor, and every decoder must take it."""
    frame = b"\x28\xb5\x2f\xfd" + bytes([0xa0]) + struct.pack("<I", len(text))
    step = 128 * 1024
    for start in range(0, max(len(text), 1), step):
        block = text[start:start + step]
        frame += struct.pack("<I", len(block) << 3 | (start + step >= len(text)))[:3] + block
    return frame


def bgzip(text):
    """Blocks of at most 64 KiB, each a gzip member that tells its size in a BC extra field (SAM specification 4.1)."""
    def block(part):
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = packer.compress(part) + packer.flush()
        head = b"\x1f\x8b\x08\x04" + bytes(4) + b"\x00\xff" + struct.pack("<HBBHH", 6, 66, 67, 2, len(body) + 25)
        return head + body + struct.pack("<II", zlib.crc32(part), len(part))
    return b"".join(block(text[i:i + 65000]) for i in range(0, len(text), 65000)) + block(b"")


CODECS = {
    "gzip": gzip.compress(TEXT, 1),
    "members": b"".join(gzip.compress(TEXT[i:i + 99_999], 1) for i in range(0, len(TEXT), 99_999)),
    "bgzip": bgzip(TEXT), "bzip2": bz2.compress(TEXT), "xz": lzma.compress(TEXT, preset=0), "zstd": zstd(TEXT),
    "bzip2 twice": bz2.compress(TEXT[:50_000]) + bz2.compress(TEXT[50_000:]),
    "xz twice": lzma.compress(TEXT[:50_000]) + lzma.compress(TEXT[50_000:]),
    "zstd twice": zstd(TEXT[:50_000]) + zstd(TEXT[50_000:]),
}


@pytest.fixture(scope="module")
def plain():
    rows = [line.split(b"\t") for line in TEXT.splitlines()]
    return np.array([(c, int(p), np.float32(x.decode())) for c, p, x in rows],
                    np.dtype([("chr", "S5"), ("pos", "i4"), ("pct", "f4")]))


@pytest.mark.parametrize("codec", CODECS)
def test_codec(tool, plain, codec):
    np.testing.assert_array_equal(tool.load(CODECS[codec], "-t", DTYPE), plain)


@pytest.mark.parametrize("codec", ["gzip", "bgzip", "bzip2", "xz", "zstd"])
def test_standard_input(tool, plain, codec):
    tool.ok("-", "-o", "out.h5", "-t", DTYPE, stdin=CODECS[codec])
    np.testing.assert_array_equal(tool.read("stdin"), plain)


def test_plain_standard_input_is_inferred(tool, plain):
    tool.ok("reads=-", "-o", "out.h5", stdin=TEXT)
    got = tool.read("reads")
    assert got.dtype == np.dtype([("f0", "S5"), ("f1", "i4"), ("f2", "f8")])
    np.testing.assert_array_equal(got["f1"], plain["pos"])


@pytest.mark.parametrize("late", ["2.5", "a_longer_word"])
def test_stream_whose_guess_does_not_hold(tool, late):
    text = TEXT + ("chr1\t%s\t1.0\n" % late).encode()
    tool.ok("-", "-o", "out.h5", stdin=text)
    got = tool.read("stdin")
    assert len(got) == 60_001 and got["f1"].dtype == np.dtype("f8" if late == "2.5" else "S13")


def test_codecs_give_the_same_bytes(tool):
    outputs = set()
    for codec in "gzip", "bgzip", "bzip2", "xz", "zstd":
        tool.write("in.txt", CODECS[codec])
        tool.ok("in.txt", "-o", "out.h5", "-f", "-t", DTYPE, "--layout", "chunked")
        outputs.add(tool.bytes_of("out.h5"))
    assert len(outputs) == 1


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("keep", [0.5, 0.999])
def test_truncated(tool, codec, keep):
    packed = CODECS[codec]
    if codec == "bgzip" and keep > 0.9:
        keep = 1 - 40 / len(packed)  # past the empty block at the end
    n_bytes = int(len(packed) * keep)
    for typed in [], ["-t", DTYPE]:
        err = tool.refuse(packed[:n_bytes], *typed)
        assert err.startswith("in.txt: ") and "stream ends too early, behind byte %d: " % n_bytes in err
        assert err == tool.run("-", "-n", *typed, stdin=packed[:n_bytes]).err.replace("-:", "in.txt:", 1)


@pytest.mark.parametrize("codec", ["gzip", "bgzip", "bzip2", "xz"])
def test_damaged(tool, codec):
    packed = bytearray(CODECS[codec])
    for i in range(len(packed) // 2, len(packed) // 2 + 8):
        packed[i] ^= 0x5a
    for typed in [], ["-t", DTYPE]:
        place = re.match("in.txt: [a-z0-9]+ stream is damaged, at byte ([0-9]+) or before: ",
                         tool.refuse(bytes(packed), *typed))
        assert place and len(packed) // 2 < int(place[1]) <= len(packed)


@pytest.mark.parametrize("codec", sorted(CODECS))
@pytest.mark.parametrize("junk", [b"junk", b"\0\0\0\0junk", bytes(100) + b"1 2 3\n", b"x"])
@pytest.mark.parametrize("typed", [[], ["-t", DTYPE]])
def test_junk_behind(tool, codec, junk, typed):
    """Nothing is lost unseen: what helps is told, and does."""
    packed = CODECS[codec]
    err = tool.refuse(packed + junk, *typed)
    assert re.fullmatch("in.txt: the [a-z0-9]+ data end with byte %d, and other bytes stand behind them: if these may be "
                        "lost, give head -c %d FILE [|] shmload NAME=-\n" % (len(packed), len(packed)), err), err
    assert tool.run("in=-", "-n", *typed, stdin=packed + junk).err == err.replace("in.txt", "-")
    assert len(tool.load(packed, *typed)) == 60_000


def test_zeros_behind_gzip(tool):
    assert len(tool.load(CODECS["gzip"] + bytes(512), "-t",
                         DTYPE)) == 60_000, "zero padding, as tapes have it, is no junk"


def test_empty_gzip(tool):
    assert tool.load(gzip.compress(b""), "-t", DTYPE).shape == (0,)


@pytest.mark.skipif(sanitized(), reason="the sanitizer's own memory counts too")
def test_long_stream_in_bounded_memory(tool):
    """Over 150 MB of text through a pipe within --memory 64M, as the kernel counts the largest process."""
    feed = "import sys\nblock = ('%s\\n' % 'chr1 123456 99.5') * 4096\nfor _ in range(2304): sys.stdout.write(block)"
    source = subprocess.Popen([sys.executable, "-c", feed], stdout=subprocess.PIPE)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    done = subprocess.run([PROGRAM, "-", "-o", "out.h5", "-t", DTYPE, "--memory", "64M"], stdin=source.stdout,
                          cwd=tool.folder)
    peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert done.returncode == 0 and source.wait() == 0
    assert peak_kib == before or peak_kib < 80 * 1024
    import h5py
    with h5py.File(tool.path("out.h5"), "r") as f:
        assert f["stdin"].shape == (4096 * 2304,)
        assert f["stdin"][-1].tolist() == (b"chr1", 123456, 99.5)


@pytest.mark.parametrize("codec, ending", [("xz", "xz"), ("zstd", "zst"), ("bzip2", "bz2"), ("gzip", "gz")])
@pytest.mark.parametrize("n", range(1, 10))
@pytest.mark.parametrize("typed", [[], ["-t", "S9"]], ids=str)
def test_stubs_are_cut_off(tool, codec, ending, n, typed):
    """Too short to tell the codec by the text alone; the name does."""
    err = tool.refuse(CODECS[codec][:n], *typed, name="in.txt." + ending)
    assert "in.txt.%s: " % ending in err and "stream ends too early" in err and len(err.splitlines()) == 1


def test_texts_that_look_like_stubs(tool):
    assert tool.load(b"BZh")["f0"].tolist() == [b"BZh"], "no name says otherwise"
    assert tool.load(b"BZ\n", name="in.bz2", dataset="in")["f0"].tolist() == [b"BZ"]
    assert tool.load(b"7", name="in.xz", dataset="in")["f0"].tolist() == [7]
