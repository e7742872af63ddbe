# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service with a device that bonds: needlesim on bluetoothd's GATT server at hci1."""

import json

import journal
import lib
import product

NEEDS_PRODUCT = True

BOND = f'/var/lib/bluetooth/00:AA:01:00:00:00/{product.PUBLIC_ADDRESS}/info'
BLUEZ_DEVICE = '/org/bluez/hci0/dev_00_AA_01_01_00_01'


def test_from_the_search_to_the_record(guest):
    sim = product.begin_with(guest, product.BONDED)
    pen = product.device(guest)
    assert (pen['kind'], pen['profile'], pen['adopted'], pen['owner']) == ('pen', 'omp1', True, 0), pen
    assert (pen['manufacturer'], pen['model'], pen['serial']) == ('needled', 'Simulated pen', 'P000001'), pen
    assert pen['battery'] <= 100 and pen['adapter'] == '00:AA:01:00:00:00', pen
    bond = guest.check(f'cat {BOND}')
    assert '[LongTermKey]' in bond or '[PeripheralLongTermKey]' in bond, bond
    paired, trusted = lib.get(guest, 'org.bluez', BLUEZ_DEVICE, 'org.bluez.Device1', 'Paired', 'Trusted')
    assert paired and trusted

    session = product.begin(guest, sim)
    tree = guest.check('busctl tree org.needled')
    assert pen['path'] in tree and f'/org/needled/session/{session["id"]}' in tree, tree
    path = f'/org/needled/session/{session["id"]}'
    state, owner, of = lib.get(guest, product.SERVICE, path, product.SESSION, 'State', 'Owner', 'Device')
    assert (state, owner, of) == ('running', 0, pen['path'])
    measured = lib.call(guest, product.SERVICE, path, product.SESSION, 'GetFigures')[0]
    assert measured['strokes'] >= 50 and measured['force_peak'] > measured['force_mean'] > 0, measured
    shown = guest.check(f'busctl introspect org.needled {path}')
    assert '.State' in shown and '"running"' in shown and '.OpenStream' in shown, shown

    sim.control('stop')
    kept = product.stored(guest)
    assert (kept['id'], kept['uuid'], kept['end_reason'], kept['alias']) == (
        session['id'], session['uuid'], 'device', 'pen'), kept
    assert kept['strokes'] >= measured['strokes'] and kept['force_peak'] > 200, kept
    assert kept['gaps'] == 0 and kept['lost']['live'] == 0, kept
    assert product.query(guest, 'show', kept['id'])['strokes'] == kept['strokes']
    sent = sim.status()
    # The model's last strokes may come after its last Live value.
    assert sent['strokes'] - 20 <= kept['strokes'] <= sent['strokes'], (kept, sent)
    check_rows(guest, kept, sent)
    check_journal(guest, kept)


def check_rows(guest, kept, sent):
    """The record in the file: the session's row, and its frames as they came."""
    row, = product.rows(guest, 'SELECT * FROM session')
    assert (row['id'], row['uuid']) == (kept['id'], kept['uuid'])
    assert (row['ended'], row['end_reason']) == (1, 'device'), row
    assert row['device_address'] == product.PUBLIC_ADDRESS and row['strokes'] == kept['strokes'], row
    frames, = product.rows(guest, 'SELECT sum(frames) AS n FROM chunk')
    assert frames['n'] <= sum(sent['sent'].values()) + 20, (frames, sent)       # and the link's own marks
    assert frames['n'] > kept['duration'] / 50_000 * 0.8, (frames, kept)        # a Live value each 50 ms
    assert product.rows(guest, 'SELECT count(*) AS n FROM tail') == [{'n': 0}]
    assert product.rows(guest, 'PRAGMA integrity_check') == [{'integrity_check': 'ok'}]
    mode = guest.check(f'stat -c "%U %G %a" {product.DATABASE}').strip()
    assert mode == 'needled needled 600', mode


def check_journal(guest, kept):
    """What journalctl shows of a session: that there was one, never what was measured."""
    for name, state in (('SESSION_STARTED', 'open'), ('SESSION_FINISHED', 'finished')):
        entry, = journal.entries(guest, name)
        assert entry['NEEDLED_SESSION'] == str(kept['id']) and entry['NEEDLED_DEVICE'] == 'pen', entry
        assert entry['NEEDLED_STATE'] == state and entry['_UID'] != '0', entry
    adopted, = journal.entries(guest, 'DEVICE_ADOPTED')
    assert adopted['NEEDLED_DEVICE'] == 'pen' and 'without a bond' not in adopted['MESSAGE'], adopted
    connected, = journal.entries(guest, 'DEVICE_CONNECTED')
    assert connected['NEEDLED_DEVICE'] == 'pen' and connected['SYSLOG_IDENTIFIER'] == 'needled', connected
    assert len(lib.journal(guest, f'NEEDLED_SESSION={kept["id"]}')) >= 2
    verbose = guest.check('journalctl -t needled -o verbose --no-pager')
    for word in ('MESSAGE_ID=', 'NEEDLED_DEVICE=pen', f'NEEDLED_SESSION={kept["id"]}'):
        assert word in verbose, f'{word} is not in {verbose}'
    texts = [entry['MESSAGE'] for entry in journal.entries(guest)]
    for figure in ('strokes', 'force_peak', 'force_mean', 'contact_time', 'duration'):
        assert not any(str(kept[figure]) in text.split() for text in texts), (figure, kept[figure], texts)
    assert not any(unit in text.split() for text in texts for unit in ('mN', 'N', 'strokes')), texts


def test_watch_follows_a_session(guest):
    sim = product.begin_with(guest, product.BONDED)
    lib.start(guest, 'watch', 'bash', '-c', 'exec needlectl watch --json --until-end >/run/watch.json')
    session = product.begin(guest, sim)
    sim.control('stop')
    kept = product.stored(guest)
    guest.check('while systemctl is-active --quiet watch; do sleep 0.1; done')
    records = [json.loads(line) for line in guest.check('cat /run/watch.json').splitlines()]
    types = [record['type'] for record in records]
    assert types[0] == 'hello' and types[-1] == 'end', types
    assert {record['session'] for record in records} == {session['id']}
    live = [record for record in records if record['type'] == 'live']
    assert len(live) > 20 and max(record['force_peak'] for record in live) > 200, live
    assert live[-1]['strokes'] <= kept['strokes'], (live[-1], kept)
    assert [record['time'] for record in live] == sorted(record['time'] for record in live)
    assert [r['figures']['strokes'] for r in records if r['type'] == 'figures'][-1] == kept['strokes']


def test_device_goes_away_and_comes_back(guest):
    sim = product.begin_with(guest, product.BONDED)
    session = product.begin(guest, sim)
    sim.control('advertise off')
    sim.control('drop')
    lib.wait_for('interrupted session', lambda: product.interrupted(guest, session))
    pen = lib.wait_for('waiting device', lambda: (d := product.device(guest))['state'] == 'waiting' and d)
    assert pen['state_reason'] == 'away' and 'retry_at' not in pen, pen
    sim.control('advertise on')
    product.goes_on(guest, session)
    product.finish(guest, sim, session)
    assert product.counters(guest)['reconnects'] == 1
    lost, = journal.entries(guest, 'DEVICE_LOST')
    assert lost['NEEDLED_DEVICE'] == 'pen', lost
    assert len(journal.entries(guest, 'DEVICE_CONNECTED')) == 2


def test_device_is_switched_off_and_on(guest):
    """Another process of needlesim is a device that has lost its memory: it is met again by its bond, and
    the session that it does not know of any more ends."""
    sim = product.begin_with(guest, product.BONDED)
    session = product.begin(guest, sim)
    sim.stop()
    lib.wait_for('interrupted session', lambda: product.interrupted(guest, session))
    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=4', '--live-period=50', unit='needlesim-again')
    lib.wait_for('streaming device', lambda: product.streaming(guest), product.LINK_SEC)
    kept = product.stored(guest)
    assert (kept['id'], kept['end_reason']) == (session['id'], 'device'), kept
    again = product.begin(guest, sim)
    sim.control('stop')
    assert product.stored(guest, 2)['id'] == again['id'] != session['id']


def restart_in_the_middle(guest, command):
    sim = product.begin_with(guest, product.BONDED)
    session = product.begin(guest, sim)
    uuid = session['uuid']
    before = product.figures(guest)['strokes']
    # What was not committed when the service is killed is gone, 100 ms of it.
    lib.wait_for('commit', lambda: product.rows(
        guest, 'SELECT (SELECT count(*) FROM chunk) + (SELECT count(*) FROM tail) AS n')[0]['n'] > 0)
    guest.check(command)
    product.goes_on(guest, session)
    assert product.live_session(guest)['uuid'] == uuid
    # A service that stops lets go of the device, which takes bluetoothd two seconds: the new one may find it
    # connected still, and lose it once more.
    kept = product.finish(guest, sim, session, gaps=(1, 2))
    assert kept['strokes'] > before, (kept, before)
    assert len(journal.entries(guest, 'SESSION_RESUMED', NEEDLED_SESSION=session['id'])) >= 1
    assert product.counters(guest).get('interferences', 0) == 0, product.counters(guest)


def test_service_is_restarted_in_the_middle(guest):
    restart_in_the_middle(guest, 'systemctl restart needled')


def test_service_is_killed_in_the_middle(guest):
    """systemd starts it again."""
    restart_in_the_middle(
        guest, 'pid=$(systemctl show -P MainPID needled); kill -9 $pid\n'
               'while [ "$(systemctl show -P MainPID needled)" = $pid ]; do sleep 0.1; done\n'
               'until systemctl is-active --quiet needled; do sleep 0.1; done')


def test_bluetoothd_is_restarted_in_the_middle(guest):
    sim = product.begin_with(guest, product.BONDED)
    session = product.begin(guest, sim)
    pid = guest.check('systemctl show -P MainPID needled')
    guest.check('systemctl restart bluetooth')
    product.goes_on(guest, session)
    product.finish(guest, sim, session)
    assert guest.check('systemctl show -P MainPID needled') == pid
    assert product.device(guest)['bonded'] is True


def test_bluetoothd_is_killed_in_the_middle(guest):
    """Nothing is signalled then but that the name is gone, and Debian's unit stays failed: needled has it started again."""
    sim = product.begin_with(guest, product.BONDED)
    session = product.begin(guest, sim)
    states = product.States(guest)
    guest.check('systemctl kill --signal=KILL bluetooth')
    states.back(('waiting', 'no-bluetoothd'))
    product.goes_on(guest, session)
    product.finish(guest, sim, session)


def test_adapter_is_switched_off_in_the_middle(guest):
    sim = product.begin_with(guest, product.BONDED)
    session = product.begin(guest, sim)
    guest.check('busctl set-property org.bluez /org/bluez/hci0 org.bluez.Adapter1 Powered b false')
    lib.wait_for('interrupted session', lambda: product.interrupted(guest, session))
    pen = lib.wait_for('waiting device', lambda: (d := product.device(guest))['state'] == 'waiting' and d)
    assert pen['state_reason'] == 'adapter-off', pen
    guest.check('busctl set-property org.bluez /org/bluez/hci0 org.bluez.Adapter1 Powered b true')
    product.goes_on(guest, session)
    product.finish(guest, sim, session)


def check_signals_of_bluetoothd(guest, messages):
    """bluetoothd broadcasts a value when it is read, or notified to who asked by StartNotify."""
    characteristics = {path: interfaces['org.bluez.GattCharacteristic1']['UUID']
                       for path, interfaces in lib.managed_objects(guest, 'org.bluez').items()
                       if path.startswith(BLUEZ_DEVICE) and 'org.bluez.GattCharacteristic1' in interfaces}
    feature, = [path for path, uuid in characteristics.items() if uuid.startswith('95840101-')]
    measuring = {path for path, uuid in characteristics.items()
                 if uuid.startswith(('95840102-', '95840103-', '95840104-', '95840105-'))}
    assert len(measuring) == 4, characteristics
    with_value = {m['path'] for m in messages if m['type'] == 'signal' and m['member'] == 'PropertiesChanged'
                  and 'Value' in lib.plain(m['payload']['data'])[1]}
    assert feature in with_value, with_value        # it was read: so would a measurement look
    assert not measuring & with_value, with_value
    assert not [m for m in messages if m.get('member') == 'StartNotify' and m['path'] in measuring]


def check_signals_of_needled(messages, session_path):
    signals = [m for m in messages if m['type'] == 'signal' and m['path'].startswith('/org/needled')]
    assert any(m['path'] == session_path and m['member'] == 'PropertiesChanged' for m in signals), signals
    for signal in signals:
        data = lib.plain(signal['payload']['data'])
        if signal['member'] == 'PropertiesChanged':
            data[1].pop('Capabilities', None)       # what the device can measure
        for word in ('force', 'strokes', 'contact', 'depth', 'figures', 'zone', 'over_'):
            assert word not in json.dumps(data), signal


def test_nothing_measured_is_broadcast(guest):
    """What every local user could read on the bus while a session runs, over two links: a monitor sees all
    messages, and no signal among them carries a measurement, from bluetoothd or from the service."""
    guest.check('systemctl start needled')
    lib.start(guest, 'monitor', 'bash', '-c', 'exec busctl monitor --json=short >/run/monitor.json')
    lib.wait_for('monitor', lambda: 'Monitoring' in guest.run('journalctl -b -u monitor --no-pager')[1])
    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=50', '--waveform=250')
    product.adopt(guest)
    product.begin(guest, sim)
    sim.control('drop')
    lib.wait_for('second link', lambda: len(journal.entries(guest, 'DEVICE_CONNECTED')) == 2,
                 product.LINK_SEC)
    product.use(guest, product.figures(guest)['strokes'] + 50)
    sim.control('stop')
    kept = product.stored(guest)
    guest.check('systemctl stop monitor')

    lines = guest.check('cat /run/monitor.json').splitlines()
    messages = [json.loads(line) for line in lines if line.startswith('{')]
    # The monitor has seen it all, the figures on their way to their owner too.
    assert any(m.get('member') == 'GetFigures' for m in messages), len(messages)
    assert any(m['type'] == 'method_return' and 'force_peak' in json.dumps(m) for m in messages)
    check_signals_of_bluetoothd(guest, messages)
    check_signals_of_needled(messages, f'/org/needled/session/{kept["id"]}')
