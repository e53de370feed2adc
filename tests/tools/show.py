#!/usr/bin/env python3
"""show.py - prints what is in an HDF5 file of tables: each dataset's name, rows, dtype and first rows.

Run as: tools/show.py FILE [ROWS]
"""
import sys

import h5py


def dtype_text(dtype):
    return ",".join("%s:%s" % (name, dtype[name].str.lstrip("<|")) for name in dtype.names)


def show(name, dataset, n_rows):
    print("/%s  %d rows of %d bytes" % (name, dataset.shape[0], dataset.dtype.itemsize))
    print("  " + dtype_text(dataset.dtype))
    for row in dataset[:n_rows]:
        print("  " + "  ".join(v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in row))


def main():
    n_rows = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    with h5py.File(sys.argv[1], "r") as f:
        f.visititems(lambda name, o: show(name, o, n_rows) if isinstance(o, h5py.Dataset) else None)


main()
