#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""coverage.py TOP BUILD FOLDER PERCENT: what gcov counted in a build, as a table.

Each file of FOLDER has a line, every other layer one for all its files. Exits with 1 if less than PERCENT of FOLDER's branches were
taken. An assertion that fails is no branch: what a device, a file or a client can cause is never an assertion. Inline functions of a
header are counted once, however many files include it.
"""
import collections
import json
import pathlib
import subprocess
import sys

LAYERS = ('daemon/codec', 'daemon/profiles', 'daemon/session', 'daemon/store', 'daemon/link', 'daemon/bus', 'daemon', 'client', 'simulator')


class File:
    def __init__(self, path):
        self.text = path.read_text().splitlines()
        self.lines = collections.Counter()
        self.branches = {}

    def add(self, line):
        number = line['line_number']
        text = self.text[number - 1].strip()
        self.lines[number] += line['count']
        if text.startswith('assert(') or text.startswith('g_assert'):
            return
        counts = [branch['count'] for branch in line['branches']]
        old = self.branches.get(number, [0] * len(counts))
        # The compiler may see a line differently where it is included elsewhere: the longer list is the more precise.
        short, long = sorted((old, counts), key=len)
        self.branches[number] = [n + (short[i] if i < len(short) else 0) for i, n in enumerate(long)]

    def sums(self):
        taken = [n for counts in self.branches.values() for n in counts]
        return (sum(1 for n in self.lines.values() if n), len(self.lines), sum(1 for n in taken if n), len(taken))

    def missing(self):
        return sorted(number for number, counts in self.branches.items() if 0 in counts)


def read(top, build):
    files = {}
    for data in sorted(build.rglob('*.gcda')):
        run = subprocess.run(['gcov', '--json-format', '--stdout', '--branch-probabilities', data], cwd=build, capture_output=True, check=True)
        for document in run.stdout.splitlines():
            for entry in json.loads(document)['files']:
                path = (build / entry['file']).resolve()
                if not path.is_relative_to(top) or path.is_relative_to(build):
                    continue
                name = str(path.relative_to(top))
                if name not in files:
                    files[name] = File(path)
                for line in entry['lines']:
                    files[name].add(line)
    return files


def row(name, sums, rest=''):
    def percent(part, whole):
        return f'{100 * part / whole:6.1f} %' if whole else '       –'
    print(f'{name:38}{percent(*sums[:2])} of {sums[1]:5}  {percent(*sums[2:])} of {sums[3]:5}  {rest}'.rstrip())


def layer_of(name):
    return next((layer for layer in LAYERS if name.startswith(layer + '/')), None)


def total(files):
    return tuple(sum(column) for column in zip(*(f.sums() for f in files))) or (0, 0, 0, 0)


def main():
    top, build, folder, least = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3], float(sys.argv[4])
    files = read(top, build)
    layers = {layer: [f for name, f in files.items() if layer_of(name) == layer] for layer in LAYERS}

    print(f'{"":38}{"lines":>8}{"":10}{"branches":>8}{"":10}lines with a branch never taken')
    for name in sorted(name for name in files if layer_of(name) == folder):
        missing = [str(n) for n in files[name].missing()]
        row(name, files[name].sums(), ' '.join(missing[:8] + ['…'] * (len(missing) > 8)))
    print()
    for layer in LAYERS:
        row(layer, total(layers[layer]))

    taken, branches = total(layers[folder])[2:]
    if not branches or 100 * taken < least * branches:
        sys.exit(f'{folder}: less than {least:g} % of the branches were taken')


if __name__ == '__main__':
    main()
