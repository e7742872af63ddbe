# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ten thousand devices in one search, and calls of many octets: bounded memory, which is given back, and nobody waits."""
import json
import os
import pathlib
import subprocess

from bluez import objects
from caller import Client
from stage import Failure, at_least, expect, wait_for
from wire import ERROR

CROWD = 10000
FOUND_MAX = 64
MIB = 1024 * 1024
GROWTH_MAX = 2 * MIB
KEPT_MAX = 2 * MIB              # when the search is over and the crowd has gone
SANITIZED_FACTOR = 3            # a sanitizer needs memory of its own beside each piece


# A sanitizer would keep what was freed.
FORGETFUL = {'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':quarantine_size_mb=1:thread_local_quarantine_size_kb=64'}


def rss(stage):
    pages = pathlib.Path(f'/proc/{stage.daemon.child.pid}/statm').read_text().split()[1]
    return int(pages) * 4096


def factor(stage):
    maps = pathlib.Path(f'/proc/{stage.daemon.child.pid}/maps').read_text()
    return SANITIZED_FACTOR if any(word in maps for word in ('libasan', 'libtsan', 'libclang_rt')) else 1


def signals(sim):
    return json.loads(sim.control('fault status'))['signals']


def searching(stage):
    search = subprocess.Popen([str(stage.binary('client/needlectl')), 'search', '--seconds=30', '-q'], env={**os.environ, **stage.env})
    wait_for('the search', lambda: stage.json('status')['searching'])
    wait_for('that of bluetoothd', lambda: objects(stage)['/org/bluez/hci0']['org.bluez.Adapter1']['Discovering']['data'])
    return search


def counters(stage):
    path = '/org/needled/device/' + stage.device('pen')['address'].replace(':', '_')
    done = subprocess.run(['busctl', '--address', stage.env['DBUS_SYSTEM_BUS_ADDRESS'], '--json=short', 'call', 'org.needled', path,
                           'org.needled.Device1', 'GetCounters'], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)['data'][0]


def none_lost(stage, sim):
    """All that was sent has come, and nothing that was not: the numbers are without a gap, and none came twice."""
    sent = sim.status()
    expect(sum(sent['refused'].values()), 0, 'refused by the socket')
    wait_for('every notification', lambda: counters(stage)['received'] >= sum(sent['sent'].values()))
    expect({name: counters(stage)[name] for name in ('lost', 'duplicates', 'malformed', 'unreadable', 'reconnects')},
           dict.fromkeys(('lost', 'duplicates', 'malformed', 'unreadable', 'reconnects'), 0), 'counters')


def test_ten_thousand_in_one_search(stage):
    sim = stage.sim('--kind=pen', '--live-period=20')
    stage.needled(env=FORGETFUL)
    stage.adopt()
    sim.control('start')
    wait_for('a session', stage.live_session)
    before, heard = rss(stage), signals(sim)

    search, somebody = searching(stage), Client(stage.dir / 'bus')
    sim.control(f'crowd {CROWD}')
    peak, answers = 0, 0
    while signals(sim) - heard < 2 * CROWD:     # all have come, and each was heard once more
        peak = max(peak, rss(stage))
        bluetooth, = somebody.done('Get', 'org.freedesktop.DBus.Properties', 'ss', 'org.needled.Manager1', 'Bluetooth')
        expect(bluetooth.value, 'ready', 'the answer to somebody else meanwhile')
        answers += 1
    at_least(answers, 3, 'answers while the crowd came')
    wait_for('as many found as are kept', lambda: len(stage.json('devices')['devices']) == FOUND_MAX + 1)
    peak = max(peak, rss(stage))
    if peak - before > GROWTH_MAX * factor(stage):
        raise Failure(f'a crowd costs {(peak - before) / MIB:.1f} MiB')

    search.terminate()
    search.wait()
    wait_for('the end of the search', lambda: not stage.json('status')['searching'])
    sim.control('crowd 0')
    wait_for('memory that is given back', lambda: rss(stage) - before < KEPT_MAX * factor(stage))
    print(f'# {before / MIB:.1f} MiB before, at most {(peak - before) / MIB:.1f} MiB more, {(rss(stage) - before) / MIB:.1f} MiB kept')

    expect(stage.streaming() is not None, True, 'streaming all the time')
    sim.control('stop')
    wait_for('a stored session', stage.sessions)
    none_lost(stage, sim)


def test_needled_starts_in_a_crowd(stage):
    """The answer to GetManagedObjects is as long; what is adopted is found in it."""
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    search = searching(stage)
    heard = signals(sim)
    sim.control(f'crowd {CROWD}')
    wait_for('the crowd', lambda: signals(sim) - heard >= 2 * CROWD)
    search.terminate()
    search.wait()
    expect(stage.daemon.stop(), 0, 'exit status')
    stage.needled(env=FORGETFUL)
    wait_for('streaming again', stage.streaming)
    if rss(stage) > 24 * MIB * factor(stage):
        raise Failure(f'{rss(stage) / MIB:.1f} MiB after a start in a crowd')


def test_a_large_call_is_not_remembered(stage):
    """glibc by itself keeps room for another one as large as the largest so far."""
    stage.needled(env=FORGETFUL)
    somebody = Client(stage.dir / 'bus')

    def call(octets):
        answer = somebody.answer(somebody.call('Adopt', 'org.needled.Manager1', 's', 'x' * octets))
        expect(answer.type, ERROR, f'the answer to a call of {octets} octets')

    call(1)
    before = rss(stage)
    for octets in (8 * MIB, 16 * MIB, 8 * MIB, 1):
        call(octets)
    wait_for('memory that is given back', lambda: rss(stage) - before < KEPT_MAX * factor(stage))
