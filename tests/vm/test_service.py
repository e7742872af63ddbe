# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `meson install` makes of the guest: a service under systemd, on the system bus, with a policy."""

import json
import shlex

import journal
import lib
import product

NEEDS_PRODUCT = True

STRANGER = 'stranger'


def property_of(guest, unit, name):
    return guest.check(f'systemctl show -P {name} {unit}').strip()


def manager(guest, *names):
    return lib.get(guest, product.SERVICE, product.ROOT, product.MANAGER, *names)


def refusal(guest, user, path, method, *arguments):
    """The error that a call of the user meets: (name, message). An AssertionError if it meets none."""
    words = ['runuser', '-u', user, '--', 'gdbus', 'call', '--system', '--dest', product.SERVICE,
             '--object-path', path, '--method', method, *arguments]
    status, output = guest.run(shlex.join(words))
    assert status != 0, f'{method} by {user} went well: {output}'
    _, _, error = output.partition('GDBus.Error:')
    name, _, message = error.strip().partition(': ')
    return name, message


def add_stranger(guest):
    guest.check(f'useradd --no-create-home --shell /bin/sh {STRANGER}')


def said(guest, text, count=1):
    """Wait until the journal of the service has the text; more often than `count` is an error."""
    def look():
        found = [e for e in journal.entries(guest) if text in e['MESSAGE']]
        return found if len(found) >= count else None
    entries = lib.wait_for(f'"{text}" in the journal', look)
    assert len(entries) == count, entries
    return entries[-1]


def test_runs_as_its_own_user_without_capabilities(guest):
    guest.check('systemctl start needled')
    assert property_of(guest, 'needled', 'Type') == 'notify'
    assert property_of(guest, 'needled', 'ActiveState') == 'active'
    pid = property_of(guest, 'needled', 'MainPID')
    status = dict(line.split(':', 1) for line in guest.check(f'cat /proc/{pid}/status').splitlines())
    needled = guest.check('id -u needled').strip()
    assert needled != '0' and set(status['Uid'].split()) == {needled}, status['Uid']
    for kind in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'):
        assert int(status[kind], 16) == 0, (kind, status[kind])
    assert status['NoNewPrivs'].strip() == '1'
    owner = lib.call(guest, 'org.freedesktop.DBus', '/', 'org.freedesktop.DBus',
                     'GetConnectionUnixProcessID', 's', product.SERVICE)
    assert owner == [int(pid)]
    assert manager(guest, 'Bluetooth', 'Storage', 'StorageReason') == ['ready', 'ready', '']
    assert 'omp1' in manager(guest, 'Features')
    modes = guest.check('stat -c "%U %a %n" {0} {0}/*'.format(product.STATE_DIRECTORY)).splitlines()
    assert modes[0] == f'needled 700 {product.STATE_DIRECTORY}', modes
    assert len(modes) > 1 and all(mode.startswith('needled 600 ') for mode in modes[1:]), modes


def test_a_call_starts_it_and_a_restart_keeps_its_name(guest):
    assert property_of(guest, 'needled', 'ActiveState') == 'inactive'
    version = manager(guest, 'Version')
    assert version and property_of(guest, 'needled', 'ActiveState') == 'active'
    first = property_of(guest, 'needled', 'MainPID')
    guest.check('systemctl restart needled')
    assert property_of(guest, 'needled', 'MainPID') != first
    assert manager(guest, 'Version') == version
    assert property_of(guest, 'needled', 'NRestarts') == '0'
    guest.check('systemctl stop needled')
    assert property_of(guest, 'needled', 'Result') == 'success'
    assert not [e for e in journal.entries(guest) if int(e['PRIORITY']) <= 4], journal.entries(guest)


def test_what_it_shows_of_itself(guest):
    guest.check('systemctl start needled')
    tree = guest.check('busctl tree org.needled')
    for path in ('/org/needled', '/org/needled/device', '/org/needled/session'):
        assert f'{path}\n' in tree, tree
    shown = guest.check('busctl introspect org.needled /org/needled')
    for interface in (product.MANAGER, product.HISTORY, 'org.freedesktop.DBus.ObjectManager'):
        assert interface in shown, shown
    status, out, errors = product.ctl(guest, 'status')
    assert status == 0 and 'ready' in out and not errors, (status, out, errors)
    assert product.query(guest, 'devices') == {'devices': []}
    assert product.sessions(guest) == []


def test_nobody_else_can_own_its_name(guest):
    add_stranger(guest)
    guest.check('systemctl stop needled')
    take = ('import dbus; bus = dbus.SystemBus(); '
            'print(bus.request_name("org.needled", dbus.bus.NAME_FLAG_DO_NOT_QUEUE))')
    status, output = guest.run(shlex.join(['runuser', '-u', STRANGER, '--', 'python3', '-c', take]))
    assert status != 0 and 'org.freedesktop.DBus.Error.AccessDenied' in output, output
    # The same by the service's own user goes well, so that it is the policy that has refused.
    assert guest.check(shlex.join(['runuser', '-u', 'needled', '--', 'python3', '-c', take])).strip() == '1'


def test_others_see_states_and_no_figures(guest):
    add_stranger(guest)
    sim, pen = product.begin_with(guest, product.BONDED), product.device(guest)
    session = product.begin(guest, sim)
    path = f'/org/needled/session/{session["id"]}'

    status, out, errors = product.ctl(guest, 'status', '--json', user=STRANGER)
    assert status == 0, errors
    assert [s['state'] for s in json.loads(out)['sessions']] == ['running'], out
    status, out, errors = product.ctl(guest, 'status', user=STRANGER)
    assert status == 0 and 'running' in out and 'strokes' not in out and not errors, (out, errors)
    no = ('org.needled.Error.NotAuthorized', 'org.freedesktop.DBus.Error.InteractiveAuthorizationRequired')
    for where, method, arguments in (
            (path, f'{product.SESSION}.GetFigures', []), (path, f'{product.SESSION}.OpenStream', ['{}']),
            (path, f'{product.SESSION}.Finish', []), (path, f'{product.SESSION}.Discard', []),
            (pen['path'], f'{product.DEVICE}.SetAlias', ['mine']),
            (product.ROOT, f'{product.MANAGER}.Forget', [pen['path']]),
            (product.ROOT, f'{product.MANAGER}.Search', ['{}']),
            (product.ROOT, f'{product.MANAGER}.Adopt', [pen['path'], '{}'])):
        name, message = refusal(guest, STRANGER, where, method, *arguments)
        assert name in no and len(message) > 20, (method, name, message)
    status, _, errors = product.ctl(guest, 'show', session['id'], user=STRANGER)
    assert status in (3, 4) and errors, (status, errors)
    # root, whose it is, gets them, and what was refused changed nothing.
    assert lib.call(guest, product.SERVICE, path, product.SESSION, 'GetFigures')[0]['strokes'] >= 50
    assert product.streaming(guest)['alias'] == 'pen'

    sim.control('stop')
    kept = product.stored(guest)
    assert lib.call(guest, product.SERVICE, product.ROOT, product.HISTORY, 'List', 'a{sv}', 0,
                    user=STRANGER) == [[]]
    name, _ = refusal(guest, STRANGER, product.ROOT, f'{product.HISTORY}.Get', str(kept['id']))
    assert name == 'org.needled.Error.NotFound', name
    absent, _ = refusal(guest, STRANGER, product.ROOT, f'{product.HISTORY}.Get', str(kept['id'] + 1000))
    assert absent == name
    status, out, errors = product.ctl(guest, 'sessions', '--json', user=STRANGER)
    assert status == 0 and json.loads(out)['sessions'] == [], (status, out, errors)
    assert guest.run(f'runuser -u {STRANGER} -- ls {product.STATE_DIRECTORY}')[0] != 0


def test_bluetooth_comes_and_goes(guest):
    """Each state is said once, and shown by the property."""
    def becomes(state, text, count=1):
        lib.wait_for(f'Bluetooth {state}', lambda: manager(guest, 'Bluetooth') == state)
        entry = said(guest, text, count)
        assert (entry['MESSAGE_ID'], entry['NEEDLED_STATE']) == (journal.id_of('BLUETOOTH_CHANGED'), state), entry

    def power(on):
        for adapter in ('hci0', 'hci1'):
            guest.check(f'busctl set-property org.bluez /org/bluez/{adapter} '
                        f'org.bluez.Adapter1 Powered b {on}')

    guest.check('systemctl stop bluetooth; systemctl start needled')
    becomes('absent', 'bluetoothd is not running')
    # It waits, and does not have bluetoothd started by a call of its own.
    assert property_of(guest, 'bluetooth', 'ActiveState') == 'inactive'
    status, out, _ = product.ctl(guest, 'status')
    assert status == 0 and 'absent' in out, out
    pid = property_of(guest, 'needled', 'MainPID')
    guest.check('systemctl start bluetooth')
    # The adapters may be there before they have power.
    lib.wait_for('Bluetooth', lambda: manager(guest, 'Bluetooth') == 'ready')

    power('false')
    lib.wait_for('Bluetooth off', lambda: manager(guest, 'Bluetooth') == 'off')
    assert 'off' in product.ctl(guest, 'status')[1]
    power('true')
    lib.wait_for('Bluetooth', lambda: manager(guest, 'Bluetooth') == 'ready')
    guest.check('systemctl stop btvirt')
    lib.wait_for('Bluetooth no-adapter', lambda: manager(guest, 'Bluetooth') == 'no-adapter')
    guest.check('systemctl start btvirt')
    lib.wait_for('Bluetooth', lambda: manager(guest, 'Bluetooth') == 'ready')
    guest.check('systemctl stop bluetooth')
    becomes('absent', 'bluetoothd is not running', count=2)
    assert property_of(guest, 'needled', 'MainPID') == pid
    told = [e['NEEDLED_STATE'] for e in journal.entries(guest, 'BLUETOOTH_CHANGED')]
    assert all(a != b for a, b in zip(told, told[1:])), told
    assert told[0] == told[-1] == 'absent' and told.count('absent') == 2, told
    assert {'off', 'no-adapter', 'ready'} < set(told) and len(told) < 20, told


def test_bad_configuration_is_named(guest):
    guest.check("printf '[Session]\\nWindow=soon\\nWindw=3\\nIdleTimeout=90\\n' >/etc/needled/needled.conf\n"
                'systemctl start needled')
    value = said(guest, 'Window=soon')
    assert value['MESSAGE'].startswith('/etc/needled/needled.conf:2:'), value['MESSAGE']
    key = said(guest, 'Windw')
    assert key['MESSAGE'].startswith('/etc/needled/needled.conf:3:'), key['MESSAGE']
    for entry in (value, key):
        assert (entry['MESSAGE_ID'], entry['PRIORITY']) == (journal.id_of('CONFIG_INVALID'), '4'), entry
    assert len(journal.entries(guest, 'CONFIG_INVALID')) == 2
    assert manager(guest, 'Storage') == 'ready'


def keeps_aside(guest, prepare, aside, check):
    """A database that cannot be used: READY all the same, the old file under another name, a new one in its
    place, and word of it."""
    guest.check(f'install -d -o needled -g needled -m 700 {product.STATE_DIRECTORY}\n{prepare}\n'
                f'chown -R needled:needled {product.STATE_DIRECTORY}\nsystemctl start needled')
    lib.wait_for('storage', lambda: manager(guest, 'Storage') == 'ready')
    names = guest.check(f'ls {product.STATE_DIRECTORY}').split()
    kept = [name for name in names if name.startswith(aside)]
    assert len(kept) == 1 and 'needled.db' in names, names
    told = lib.wait_for('word of it', lambda: [e for e in journal.entries(guest) if kept[0] in e['MESSAGE']])
    assert all(int(entry['PRIORITY']) <= 4 for entry in told), told
    assert guest.check(check.format(f'{product.STATE_DIRECTORY}/{kept[0]}')) == 'as it was\n'
    assert product.rows(guest, 'SELECT count(*) AS n FROM session') == [{'n': 0}]


def test_database_of_a_newer_version(guest):
    keeps_aside(guest,
                f'sqlite3 {product.DATABASE} "PRAGMA application_id = 0x6e646c64; PRAGMA user_version = 99; '
                'CREATE TABLE future (x); INSERT INTO future VALUES (\'as it was\')"',
                'needled.db.v99', 'sqlite3 -readonly {} "SELECT x FROM future"')


def test_damaged_database(guest):
    keeps_aside(guest, f'printf "as it was\\n" >{product.DATABASE}', 'needled.db.corrupt-', 'cat {}')


def test_database_that_cannot_be_opened(guest):
    """A directory in its place: a session is recorded all the same, in memory, until it can be written."""
    guest.check(f'install -d -o needled -g needled -m 700 {product.STATE_DIRECTORY} {product.DATABASE}\n'
                'systemctl start needled')
    lib.wait_for('trouble', lambda: manager(guest, 'Storage') == 'unavailable')
    assert 'needled.db' in manager(guest, 'StorageReason')
    trouble, = journal.entries(guest, 'STORAGE_DEGRADED')
    assert 'needled.db' in trouble['MESSAGE'] and trouble['PRIORITY'] == '3', trouble
    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=50')
    product.adopt(guest)
    session = product.begin(guest, sim)
    sim.control('stop')
    status, _, errors = product.ctl(guest, 'sessions')
    assert status == 1 and 'needled.db' in errors, (status, errors)
    guest.check(f'rmdir {product.DATABASE}')
    lib.wait_for('storage', lambda: manager(guest, 'Storage') == 'ready')
    kept = product.stored(guest)
    assert kept['id'] == session['id'] and kept['strokes'] >= 50, kept
    assert len(journal.entries(guest, 'STORAGE_RECOVERED')) == 1
    names = guest.check(f'ls {product.STATE_DIRECTORY}').split()
    assert not [name for name in names if 'corrupt' in name], names
    assert manager(guest, 'Storage', 'StorageReason') == ['ready', '']
