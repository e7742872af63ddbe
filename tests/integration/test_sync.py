# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sessions that a device has stored: taken over once, merged with what was followed live, cleared only when that is configured."""
import csv
import io
import itertools
import json
import signal
import struct

from bluez import CHARACTERISTIC, OMP, call, characteristics
from stage import at_least, expect, wait_for
from test_export import ask


def start(stage, *options, config='', crc=True):
    (stage.config_dir / 'needled.conf').write_text(config)
    sim = stage.sim('--kind=pen', *(['--crc'] if crc else []), *options)
    stage.needled()
    return sim


def sync_state(stage):
    return stage.device('pen')['sync']


def begin_to_adopt(stage):
    """As stage.adopt(), which waits until the device streams and nothing else."""
    def found():
        stage.ctl('search', '--seconds=1', '-q')
        return stage.device()
    status, _, err = stage.ctl('adopt', wait_for('a found device', found)['address'], '--alias=pen')
    expect(status, 0, f'adopt ({err})')


def settled(stage):
    """What was offered at the connection has been looked at."""
    def over():
        device = stage.device('pen')
        return device and device['state'] == 'streaming' and device['sync']['phase'] == 'idle' and device
    return wait_for('the end of what is taken over', over)


def taken(stage, n):
    return wait_for(f'{n} sessions', lambda: (s := stage.sessions()) and len(s) >= n and s)


def stored_on(sim):
    return sim.status()['records']


def test_taken_over_once(stage):
    sim = start(stage, '--records=3')
    stage.adopt()
    sessions = taken(stage, 3)
    settled(stage)
    expect([s['record'] for s in sessions], [3, 2, 1], 'records, newest first')
    expect({s['source'] for s in sessions}, {'stored'}, 'source')
    expect({s['end_reason'] for s in sessions}, {'device'}, 'end reason')
    for s in sessions:
        at_least(s['duration'], 8_000_000, 'duration')
        at_least(s['strokes'], 1, 'strokes')
        at_least(s['force_mean'], 1, 'mean force')
        expect([key for key in ('gaps', 'lead_in', 'lost') if key in s], [], 'what no record has')
    hours = [(a['start'] - b['start']) // 3_600_000_000 for a, b in zip(sessions, sessions[1:])]
    expect(hours, [1, 1], 'hours between their starts')
    expect(stored_on(sim), 3, 'records on the device')
    expect(stage.ctl('verify', *[s['id'] for s in sessions])[:2], (0, ''), 'figures computed again')
    entries = entries_of(stage, sessions[0]['id'])
    at_least(len(entries), 8, 'entries of the trace')
    expect(curve(stage, sessions[0]['id'], len(entries), len(entries) * 1_000_000),
           [[second * 1_000_000, mean, mean, max(mean, peak)] for second, mean, peak, _ in entries], 'the curve, entry by entry')
    page = stage.ctl('report', sessions[0]['id'], '-o', '-')[1]
    expect([words for words in ('The device stored no histogram of it.', 'The device stored no alerts of it.', 'Those in contact, as the device stored them.') if words not in page],
           [], 'what its report says')
    expect([words for words in ('No time in contact', 'There were no alerts', 'counter grew by', 'raised as an alert') if words in page], [], 'what it must not say')
    status, table, err = stage.ctl('export', sessions[0]['id'], '--format=csv', '--resample=1')
    expect(status, 0, f'export as a table ({err})')
    rows = [tuple(int(row[key]) for key in ('force_mN', 'force_peak_mN', 'stroke_rate_per_min', 'strokes'))
            for row in csv.DictReader(io.StringIO(table)) if row['force_mN']]
    strokes = list(itertools.accumulate(entry[3] for entry in entries))
    expect(rows, [(mean, peak, 60 * n, total) for (_, mean, peak, n), total in zip(entries, strokes)][:len(rows)], 'the table, entry by entry')
    at_least(len(rows), len(entries) - 1, 'rows with an entry')

    expect(stage.ctl('sync')[0], 2, 'nothing is new')
    sim.control('drop')
    wait_for('a second link', lambda: stage.daemon.text().count('pen is connected') == 2)
    settled(stage)
    expect(len(stage.sessions()), 3, 'sessions after another connection')
    expect(stage.daemon.text().count('what pen had stored was taken over'), 1, 'entries in the journal')


def test_one_more_by_hand(stage):
    sim = start(stage, '--records=1', '--procedure=3')
    stage.adopt()
    taken(stage, 1)
    settled(stage)
    sim.control('segment-loss 1')
    status, _, err = stage.ctl('sync')
    expect((status, 'no sessions that are not here' in err), (2, True), f'nothing is new, although a segment was lost ({err})')
    shown = stage.json('devices')['devices'][0]['sync']
    expect((shown['phase'], shown.get('error', '')), ('idle', ''), 'how it ended')


def test_what_failed_by_itself_is_fetched_by_hand(stage):
    sim = start(stage, '--records=3')
    sim.control('segment-loss 10000')
    stage.adopt()
    failed = wait_for('the end of what fails', lambda: (s := sync_state(stage))['phase'] == 'idle' and s.get('error') and s)
    expect('needlectl sync' in failed['error'], True, f'the remedy ({failed["error"]})')
    sim.control('segment-loss 1')      # that one is asked for again
    status, out, err = stage.ctl('sync')
    expect((status, len(stage.sessions())), (0, 3), f'taken over ({out}{err})')
    expect(sync_state(stage).get('error', ''), '', 'an error')


def curve(stage, session, points, to=0):
    return ask(stage, 'GetSeries', 'tsttu', session, 'force', 0, to, points)


def entries_of(stage, session):
    """(second, mean, peak, strokes) of what the device has stored, from the octets that it sent."""
    path = stage.dir / 'entries.json'
    expect(stage.ctl('export', session, '--format=json', '--force', '-o', path)[0], 0, 'export')
    found = []
    for frame in json.loads(path.read_text())['frames']:
        body = bytes.fromhex(frame['x'])
        if frame.get('c') != 'session-data' or body[0] != 2:
            continue
        first, period, n = struct.unpack_from('<IHB', body, 6)
        expect(period, 100, 'period of the trace (10 ms)')
        found += [(first + i, *struct.unpack_from('<hhH', body, 13 + 6 * i)) for i in range(n)]
    return found


def there_and_back(stage, session):
    """What the device kept is written between what came live, in order of time, so that it can be read again."""
    path = stage.dir / 'merged.json'
    expect(stage.ctl('export', session, '--format=json', '-o', path)[0], 0, 'export')
    document = json.loads(path.read_text())
    times = [frame['t'] for frame in document['frames']]
    expect(times, sorted(times), 'times of frames')
    expect(any(frame.get('c') == 'session-data' for frame in document['frames']), True, 'frames of the record')
    uuid, record_start = document['session']['uuid'], document['session']['record_start']
    path.write_text(path.read_text().replace(uuid, '21111111-2222-4333-8444-555555555555'))
    status, _, err = stage.ctl('import', path)
    expect((status, 'already' in err), (2, True), f'by another UUID it is the same record ({err})')
    path.write_text(path.read_text().replace(f'"record_start": {record_start}, ', ''))
    before = stage.json('show', session)
    back = stage.json('show', stage.json('import', path)['imported'][0]['session'])
    for key in ('duration', 'strokes', 'force', 'contact_time'):
        expect(back.get(key), before.get(key), key)
    for points in (500, 60, 1):
        expect(curve(stage, back['id'], points), curve(stage, session, points), f'the curve of {points} points')
    expect(stage.ctl('delete', '--yes', back['id'])[0], 0, 'delete')


def test_merged_with_what_was_followed(stage):
    sim = start(stage)
    stage.adopt()
    settled(stage)
    sim.control('start')
    session = wait_for('a session', stage.live_session)['id']
    wait_for('use', lambda: (s := stage.live_session()) and s['state'] == 'running')
    status, _, err = stage.ctl('sync')
    expect((status, 'is live' in err), (1, True), f'not while one is live ({err})')
    sim.control('stop')
    both = wait_for('the merged session', lambda: (s := stage.sessions()) and s[0]['source'] == 'both' and s)
    expect([(s['id'], s['record']) for s in both], [(session, 1)], 'sessions')
    expect(stage.ctl('verify', session)[:2], (0, ''), 'live figures stand')
    there_and_back(stage, session)
    expect(stage.ctl('sync')[0], 2, 'nothing is new')
    expect(stored_on(sim), 1, 'records on the device')


def test_imported_and_taken_over(stage):
    """Whichever comes first, each session is here once."""
    sim = start(stage, '--records=2')
    stage.adopt()
    taken(stage, 2)
    settled(stage)
    sim.control('start')
    wait_for('use', lambda: (s := stage.live_session()) and s['state'] == 'running')
    sim.control('stop')
    wait_for('the merged session', lambda: (s := stage.sessions())[0]['source'] == 'both')
    archive = stage.dir / 'all.zip'
    expect(stage.ctl('export', '--all', '--format=json', '-o', archive)[0], 0, 'export')

    def elsewhere(name):
        stage.daemon.stop()
        stage.processes.remove(stage.daemon)
        stage.state_dir = stage.dir / name
        stage.needled()

    elsewhere('imported')
    expect(len(stage.json('import', archive)['imported']), 3, 'imported')
    before = stage.sessions()
    stage.adopt()
    wait_for('what the device has', lambda: settled(stage)['sync'].get('total') == 3)
    expect(stage.sessions(), before, 'sessions, as they were imported')
    expect(stage.ctl('sync')[0], 2, 'nothing is new')

    elsewhere('taken over')
    stage.adopt()
    taken(stage, 3)
    settled(stage)
    status, _, err = stage.ctl('import', archive)
    expect((status, len(stage.sessions())), (2, 3), f'all are here already ({err})')


def test_cleared_when_configured(stage):
    sim = start(stage, '--records=4', config='[Store]\nClearOnDevice=yes\n')
    stage.adopt()
    taken(stage, 4)
    wait_for('an empty device', lambda: stored_on(sim) == 0)
    settled(stage)
    sim.control('start')
    wait_for('use', lambda: (s := stage.live_session()) and s['state'] == 'running')
    sim.control('stop')
    wait_for('the merged session', lambda: stage.sessions()[0]['source'] == 'both')
    wait_for('an empty device', lambda: stored_on(sim) == 0)
    expect([s['record'] for s in stage.sessions()], [5, 4, 3, 2, 1], 'records')


def test_a_session_begins_in_the_middle(stage):
    """It goes on when that is over, with the one that began."""
    sim = start(stage, '--records=150', '--live-period=50')
    begin_to_adopt(stage)
    wait_for('some sessions', lambda: len(stage.sessions()) > 3)
    sim.control('start')
    wait_for('a session', stage.live_session)
    if len(stage.json('sessions', '--limit=500')['sessions']) < 150:
        # The device is told, and says that it has ended.
        wait_for('the end of what is taken over', lambda: sync_state(stage)['phase'] == 'idle')
        expect(stage.live_session() is not None, True, 'a live session meanwhile')
    before = len([s for s in stage.json('sessions', '--limit=500')['sessions'] if s['source'] == 'stored'])
    sim.control('stop')
    wait_for('all', lambda: stage.json('sessions', '--limit=500')['sessions'][0].get('record') == 151)
    wait_for('all', lambda: len(stage.json('sessions', '--limit=500')['sessions']) == 151)
    at_least(before, 3, 'sessions before it began')


def test_a_session_is_discarded_in_the_middle(stage):
    """Nor does that one stop it for good."""
    sim = start(stage, '--records=150', '--live-period=50')
    begin_to_adopt(stage)
    wait_for('some sessions', lambda: len(stage.sessions()) > 3)
    sim.control('start')
    wait_for('a session', stage.live_session)
    expect(stage.ctl('discard')[0], 0, 'discard')
    wait_for('all', lambda: len(stage.json('sessions', '--limit=500')['sessions']) == 150)
    sim.control('stop')
    wait_for('its record', lambda: stored_on(sim) == 151)
    stage.ctl('sync')
    wait_for('the end', lambda: settled(stage)['sync'].get('error', '') == '')
    expect(len(stage.json('sessions', '--limit=500')['sessions']), 150, 'sessions')


def test_reset_and_used_since(stage):
    """The device was reset out of sight and has more sessions by now than it had then: all of them come, and none goes that did not."""
    bonds = f'--state={stage.state_dir.parent / "bonds"}'
    sim = start(stage, bonds, config='[Store]\nClearOnDevice=yes\n')
    stage.adopt()
    settled(stage)
    sim.control('start')
    wait_for('use', lambda: (s := stage.live_session()) and s['state'] == 'running')
    sim.control('stop')
    wait_for('the merged session', lambda: (s := stage.sessions()) and s[0]['source'] == 'both')
    stage.daemon.stop()
    sim.stop()
    stage.processes.remove(sim)
    sim = stage.sim('--kind=pen', '--crc', '--records=4', bonds)
    stage.needled()
    sessions = taken(stage, 5)
    expect(sorted(s['record'] for s in sessions), [1, 1, 2, 3, 4], 'records of both times')
    wait_for('an empty device', lambda: stored_on(sim) == 0)


def test_killed_in_the_middle(stage):
    """kill -9 again and again: each is here once, and all that are gone on the device are here."""
    sim = start(stage, '--records=120', config='[Store]\nClearOnDevice=yes\n')
    begin_to_adopt(stage)
    for at in (5, 40, 80):
        wait_for(f'{at} sessions', lambda at=at: len(stage.json('sessions', '--limit=500')['sessions']) >= at)
        stage.daemon.stop(signal.SIGKILL)
        stage.processes.remove(stage.daemon)
        stage.needled()
    wait_for('an empty device', lambda: stored_on(sim) == 0)
    sessions = stage.json('sessions', '--limit=500')['sessions']
    expect([s['record'] for s in sessions], list(range(120, 0, -1)), 'records')


def test_link_lost_in_the_middle(stage):
    sim = start(stage, '--records=100')
    begin_to_adopt(stage)
    drops = 0
    while (n := len(stage.json('sessions', '--limit=500')['sessions'])) < 100:
        if n >= drops * 30 and stage.device('pen')['state'] == 'syncing':
            sim.control('drop')
            drops += 1
            wait_for('another link', lambda links=drops: stage.daemon.text().count('pen is connected') > links)
    at_least(drops, 1, 'times that the link was lost')
    settled(stage)
    sessions = stage.json('sessions', '--limit=500')['sessions']
    expect([s['record'] for s in sessions], list(range(100, 0, -1)), 'records')


def test_device_was_reset(stage):
    """Its numbers begin anew: another epoch, and nothing is taken for what was here."""
    sim = start(stage, '--records=3', crc=False)
    stage.adopt()
    taken(stage, 3)
    settled(stage)
    sim.control('confirm')
    control_point = characteristics(stage)[OMP % '0107'][0]
    call(stage, control_point, CHARACTERISTIC, 'WriteValue', 'aya{sv}', 5, 0x7f, 0x21, 0x4f, 0x4d, 0x54, 0)
    wait_for('the reset', lambda: stored_on(sim) == 0)
    settled(stage)
    sim.control('start')
    wait_for('use', lambda: (s := stage.live_session()) and s['state'] == 'running')
    sim.control('stop')
    wait_for('the merged session', lambda: stage.sessions()[0]['source'] == 'both')
    expect([s['record'] for s in stage.sessions()], [1, 3, 2, 1], 'records of both times')


def test_discarded_stays_away(stage):
    """A session that was to leave no trace does not come back from the device, not even after a restart."""
    sim = start(stage)
    stage.adopt()
    settled(stage)
    sim.control('start')
    wait_for('use', lambda: (s := stage.live_session()) and s['state'] == 'running')
    expect(stage.ctl('discard')[0], 0, 'discard')
    stage.daemon.stop()
    sim.control('stop')
    wait_for('its record', lambda: stored_on(sim) == 1)
    stage.needled()
    wait_for('the end of the device', lambda: settled(stage)['sync'].get('total') == 1)
    expect(stage.sessions(), [], 'sessions')


def test_deleted_stays_away(stage):
    """Nor does one that was deleted before the device had told what it has of it."""
    sim = start(stage)
    stage.adopt()
    settled(stage)
    sim.control('start')
    session = wait_for('use', lambda: (s := stage.live_session()) and s['state'] == 'running' and s)
    expect(stage.ctl('finish')[0], 0, 'finish')
    expect(stage.ctl('delete', session['id'], '--yes')[0], 0, 'delete')
    sim.control('stop')
    wait_for('its record', lambda: stored_on(sim) == 1)
    # Nobody asks for it: the device says that its own session is over.
    wait_for('the end of the device', lambda: settled(stage)['sync'].get('total') == 1)
    expect(stage.sessions(), [], 'sessions')


def test_device_without_a_memory(stage):
    start(stage, '--capacity=0')
    stage.adopt()
    status, _, err = stage.ctl('sync')
    expect((status, 'stores no sessions' in err), (1, True), f'{err}')
