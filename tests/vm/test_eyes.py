# SPDX-License-Identifier: LGPL-2.1-or-later
"""What another user can have of a whole session, with the real bluetoothd, the real bus and the real journal: states."""

import json
import pathlib
import shlex
import sys

import journal
import lib
import people
import product

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'eyes'))
import judge    # noqa: E402

NEEDS_PRODUCT = True
LONG = ('test_another_user_sees_states',)

OUTPUT, PIPE = '/run/eyes.json', '/run/eyes.pipe'
BUS = 'unix:path=/run/dbus/system_bus_socket'
CONFIG = '[Limits]\nZoneLow=100\nZoneHigh=300\nOverpressure=500\nHysteresis=100\n'


def look(guest):
    """bob goes all the way round once."""
    guest.check(f'before=$(grep -c round {OUTPUT}); echo look >{PIPE}\n'
                f'until [ $(grep -c round {OUTPUT}) -gt $before ]; do sleep 0.1; done', timeout=180)


def ctl(guest, *words):
    status, output, errors = product.ctl(guest, *words, user='alice')
    assert status == 0, f'{words}: status {status}: {errors}'
    return output


def show(guest, number):
    return json.loads(ctl(guest, 'show', number, '--json'))


def whole_session(guest, sim):
    """Everything that can happen to one. Returns what alice was told."""
    lib.start(guest, 'watch', 'bash', '-c', 'exec runuser -u alice -- needlectl watch --json --until-end >/run/watch.json')
    sim.control('start')
    number = lib.wait_for('session', lambda: product.live_session(guest))['id']
    for words in (['stage', 'needling'], ['area', 'cheek-left'], ['mark', 'rosebud']):
        ctl(guest, *words)
    lib.wait_for('alert', lambda: any(a['code'] == 'overpressure' for a in show(guest, number).get('alerts', [])))
    look(guest)
    sim.control('drop')
    look(guest)
    lib.wait_for('second link', lambda: len(journal.entries(guest, 'DEVICE_CONNECTED')) == 2, product.LINK_SEC)
    lib.wait_for('session to go on', lambda: (s := product.live_session(guest)) and s['state'] == 'running')
    told = [show(guest, number)]
    sim.control('stop')
    lib.wait_for('what the device has stored of it', lambda: product.live_session(guest) is None and show(guest, number)['source'] == 'both',
                 product.LINK_SEC)
    ctl(guest, 'annotate', number, 'subject=Mallory', 'product=arnica', 'note=violet')
    told.append(show(guest, number))
    assert ctl(guest, 'export', number, '--format=csv').count('\n') > 50
    look(guest)
    told += [json.loads(line) for line in guest.check('cat /run/watch.json').splitlines()]
    check_files(guest)
    ctl(guest, 'delete', number, '--yes')
    look(guest)
    return told


def check_files(guest):
    """bob reads no file of the service's, not even that it has any, and nothing of its journal."""
    for path in (product.STATE_DIRECTORY, product.DATABASE):
        assert guest.run(f'runuser -u bob -- ls {path}')[0] != 0, path
    # find's status is 1, since bob may not enter all folders; that it has looked is told by a file that he may read.
    _, readable = guest.run('runuser -u bob -- find / -path /proc -prune -o -path /sys -prune -o -user needled -type f -readable -print'
                            ' -o -path /etc/passwd -readable -print 2>/dev/null')
    assert readable == '/etc/passwd\n', readable
    pid = guest.check('systemctl show -P MainPID needled').strip()
    for command in ('cat /proc/{}/environ', 'cat /proc/{}/maps', 'ls /proc/{}/fd/', 'ls /proc/{}/root/'):
        assert guest.run(f'runuser -u bob -- {command.format(pid)}')[0] != 0, command
    seen = guest.run('runuser -u bob -- journalctl -q --no-pager -t needled')[1]
    assert 'needled[' not in seen, seen


def test_another_user_sees_states(guest):
    people.add(guest)
    guest.check('mkdir -p /run/systemd/system/needled.service.d /etc/needled\n'
                'printf "[Service]\\nEnvironment=NEEDLED_DEBUG=1\\n" >/run/systemd/system/needled.service.d/debug.conf\n'
                f'printf %s {shlex.quote(CONFIG)} >/etc/needled/needled.conf\nsystemctl daemon-reload; systemctl start needled')
    assert not journal.entries(guest, 'CONFIG_INVALID')
    guest.put(pathlib.Path(judge.__file__).with_name('collect.py'), '/usr/local/bin/collect.py')
    guest.check(f'mkfifo {PIPE}; chown bob {PIPE}')
    lib.start(guest, 'eyes', 'bash', '-c', f'exec runuser -u bob -- python3 /usr/local/bin/collect.py '
              f'{BUS} {people.uid(guest, "alice")} {PIPE} >{OUTPUT}')
    lib.wait_for('eyes', lambda: '"user"' in guest.run(f'cat {OUTPUT}')[1])
    lib.start(guest, 'ears', 'bash', '-c', 'exec runuser -u bob -- dbus-monitor --system >/run/ears.txt')
    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=100', '--procedure=3600', '--records=1')
    people.adopts(guest, 'alice')
    look(guest)
    figures = judge.measured(whole_session(guest, sim))
    guest.check('systemctl stop eyes ears')
    items = [json.loads(line) for line in guest.check(f'cat {OUTPUT}').splitlines()]
    assert {item['uid'] for item in items if item['way'] == 'user'} == {people.uid(guest, 'bob')}
    judge.Judge(items, figures, judge.SECRETS).check_seen()
    judge.check_overheard(guest.check('cat /run/ears.txt'))
    debug = guest.check('journalctl -b --no-pager -o cat -t needled PRIORITY=7')
    assert debug, 'no word of debugging'
    said = [f'{name}={value}' for entry in journal.entries(guest) for name, value in entry.items() if name == 'MESSAGE' or
            name.startswith('NEEDLED_')]
    judge.check_journal('\n'.join(said), figures)
