# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPU for each notification: needled, the bare loop and bleak in turn, on the same CPU in the same run, under several loads. All values are medians
of rounds, with the least and the largest; ratios are medians of the rounds' own ratios, since neighbours slow all of a round."""
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import time

from count import NO_REP, total
from figure import Figure, middle
from rig import ADDRESS, Bench, Failure, VALUE_OCTETS, cpu_usec, need, switches, thread_cpu_usec, wait_for

CPU_SEC = 3
WARM_UP = 400
COUNTED_RATE, COUNTED = 200, (1000, 4000)
PYTHON = '/usr/bin/python3'     # Debian's, which has Debian's bleak
BLEAK = pathlib.Path(__file__).resolve().parent / 'bleak-loop.py'
NODE_BLE = pathlib.Path(__file__).resolve().parent / 'node-ble-loop.js'
# Where tools/bench has put node-ble, if there is an npm: Debian has no package of it.
NODE_MODULES = pathlib.Path(__file__).resolve().parents[2] / 'build/bench-node/node_modules'
CLIENTS = ('recv', 'needled', 'bleak')
OTHERS_CPU, READER_CPU = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
NODE_CLIENTS = ('node-ble',) if (NODE_MODULES / 'node-ble').is_dir() else ()


@dataclasses.dataclass
class Load:
    """What the stand-in sends. Targets are of needled's loop by the bare loop, without and with dbus-daemon."""
    name: str
    flood: str
    targets: tuple = (None, None)
    bus_targets: tuple = (None, None)
    rate: int = 800
    clients: tuple = CLIENTS


LOADS = [
    Load('100/s', f'100:0:{VALUE_OCTETS}', rate=100),
    Load('800/s', f'800:0:{VALUE_OCTETS}', (2.5, 1.8), (3, 2.2), clients=CLIENTS + NODE_CLIENTS),
    Load('5,000/s', f'5000:0:{VALUE_OCTETS}', rate=5000),
    Load('flat out', f'max:0:{VALUE_OCTETS}', (3, 2), rate=5000),
    Load('800/s in bursts of six', f'800:0:{VALUE_OCTETS}:6'),
    Load('800/s of 20 octets', '800:0:20'),
    Load('800/s of 244 octets', '800:0:244'),
]


@contextlib.contextmanager
def on_cpu(cpu):
    """What is started inside runs on this CPU, so that all of a round have the same."""
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, usual)


def bleak_version():
    done = subprocess.run([PYTHON, '-c', 'import importlib.metadata as m; print(m.version("bleak"))'], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure('bleak is not there; it is in the package python3-bleak (apt-get install python3-bleak)')
    return done.stdout.strip()


def client_new(bench, name):
    with on_cpu(READER_CPU):
        if name == 'needled':
            return bench.daemon_new()
        words = {'recv': [bench.binary('tests/bench/recv-loop')], 'bleak': [PYTHON, BLEAK], 'node-ble': ['node', NODE_BLE]}[name]
        bench.daemon = bench.start(f'{name}{bench.count(name)}', [*words, ADDRESS], {'NODE_PATH': str(NODE_MODULES)})
        return bench.daemon


@dataclasses.dataclass
class Cost:
    """For each notification that the socket took: µs of CPU of all threads, of the first, of dbus-daemon; wakeups of the first."""
    all: float
    loop: float
    bus: float
    wakeups: float
    rate: float


def looked_at(bench, name, client):
    """How many notifications the client has looked at: what the socket took, or where a bus lies between as it says itself (recv() is as fast as the
    socket: what waits there is a part of a thousand)."""
    if name in ('recv', 'needled'):
        return bench.sent()[0]
    before = client.text().count('at ')
    client.child.send_signal(signal.SIGUSR1)
    wait_for(f'an answer of {name}', lambda: client.text().rpartition('\n')[0].count('at ') > before)
    return int(re.findall(r'^at (\d+)$', client.text(), re.M)[-1])


def measure(bench, name, load):
    """One client's turn. Counts and times are taken before and after it, so what the stand-in is asked costs nobody anything in between."""
    client = client_new(bench, name)
    bench.flow(min(WARM_UP, load.rate))
    if name not in ('recv', 'needled'):
        wait_for(name, lambda: 'ready' in client.text() or not bench.running())
    pid, bus_pid = client.child.pid, bench.processes[0].child.pid

    def now():
        n = looked_at(bench, name, client)      # first: who is slow answers late
        return cpu_usec(pid), thread_cpu_usec(pid, pid), cpu_usec(bus_pid), switches(pid)[pid], time.monotonic(), n
    before = now()
    time.sleep(CPU_SEC)
    bench.running()
    whole, loop, bus, woken, sec, n = (b - a for a, b in zip(before, now()))
    if n <= 0:
        raise Failure(f'{name} got nothing at {load.name}')
    if name == 'needled':
        bench.daemon_stop()
    else:
        client.stop()
    bench.processes.remove(client)
    bench.disconnect()
    return Cost(whole / n, loop / n, bus / n, woken / n, n / sec)


def rounds_of(template, load, n):
    """[{client: Cost}], the clients in turn."""
    with on_cpu(OTHERS_CPU), Bench(template, f'--flood={load.flood}') as bench:
        return [{name: measure(bench, name, load) for name in load.clients} for _ in range(n)]


def instructions_of(template, name, count):
    """(notifications taken, user instructions of a client's whole life)"""
    with Bench(template, f'--flood={COUNTED_RATE}:{count}:{VALUE_OCTETS}') as bench:
        out = bench.dir / 'callgrind'
        words = [PYTHON, BLEAK] if name == 'bleak' else [bench.binary('tests/bench/recv-loop')]
        bench.daemon = bench.start(name, ['valgrind', '--tool=callgrind', f'--callgrind-out-file={out}', *words, ADDRESS], NO_REP)
        bench.flood_over(count)
        taken = bench.sent()[0]
        time.sleep(2)           # what is in the socket, and in the bus, is looked at
        bench.daemon.stop()
        return taken, total(out)


def beside(template, options):
    """The same counts as of needled, of whom it is compared with: ratios of these do not depend on the machine."""
    need('valgrind')
    for name, label in (('recv', 'bare recv'), ('bleak', f'bleak {bleak_version()}')):
        short, long = (instructions_of(template, name, count) for count in COUNTED)
        yield Figure(f'user instructions for each notification, {label}', (long[1] - short[1]) / (long[0] - short[0]))


def figures_of(load, rounds, bleak):
    def each(of):
        return [of(costs) for costs in rounds]
    rates = {name: statistics.median(costs[name].rate for costs in rounds) for name in load.clients}
    notes = [f'{name}: {rate:,.0f} notifications a second' for name, rate in rates.items()]
    yield middle(f'{load.name}: CPU, bare recv', each(lambda c: c['recv'].all), 'µs', notes=notes)
    yield middle(f"{load.name}: CPU, needled's loop", each(lambda c: c['needled'].loop), 'µs')
    yield middle(f'{load.name}: CPU, needled with recording, all threads', each(lambda c: c['needled'].all), 'µs')
    yield middle(f'{load.name}: CPU, bleak {bleak}', each(lambda c: c['bleak'].all), 'µs')
    yield middle(f'{load.name}: CPU, bleak {bleak} and dbus-daemon', each(lambda c: c['bleak'].all + c['bleak'].bus), 'µs')
    yield middle(f'{load.name}: loop ÷ bare recv', each(lambda c: c['needled'].loop / c['recv'].all), '', *load.targets)
    yield middle(f'{load.name}: all threads ÷ bare recv', each(lambda c: c['needled'].all / c['recv'].all))
    yield middle(f'{load.name}: loop ÷ bare recv, each with dbus-daemon',
                 each(lambda c: (c['needled'].loop + c['needled'].bus) / (c['recv'].all + c['recv'].bus)), '', *load.bus_targets)
    judged = (1 / 5, 1 / 7) if load.name == '800/s' else (None, None)
    yield middle(f'{load.name}: loop ÷ bleak {bleak}', each(lambda c: c['needled'].loop / c['bleak'].all), '', *judged)
    yield middle(f'{load.name}: all threads ÷ bleak {bleak}', each(lambda c: c['needled'].all / c['bleak'].all))
    yield middle(f'{load.name}: all threads ÷ bleak {bleak}, each with dbus-daemon',
                 each(lambda c: (c['needled'].all + c['needled'].bus) / (c['bleak'].all + c['bleak'].bus)))
    if 'node-ble' in load.clients:
        version = json.loads((NODE_MODULES / 'node-ble/package.json').read_text())['version']
        yield middle(f'{load.name}: CPU, node-ble {version}', each(lambda c: c['node-ble'].all), 'µs')
        yield middle(f'{load.name}: loop ÷ node-ble {version}', each(lambda c: c['needled'].loop / c['node-ble'].all), '', 1 / 12, 1 / 16)
    yield middle(f"{load.name}: wakeups for each notification, needled's loop", each(lambda c: c['needled'].wakeups), '')


def cpu(template, options):
    bleak = bleak_version()
    for load in LOADS:
        yield from figures_of(load, rounds_of(template, load, options.rounds), bleak)
