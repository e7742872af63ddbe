# SPDX-License-Identifier: LGPL-2.1-or-later
"""A device that is lost and comes back a thousand times leaves nothing behind: no descriptor, no match rule, no memory."""
import json
import pathlib
import subprocess
import time

from figure import Figure
from rig import Bench, memory_kib, wait_for

WARM_UP = 100
RECONNECTS = 1000
RSS_TARGET_KIB = 256
MATCH_RULES = 6


def match_rules(bench):
    """Of the connection to bluetoothd, counted by the bus."""
    done = subprocess.run(['busctl', '--address', bench.env['DBUS_SYSTEM_BUS_ADDRESS'], '--json=short', 'call', 'org.freedesktop.DBus',
                           '/org/freedesktop/DBus', 'org.freedesktop.DBus.Debug.Stats', 'GetAllMatchRules'],
                          capture_output=True, text=True, check=True)
    return max(sum('org.bluez' in rule for rule in rules) for rules in json.loads(done.stdout)['data'][0].values())


def until_streaming(bench):
    wait_for('streaming', lambda: bench.running() and 'streaming' in bench.ctl('devices')[1])


def footprint(bench):
    """(descriptors, match rules, RSS in KiB), of a link that stands"""
    until_streaming(bench)
    pid = bench.daemon.child.pid
    return len(list(pathlib.Path(f'/proc/{pid}/fd').iterdir())), match_rules(bench), memory_kib(pid)[0]


def cycle(bench, n):
    """The device's status after it was dropped n times and is back; it is not asked often, so that it can do just that."""
    bench.load.control(f'cycle {n}')

    def over():
        time.sleep(0.2)
        status = bench.load.status()
        return status if bench.running() and status['cycles'] == n else None
    return wait_for(f'{n} reconnects', over, 900)


def reconnects(template, options):
    with Bench(template) as bench:
        bench.daemon_new()
        until_streaming(bench)
        cycle(bench, WARM_UP)
        before = footprint(bench)
        status = cycle(bench, RECONNECTS)
        after = footprint(bench)
        bench.daemon_stop()
    grown = [b - a for a, b in zip(before, after)]
    yield Figure(f'descriptors more after {RECONNECTS:,} reconnects', grown[0], '', 0, None, True)
    yield Figure('match rules for bluetoothd', after[1], '', MATCH_RULES, None, True)
    yield Figure(f'RSS more after {RECONNECTS:,} reconnects', grown[2], 'KiB', RSS_TARGET_KIB, None, True,
                 [f'{before[2]:,} KiB after {WARM_UP}, {after[2]:,} KiB at the end'])
    yield Figure('link lost to all subscribed again, median', status['back_median_usec'] / 1e3, 'ms')
    yield Figure('link lost to all subscribed again, p95', status['back_p95_usec'] / 1e3, 'ms')
