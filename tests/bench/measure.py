# SPDX-License-Identifier: LGPL-2.1-or-later
"""The measurements that need no tool: start, loss, memory, wakeups, CPU. Each yields figures."""
import contextlib
import re
import statistics
import time

from figure import Figure
from rig import Bench, Failure, VALUE_OCTETS, cpu_usec, memory_kib, switches, wait_for

STARTS = 15
START_TARGET_MSEC = 25
LOSS_COUNT = 60000
IDLE_SEC = 60
SETTLE_SEC = 30
CALM_SEC = 5            # longer than what daemon/bus/stall.c waits before it looks
STREAM_SEC = 15


def start_msec(bench):
    """From exec to the stamp that needled itself gives the first Live value as recv() returns it, which is in the database
    afterwards: both are CLOCK_BOOTTIME, and nothing is added to the path that is measured."""
    bench.disconnect()
    bench.daemon_new(bench.binary('tests/bench/exec-stamp'))
    bench.flow(50)
    stamp = re.search(r'^exec (\d+)$', bench.daemon.text(), re.M)
    bench.daemon_stop()
    first = next((frame.boottime for frame in bench.frames() if frame.is_live), None)
    if not stamp or first is None:
        raise Failure(f'a start without {"a frame" if stamp else "a stamp"}: {bench.daemon.text()}')
    bench.processes.remove(bench.daemon)
    return (first - int(stamp[1])) / 1e3


def start(template, options):
    """The first start reads programs and libraries from the disk and does not count."""
    with Bench(template, f'--flood=800:0:{VALUE_OCTETS}') as bench:
        times = [start_msec(bench) for _ in range(STARTS + 1)][1:]
        # A neighbour can only make a start slower: as a gate the best counts, and it may be looked for a while.
        while options.gates and min(times) > START_TARGET_MSEC and len(times) < 3 * STARTS:
            times.append(start_msec(bench))
    notes = [f'best {min(times):.1f}, median {statistics.median(times):.1f}, worst {max(times):.1f} ms of {len(times)} starts']
    value = min(times) if options.gates else statistics.median(times)
    yield Figure('exec to first notification' + (', best' if options.gates else ', median'), value, 'ms', START_TARGET_MSEC, 10,
                 True, notes)


def loss_at(template, rate, count):
    with Bench(template, f'--flood={rate}:{count}:{VALUE_OCTETS}') as bench:
        bench.daemon_new()
        report = bench.flood_over(count)
        taken, counters = bench.received()
        wait_for('the end of the session', lambda: not bench.live_session())
        bench.daemon_stop()
        stored = sum(frame.is_live for frame in bench.frames())
    return report, taken, counters, stored


def loss(template, options):
    """"sent − refused = received, and what was refused is what needled counted lost" (and has in the database). How much was
    refused depends on the neighbours: 278 values fit into the socket, 0.35 s at 800/s."""
    for rate in (800, 5000):
        count = LOSS_COUNT
        report, taken, counters, stored = loss_at(template, rate, count)
        sent, refused = report['sent']['live'], report['refused']['live']
        notes = [f'sent {sent:,}, refused {refused:,}, received with Status and Event {counters["received"]:,} of {taken:,}, '
                 f'lost {counters["lost"]:,}, Live in the database {stored:,}']
        yield Figure(f'lost inside needled at {rate}/s, of {count:,}', abs(taken - counters['received']), '', 0, None, True, notes)
        yield Figure(f'refused but not counted lost at {rate}/s', abs(refused - counters['lost']), '', 0, None, True)
        yield Figure(f'received but not in the database at {rate}/s', abs(sent - refused - stored), '', 0, None, True)
        yield Figure(f'malformed or duplicate at {rate}/s',
                     sum(counters.get(name, 0) for name in ('malformed', 'duplicates')), '', 0, None, True)
        yield Figure(f'refused by the socket at {rate}/s', refused, '', 0)


def settled(pid):
    """Waits until no thread has been woken for CALM_SEC: what a start leaves to do is done, and it has looked whether the bus took its
    last signals."""
    before = None

    def calm():
        nonlocal before
        now = switches(pid)
        same, before = now == before, now
        if not same:
            time.sleep(CALM_SEC)
        return same
    with contextlib.suppress(Failure):
        wait_for('calm', calm, SETTLE_SEC)


def idle(template, options):
    """Adopted, and the device away: bluetoothd waits for it, needled has nothing to do. Without a supervisor there is no
    watchdog to feed, so not one wakeup is expected, no call to bluetoothd, and no link to the other device, which is there and
    nobody's."""
    with Bench(template, '--kind=pen', '--kind=pen') as bench:
        bench.load.control('advertise off')
        bench.daemon_new()
        wait_for('the waiting device', lambda: bench.running() and 'waiting' in bench.ctl('devices')[1])
        pid = bench.daemon.child.pid
        settled(pid)
        resident, private = memory_kib(pid)
        calls = bench.load.status()['calls']
        before = switches(pid)
        time.sleep(IDLE_SEC)
        after = switches(pid)
        calls = bench.load.status()['calls'] - calls
        followed = 'adapter' in bench.load.status(1)
        bench.daemon_stop()
    woken = {tid - pid: after[tid] - before.get(tid, 0) for tid in after if after[tid] != before.get(tid, 0)}
    yield Figure('RSS idle', resident / 1024, 'MiB', 8, 5, True)
    yield Figure('private memory idle', private / 1024, 'MiB', 1.5, 0.6)
    yield Figure(f'wakeups in {IDLE_SEC} s while nothing is connected', sum(woken.values()), '', 0, None, True,
                 [f'of thread {n}: {count}' for n, count in woken.items()])
    yield Figure(f'calls to bluetoothd in {IDLE_SEC} s while nothing is connected', calls, '', 0, None, True)
    yield Figure('links to devices that are not adopted', followed, '', 0, None, True)


def stream(template, options):
    """P6 at 400 notifications/s, with recording on."""
    with Bench(template, f'--flood=400:0:{VALUE_OCTETS}') as bench:
        bench.daemon_new()
        bench.flow(800)
        pid = bench.daemon.child.pid
        cpu, began = cpu_usec(pid), time.monotonic()
        bench.flow(400 * STREAM_SEC)
        share = (cpu_usec(pid) - cpu) / 1e4 / (time.monotonic() - began)
        resident, private = memory_kib(pid)
        bench.daemon_stop()
    yield Figure('RSS streaming at 400/s', resident / 1024, 'MiB', 16, None, True)
    yield Figure('private memory streaming at 400/s', private / 1024, 'MiB')
    yield Figure('CPU at 400/s', share, '% of a core', 1)
