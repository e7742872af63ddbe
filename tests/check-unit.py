#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What systemd says of a unit without running it: nothing is wrong with it, and it is confined as far as was promised.

    check-unit.py SYSTEMD-ANALYZE NEEDLED.SERVICE
"""
import pathlib
import re
import subprocess
import sys
import tempfile

EXPOSURE_MAX_TENTHS = 3


def complaints(analyze, unit):
    """Of the unit with a program that this host has, as a list of texts."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / unit.name
        copy.write_text(re.sub('^ExecStart=.*', 'ExecStart=/bin/true', unit.read_text(), flags=re.M))
        for words in (['verify', '--man=no'], ['security', '--offline=yes', f'--threshold={EXPOSURE_MAX_TENTHS}', '--no-pager']):
            done = subprocess.run([analyze, *words, copy], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            # "verify" complains of other units of the host too, and of ours by its path or name.
            for line in re.findall('Overall exposure level.*', done.stdout):
                print(line)
            lines = [line for line in done.stdout.splitlines() if words[0] == 'security' or unit.name in line]
            if done.returncode != 0 and (lines or words[0] == 'security') or words[0] == 'verify' and lines:
                found.append('\n'.join(line for line in lines if '✓' not in line))
    return found


def main():
    analyze, unit = sys.argv[1], pathlib.Path(sys.argv[2])
    found = complaints(analyze, unit)
    print('\n'.join(found))
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
