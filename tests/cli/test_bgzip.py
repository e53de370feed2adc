"""bgzip files in slices: the same bytes as in one piece and as from the plain text, and nothing taken on trust."""
import gzip
import random
import shutil
import struct
import subprocess
import zlib

import pytest

from conftest import same_rows

WAYS = [["-j", "1"], ["-j", "2"], ["-j", "2", "--slice", "1M"], ["-j", "5", "--slice", "2M", "--memory", "64M"]]


def block(part, more=0):
    """A gzip member that tells its size in a BC extra field (SAM specification 4.1); 'more': a lie about it."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    body = packer.compress(part) + packer.flush()
    head = b"\x1f\x8b\x08\x04" + bytes(4) + b"\x00\xff" + struct.pack("<HBBHH", 6, 66, 67, 2, len(body) + 25 + more)
    return head + body + struct.pack("<II", zlib.crc32(part), len(part))


def blocks(text, seed=1):
    """Of many sizes, with empty ones among them, as files that were joined have, and at the end."""
    rng = random.Random(seed)
    packed, at = [], 0
    while at < len(text):
        size = rng.choice([0, 1, 500, 30000, 65280, 65280, 65280])
        packed.append(block(text[at:at + size]))
        at += size
    return b"".join(packed) + block(b"")


def many_lines(seed, n):
    """Lines of a header, comments, blank ones, CRLF, quoted line feeds, bad values; 60 bytes each on average."""
    rng = random.Random(seed)
    yield "id,name,x\n"
    for i in range(n):
        kind = rng.randrange(200)
        name = "w" * rng.randrange(70)
        if kind < 10:
            name = '"%s"' % "\n".join(["w" * rng.randrange(50)] * 3)
        yield "%d,%s,%.3f%s" % (i, name, rng.random(), "\r\n" if kind % 2 else "\n")
        if kind == 11:
            yield "# a comment\n"
        if kind == 12:
            yield "\n"


@pytest.fixture(scope="module")
def text():
    return "".join(many_lines(2, 70_000)).encode()


@pytest.fixture(scope="module")
def packed(text):
    return blocks(text)


@pytest.mark.parametrize("options", [[], ["-t", "id:i4,name:S160,x:f4"], ["-z", "3", "--layout", "chunked"],
                                     ["-z", "3", "--skip-footer", "3"]],
                         ids=["inferred", "given", "packed", "footer"])
def test_same_bytes(tool, text, packed, options):
    outputs = {}
    for kind, content in ("plain", text), ("gzip", gzip.compress(text, 1)), ("bgzip", packed):
        tool.write("in.csv", content)
        for way in WAYS:
            tool.ok("in.csv", "-o", "out.h5", "-f", "-d", ",", "--layout", "chunked", *options, *way)
            outputs.setdefault(tool.bytes_of("out.h5"), []).append([kind, *way])
    assert len(outputs) == 1, list(outputs.values())
    assert len(tool.read()) == 70_000 - (3 if "--skip-footer" in options else 0)


def test_account_and_rejects_are_of_the_text(tool):
    lines = list(many_lines(3, 70_000))
    for i in range(99, len(lines), 4999):
        lines[i] = "bad,line,0.5\n"
    text = "".join(lines).encode()
    tool.write("in.csv", blocks(text))
    seen = set()
    for way in WAYS:
        done = tool.run("in.csv", "-o", "out.h5", "-f", "-d", ",", "-t", "id:i4,name:S160,x:f8", "--header", "yes",
                        "--skip-lines", "0",
                        "--max-errors", "100", "--rejects", "bad.csv", "--json", *way)
        assert done.status == 3, done
        account = done.out[done.out.index('"inputs"'):]
        seen.add((account, tool.bytes_of("bad.csv"), tool.bytes_of("out.h5")))
    assert len(seen) == 1
    assert '"lines": %d' % (text.count(b"\n")) in account and '"text_bytes": %d' % len(text) in account
    assert '"file_bytes": %d' % len(tool.bytes_of("in.csv")) in account


def test_a_late_misfit(tool, packed):
    tool.write("in.csv", packed + block(b"1,a,word\n"))
    outputs = set()
    for way in WAYS:
        tool.ok("in.csv", "-o", "out.h5", "-f", *way)
        outputs.add(tool.bytes_of("out.h5"))
    assert len(outputs) == 1 and tool.read()["x"][-1] == b"word"


def test_members_without_a_size_behind_blocks(tool, text, packed):
    half = len(text) // 2
    want = tool.load(text, "-d", ",")
    for content in [blocks(text[:half]) + gzip.compress(text[half:], 1),
                    blocks(text[:half])[:-28] + gzip.compress(text[half:], 1),
                    gzip.compress(text[:half], 1) + blocks(text[half:]), packed + bytes(512)]:
        for way in WAYS:
            same_rows(tool.load(content, "-d", ",", *way), want)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: " ".join(way))
def test_sizes_that_lie(tool, way):
    """Two members under one size: what the chain says of the text is wrong; gunzip would not notice, nor must we."""
    parts = [("%07d\n" % i * 8000).encode() for i in range(80)]
    packed = [block(part) for part in parts]
    packed[40:42] = [block(parts[40], more=len(packed[41])) + packed[41]]
    tool.write("in.txt", b"".join(packed))
    done = tool.run("in.txt", "-o", "out.h5", "-t", "i:i4", *way)
    if done.status == 0:
        assert tool.read()["i"].tolist() == [i for i in range(80) for _ in range(8000)]
    else:
        assert done.status == 1 and "in.txt: gzip stream is damaged" in done.err and not tool.exists("out.h5")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: " ".join(way))
def test_damage_and_truncation(tool, packed, way):
    for at in range(1000, len(packed) - 50, len(packed) // 5):
        bad = bytearray(packed)
        bad[at:at + 4] = bytes(b ^ 0x5a for b in bad[at:at + 4])
        assert "in.csv" in tool.refuse(bytes(bad), "-d", ",", *way, name="in.csv")
        assert "in.csv" in tool.refuse(packed[:at], "-d", ",", *way, name="in.csv")


@pytest.mark.skipif(not shutil.which("bgzip"), reason="no bgzip")
def test_the_real_bgzip(tool, text):
    want = tool.load(text, "-d", ",")
    packed = subprocess.run(["bgzip", "-c"], input=text, stdout=subprocess.PIPE, check=True).stdout
    for way in WAYS:
        same_rows(tool.load(packed, "-d", ",", *way), want)
