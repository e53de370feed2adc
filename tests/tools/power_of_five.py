#!/usr/bin/python3
"""power_of_five.py - make, or check, src/power_of_five.inc: 128 leading bits of 5**q for q = -342 .. 308.

    power_of_five.py > src/power_of_five.inc
    power_of_five.py --check src/power_of_five.inc

Each entry is 5**q times the power of two that puts it into [2**127, 2**128). Positive powers are cut off
(they are exact up to q = 55). Negative ones are cut off too, except from q = -27 on, where they are rounded up:
there 5**-q still divides some 64-bit integers, and only a factor from above gives such quotients whole.
Source: Lemire, "Number Parsing at a Gigabyte per Second" (2021).
"""
import sys

Q_MIN, Q_MAX, Q_ROUNDED_UP = -342, 308, -27


def leading_bits(q):
    if q >= 0:
        power = 5 ** q
        shift = power.bit_length() - 128
        return power >> shift if shift > 0 else power << -shift
    power = 5 ** -q  # never a power of two, so the quotient below is never whole
    quotient = (1 << (power.bit_length() + 127)) // power
    return quotient + 1 if q >= Q_ROUNDED_UP else quotient


def table():
    lines = ["/* power_of_five.inc - made by tests/tools/power_of_five.py; "
             "high and low 64 bits, from 5**-342 to 5**308 */"]
    for q in range(Q_MIN, Q_MAX + 1):
        bits = leading_bits(q)
        assert bits.bit_length() == 128
        lines.append("{0x%016x, 0x%016x}," % (bits >> 64, bits & (2 ** 64 - 1)))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        with open(sys.argv[2], encoding="ascii") as committed:
            sys.exit(0 if committed.read() == table() else "power_of_five.inc is not what this script makes")
    sys.stdout.write(table())
