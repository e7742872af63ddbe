# SPDX-License-Identifier: LGPL-2.1-or-later
"""What clients cost: a stream for each value and reader, and an answer of GetFigures(). Instructions are the gates; µs are told."""
import os
import pathlib
import statistics
import subprocess
import tempfile

from count import NO_REP, annotate, total
from figure import Figure, middle
from rig import Bench, Failure, VALUE_OCTETS, need

READERS = (1, 4, 16)
ROUNDS = (10, 50)
VALUES = 40             # of a round, as in bus-loop.c
STREAM_INSTRUCTIONS = 150
CALLS = 200
CALL_INSTRUCTIONS = 150_000


def loop(*args, wrapper=(), env=None):
    program = pathlib.Path(os.environ['NEEDLED_BUILD']) / 'tests/bench/bus-loop'
    done = subprocess.run([*wrapper, program, *map(str, args)], text=True, capture_output=True, env={**os.environ, **NO_REP, **(env or {})})
    if done.returncode != 0:
        raise Failure(f'bus-loop {" ".join(map(str, args))}: {done.stderr}')
    return [float(word) for word in done.stdout.split()]


def sender_instructions(folder, readers, rounds):
    out = folder / f'{readers}-{rounds}'
    loop('fan-out', readers, rounds, wrapper=('valgrind', '--tool=callgrind', f'--callgrind-out-file={out}'))
    costs = annotate(out)
    if 'drain' not in costs:
        raise Failure('callgrind saw no function drain: was it renamed, or the program stripped?')
    return total(out) - costs['drain']


def fan_out():
    with tempfile.TemporaryDirectory() as name:
        for readers in READERS:
            short, long = (sender_instructions(pathlib.Path(name), readers, rounds) for rounds in ROUNDS)
            each = (long - short) / (ROUNDS[1] - ROUNDS[0]) / VALUES / readers
            usec = loop('fan-out', readers, ROUNDS[1])[0]
            # What a value costs once, whoever reads, is shared by all: with few readers it is most of it.
            yield Figure(f'user instructions to send a value to each of {readers}, 800/s in messages of 50 ms', each, '',
                         STREAM_INSTRUCTIONS if readers == READERS[-1] else None, notes=[f'{usec:.2f} µs of CPU'], count=True)


def answer_instructions(template):
    with Bench(template, f'--flood=400:0:{VALUE_OCTETS}') as bench:
        out = bench.dir / 'callgrind'
        bench.daemon_new('valgrind', '--tool=callgrind', f'--callgrind-out-file={out}', env=NO_REP)
        bench.flow(200)
        loop('figures', CALLS, env=bench.env)
        bench.daemon_stop()
        costs = annotate(out)
    for name in ('method_get_figures', 'session_object_details', 'fill_areas'):
        if name not in costs:
            raise Failure(f'callgrind saw no function {name}: was it renamed, or the program stripped?')
    # What warnings stand depends on how slow the neighbours make it, and each costs 15,000: of the details only the areas count.
    return (costs['method_get_figures'] - costs['session_object_details'] + costs['fill_areas']) / CALLS


def bus(template, options):
    need('valgrind', 'callgrind_annotate')
    yield from fan_out()
    with Bench(template, f'--flood=400:0:{VALUE_OCTETS}') as bench:
        bench.daemon_new()
        bench.flow(400)
        rounds = [loop('figures', CALLS, env=bench.env) for _ in range(options.rounds)]
        bench.daemon_stop()
    p99, ping_p99 = (statistics.median(times[i] for times in rounds) for i in (1, 3))
    yield middle('GetFigures() and back, median', (times[0] for times in rounds), 'µs', 300, notes=[f'99th percentile {p99:.0f} µs'])
    yield middle('Ping() of the same object and back, median', (times[2] for times in rounds), 'µs', notes=[f'99th percentile {ping_p99:.0f} µs'])
    yield middle('GetFigures() more than Ping()', (times[0] - times[2] for times in rounds), 'µs')
    yield Figure('user instructions to answer GetFigures(), without its alerts and stages', answer_instructions(template), '', CALL_INSTRUCTIONS, count=True)
