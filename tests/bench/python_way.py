#!/usr/bin/env python3
"""python_way.py - text tables into one HDF5 file as Python scripts do it: np.loadtxt in a pool of processes, then h5py.

Run as: python_way.py OUT DTYPE DELIMITER|blanks HEADER_LINES FILE...

DTYPE is as in chr:S10,pos:i4. It is what shmload is timed against, and what its values are compared with.
"""
import functools
import multiprocessing
import os
import sys

import h5py
import numpy as np


def load(path, dtype, delimiter, header_lines):
    return np.loadtxt(path, dtype=dtype, delimiter=delimiter, skiprows=header_lines, quotechar='"', ndmin=1)


def main():
    out, dtype, delimiter, header_lines, *paths = sys.argv[1:]
    load_one = functools.partial(load, dtype=np.dtype([tuple(field.split(":")) for field in dtype.split(",")]),
                                 delimiter=None if delimiter == "blanks" else delimiter,
                                 header_lines=int(header_lines))
    with multiprocessing.Pool(len(os.sched_getaffinity(0))) as pool, h5py.File(out, "w") as f:
        for path, table in zip(paths, pool.imap(load_one, paths)):
            f.create_dataset(os.path.basename(path).split(".")[0], data=table)


if __name__ == "__main__":
    main()
