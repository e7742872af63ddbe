# SPDX-License-Identifier: LGPL-2.1-or-later
"""What vendor profiles cost: a packet decoded, and 200 files loaded. Instructions are the gates; milliseconds are told."""
import os
import pathlib
import re
import subprocess
import tempfile

from count import NO_REP, total
from figure import Figure
from rig import Failure, need

ROUNDS = (1000, 11000)
FILES = 200
LOADS = 20
SHIPPED = pathlib.Path(__file__).resolve().parent.parent.parent / 'daemon/profiles'


def loop(*args):
    return [*args, str(pathlib.Path(os.environ['NEEDLED_BUILD']) / 'tests/bench/profile-loop')]


def run(args):
    done = subprocess.run(args, text=True, capture_output=True, env={**os.environ, **NO_REP})
    if done.returncode != 0:
        raise Failure(f'{" ".join(args)}: {done.stderr}')
    return done.stdout


def instructions_of(folder, *args):
    out = pathlib.Path(folder) / 'callgrind'
    run([*loop('valgrind', '--tool=callgrind', f'--callgrind-out-file={out}'), *args])
    return total(out)


def cost_of(way):
    """Instructions for each packet. Two runs of different length: what the start costs is in both and falls out."""
    need('valgrind')
    with tempfile.TemporaryDirectory() as folder:
        short, long = (instructions_of(folder, way, str(n)) for n in ROUNDS)
    return (long - short) / (ROUNDS[1] - ROUNDS[0])


def decode(template, options):
    live, vendor = cost_of('live'), cost_of('vendor')
    notes = [f'{way}: {cost:,.0f} instructions a packet of 14 fields' for way, cost in (('live', live), ('vendor', vendor))]
    yield Figure('vendor decode, times Live decode', vendor / live, '×', 3, 2, True, notes)


def follow(template, options):
    """Each by itself: the next live value of OMP takes a short way, so that one says little of the other."""
    yield Figure('user instructions for a vendor packet of 14 fields in a session', cost_of('track-vendor'), '', 2500, 1800, count=True)
    yield Figure('user instructions for a Live of 14 fields in a session', cost_of('track-live'), '', 700, 500, count=True)


def many_files(folder):
    """Copies of what is shipped, in turn, each with an id and a match of its own."""
    texts = [path.read_text() for path in sorted(SHIPPED.glob('*.mnprofile'))]
    for i in range(FILES):
        text = texts[i % len(texts)]
        own = re.sub(r'^Id=.*$', f'Id=bench.copy-{i}', re.sub(r'^Match=.*$', f'Match=name:Copy {i}', text, flags=re.M), flags=re.M)
        (pathlib.Path(folder) / f'{i:03}.mnprofile').write_text(own)


def load(template, options):
    need('valgrind')
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as out:
        many_files(folder)
        once, twice = (instructions_of(out, 'load', str(n), folder) for n in (1, 2))
        took_ms = float(run([*loop(), 'load', str(LOADS), folder]))
    yield Figure(f'million instructions to load {FILES} profiles', (twice - once) / 1e6, '', 150, 100, count=True)
    yield Figure(f'time to load {FILES} profiles', took_ms, 'ms', 50, 20)
