# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service ends at any moment, and systemd has what it had not written: nothing of what it had received is gone. NEEDLED_TRIALS says how
often it is killed (5)."""

import os
import random
import time

import journal
import lib
import product

NEEDS_PRODUCT = True
LONG = ('test_nothing_is_lost_when_it_is_killed',)

# The Live values in the ring that are not committed (store/ring.c), one a line.
READ_RING = '''
import glob, os, struct
path = [p for p in glob.glob('/proc/1/fd/*') if os.path.realpath(p).startswith('/memfd:needled-frames')]
assert len(path) == 1, path
fd = os.open(path[0], os.O_RDONLY)
size = 8 * 1024 * 1024
head, tail = struct.unpack('<QQ', os.pread(fd, 16, 56))
while tail < head:
    at = 4096 + tail % size
    _, what, position = struct.unpack('<IIQ', os.pread(fd, 16, at))
    if what == 0xffffffff:
        tail += size - tail % size
        continue
    assert position == tail, (position, tail)
    _, _, channel, direction, length = struct.unpack('<QQBBH', os.pread(fd, 20, at + 32))
    if what >> 24 == 2 and channel == 1 and direction & 0x7f == 0:
        print(os.pread(fd, length, at + 52).hex())
    tail += 32 + ((what & 0xffffff) + 15) // 16 * 16
'''


def show(guest, name):
    return guest.check(f'systemctl show -P {name} needled').strip()


def start(guest):
    guest.check('systemctl start needled')
    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=20', '--waveform=200', '--procedure=10800')
    product.adopt(guest)
    return sim, product.begin(guest, sim)


def kill(guest):
    """As it comes, and what is in the ring before systemd starts the next one. Returns the Live values there."""
    guest.check(f'cat >/run/read-ring.py <<"END"\n{READ_RING}\nEND')
    return guest.check('kill -9 $(systemctl show -P MainPID needled)\npython3 /run/read-ring.py').split()


def octets(guest, session):
    status, tape, errors = product.ctl(guest, 'export', session['id'])
    assert status == 0, errors
    return tape.replace(' ', '').lower()


def test_nothing_is_lost_when_it_is_killed(guest):
    """What bluetoothd sends while nobody listens is a gap; all that it had taken is in the record, once."""
    trials, values = int(os.environ.get('NEEDLED_TRIALS', '5')), []
    # A hundred kills take long, and systemd counts two starts for each: its own, and the one that needlectl asks for meanwhile.
    guest.check("mkdir -p /etc/needled /run/systemd/system/needled.service.d\n"
                "printf '[Session]\\nTimeLimit=3h\\n' >/etc/needled/needled.conf\n"
                f"printf '[Unit]\\nStartLimitBurst={3 * trials + 10}\\n' >/run/systemd/system/needled.service.d/trials.conf\n"
                'systemctl daemon-reload')
    sim, session = start(guest)
    for _ in range(trials):
        time.sleep(random.random() / 2)
        values += kill(guest)
        product.goes_on(guest, session, strokes=5)
    kept = product.finish(guest, sim, session, gaps=(trials, trials))
    assert kept['lost']['live'] == 0, kept
    assert int(show(guest, 'NRestarts')) == trials
    assert values, 'no kill met anything that was not written'
    tape = octets(guest, session)
    missing = [value for value in values if tape.count(value) != 1]
    assert not missing, (len(missing), len(values))
    status, out, errors = product.ctl(guest, 'verify', session['id'])
    assert status == 0, (out, errors)


def test_restart_keeps_the_session(guest):
    """Stopped and started: it closes in order, and is back with the session."""
    sim, session = start(guest)
    before = time.monotonic()
    guest.check('systemctl stop needled')
    assert time.monotonic() - before < 15, 'more than any wait of its own'
    assert show(guest, 'Result') == 'success' and show(guest, 'NFileDescriptorStore') == '0'
    said = [e['MESSAGE'] for e in lib.journal(guest, '_PID=1', 'UNIT=needled.service')]
    assert 'needled.service: Deactivated successfully.' in said, said
    guest.check('systemctl start needled')
    product.goes_on(guest, session)
    assert show(guest, 'NFileDescriptorStore') == '1'
    product.finish(guest, sim, session)


def test_reload_and_status(guest):
    guest.check('systemctl start needled')
    lib.wait_for('the status', lambda: show(guest, 'StatusText') == 'Bluetooth is ready; no device is adopted.')
    guest.check("mkdir -p /etc/needled\nprintf '[Session]\\nTimeLimit=soon\\n' >/etc/needled/needled.conf\nsystemctl reload needled")
    warning, = lib.wait_for('the warning', lambda: journal.entries(guest, 'CONFIG_INVALID'))
    assert warning['MESSAGE'].startswith('/etc/needled/needled.conf:2:'), warning['MESSAGE']
    guest.check("printf '[Session]\\nTimeLimit=20min\\n' >/etc/needled/needled.conf\nsystemctl reload needled")
    assert show(guest, 'ActiveState') == 'active' and show(guest, 'NRestarts') == '0'
    sim, session = start(guest)
    lib.wait_for('the limit', lambda: product.query(guest, 'show', session['id'])['limit'] == 20 * 60_000_000)
    guest.check("printf '[Session]\\nTimeLimit=10min\\n' >/etc/needled/needled.conf\nsystemctl reload needled")
    lib.wait_for('the limit anew', lambda: product.query(guest, 'show', session['id'])['limit'] == 10 * 60_000_000)
    lib.wait_for('the status', lambda: show(guest, 'StatusText') == 'Bluetooth is ready; 1 device of 1 is here; 1 session is running.')
    product.finish(guest, sim, session, gaps=(0, 0))
