# SPDX-License-Identifier: LGPL-2.1-or-later
"""From the device's first advertisement to the stored session, and through what goes wrong on the way."""
import json
import os
import signal
import sqlite3

from stage import Failure, at_least, expect, wait_for

REST = 'The next session begins when the device has been at rest: off the skin, its motor off.'


def finished(stage, n=1):
    return wait_for(f'{n} stored sessions', lambda: len(stage.sessions()) >= n and stage.sessions())


def run_procedure(stage, sim, seconds_of_use=2):
    """Starts the device by its button, waits until it was used for a while, stops it."""
    sim.control('start')
    wait_for('a session', lambda: stage.live_session())
    wait_for('use', lambda: sim.status()['sent']['live'] > 20 * seconds_of_use)
    sim.control('stop')


def test_search_adopt_use_store(stage):
    sim = stage.sim('--kind=pen', '--seed=3', '--live-period=50')
    stage.needled()
    wait_for('Bluetooth', lambda: stage.json('status')['bluetooth'] == 'ready')
    device = stage.adopt()
    expect(device['kind'], 'pen', 'kind')
    expect(device['profile'], 'omp1', 'profile')
    expect(device['bonded'], True, 'bonded')
    run_procedure(stage, sim)
    session = finished(stage)[0]
    expect(session['end_reason'], 'device', 'end reason')
    expect(session['alias'], 'pen', 'alias')
    at_least(session['strokes'], 50, 'strokes')
    at_least(session['contact_time'], 500_000, 'contact time')
    at_least(session['force_peak'], 200, 'peak force')
    expect(session['lost']['live'], 0, 'lost')
    shown = stage.json('show', session['id'])
    expect(shown['strokes'], session['strokes'], 'strokes of show and list')
    expect(sum(sim.status()['refused'].values()), 0, 'refused by the socket')
    expect(stage.json('devices')['devices'][0]['address'], device['address'], 'the one device')
    expect(stage.daemon.text().count('pen was adopted by'), 1, 'adoption in the journal')


def test_frames_are_kept_as_they_came(stage):
    sim = stage.sim('--kind=pen', '--seed=4', '--live-period=50', '--waveform=500')
    stage.needled()
    stage.adopt()
    run_procedure(stage, sim)
    session = finished(stage)[0]
    expect(stage.daemon.stop(), 0, 'exit status')
    with sqlite3.connect(f'file:{stage.state_dir}/needled.db?mode=ro', uri=True) as db:
        expect(db.execute('PRAGMA integrity_check').fetchone()[0], 'ok', 'integrity')
        frames = db.execute('SELECT sum(frames) FROM chunk WHERE session = ?', (session['id'],)).fetchone()[0]
        tail = db.execute('SELECT count(*) FROM tail').fetchone()[0]
    at_least(frames, 40, 'frames in chunks')
    expect(tail, 0, 'pieces left in the tail')


def test_roller(stage):
    sim = stage.sim('--kind=roller', '--seed=5', '--crc')
    stage.needled()
    expect(stage.adopt()['kind'], 'roller', 'kind')
    run_procedure(stage, sim)
    session = finished(stage)[0]
    expect('punctures' in session, False, 'punctures of a roller')
    at_least(session['distance'], 1, 'distance')


def test_comes_back_by_itself(stage):
    sim = stage.sim('--kind=pen', '--seed=6', '--live-period=50')
    stage.needled()
    stage.adopt()
    sim.control('start')
    session = wait_for('a session', lambda: stage.live_session())
    sim.control('advertise off')
    sim.control('drop 08')
    wait_for('an interrupted session', lambda: stage.live_session()['state'] == 'interrupted')
    wait_for('a waiting device', lambda: stage.device('pen')['state'] == 'waiting')
    expect(stage.device('pen')['state_reason'], 'away', 'reason')
    sim.control('advertise on')
    wait_for('the session going on', lambda: stage.live_session()['state'] == 'running')
    expect(stage.live_session()['id'], session['id'], 'one session')
    sim.control('stop')
    stored = finished(stage)[0]
    expect(stored['gaps'], 1, 'gaps')
    at_least(stored['gap_time'], 1, 'gap time')
    expect(len(stage.sessions()), 1, 'sessions')
    expect(stage.counters()['reconnects'], 1, 'reconnects')


def restart_in_the_middle(stage, how):
    sim = stage.sim('--kind=pen', '--seed=8', '--live-period=50')
    stage.needled()
    stage.adopt()
    sim.control('start')
    session = wait_for('a session', lambda: stage.live_session())
    wait_for('use', lambda: stage.json('show', session['id'])['strokes'] > 50)
    before = stage.json('show', session['id'])['strokes']
    # What is not committed yet when the daemon is killed is gone: at most 100 ms of it (a few frames), never more.
    wait_for('a commit', lambda: committed(stage, session['id']) > 20)
    status = stage.daemon.stop(how)
    expect(status, 0 if how == signal.SIGTERM else -signal.SIGKILL, 'exit status')
    stage.processes.remove(stage.daemon)
    stage.needled()
    wait_for('the same session going on', lambda: (stage.live_session() or {}).get('state') == 'running')
    expect(stage.live_session()['id'], session['id'], 'id')
    expect(stage.live_session()['uuid'], session['uuid'], 'uuid')
    wait_for('more use', lambda: stage.json('show', session['id'])['strokes'] > before + 50)
    sim.control('stop')
    stored = finished(stage)[0]
    expect(stored['id'], session['id'], 'stored id')
    expect(stored['gaps'], 1, 'gaps')
    expect(len(stage.sessions()), 1, 'sessions')


def committed(stage, session_id):
    """Frames of a session in the database: in chunks, and in pieces that are in none yet (once its chunk is there a piece is stale)."""
    with sqlite3.connect(f'file:{stage.state_dir}/needled.db?mode=ro', uri=True) as db:
        return db.execute('SELECT (SELECT coalesce(sum(frames), 0) FROM chunk WHERE session = ?1) +'
                          '       (SELECT coalesce(sum(frames), 0) FROM tail WHERE session = ?1'
                          '        AND chunk NOT IN (SELECT seq FROM chunk WHERE session = ?1))', (session_id,)).fetchone()[0]


def test_restart_in_the_middle(stage):
    restart_in_the_middle(stage, signal.SIGTERM)


def test_killed_in_the_middle(stage):
    restart_in_the_middle(stage, signal.SIGKILL)


def test_adopted_device_is_connected_after_a_restart(stage):
    stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    expect(stage.daemon.stop(), 0, 'exit status')
    stage.needled()
    wait_for('streaming', stage.streaming)


def test_unbonded_needs_consent(stage):
    stage.sim('--kind=pen', '--no-bond')
    stage.needled()
    wait_for('a found device', lambda: stage.ctl('search', '--seconds=1', '-q') and stage.device())
    status, _, err = stage.ctl('adopt', stage.device()['address'])
    if status == 0 or '--allow-unbonded' not in err:
        raise Failure(f'adopted without a bond, or without saying what to do: {status} {err}')
    device = stage.adopt('--allow-unbonded')
    expect(device['bonded'], False, 'bonded')


def test_two_devices_two_sessions(stage):
    sim = stage.sim('--kind=pen', '--kind=roller', '--address=C0:FF:EE:00:00:01', '--address=C0:FF:EE:00:00:02')
    stage.needled()
    stage.adopt(address='C0:FF:EE:00:00:01', alias='one')
    stage.adopt(address='C0:FF:EE:00:00:02', alias='two')
    sim.control('@0 start')
    sim.control('@1 start')
    wait_for('both in use', lambda: all('session' in stage.device(alias) for alias in ('one', 'two')))
    sim.control('@0 stop')
    sim.control('@1 stop')
    expect({s['alias'] for s in finished(stage, 2)}, {'one', 'two'}, 'sessions of')


def test_nothing_lost_at_800_per_second(stage):
    """60,000 notifications with recording on: sent − refused = received, and what was refused is what was counted lost."""
    count = int(os.environ.get('NEEDLED_FLOOD', '60000'))
    sim = stage.sim('--kind=pen', f'--flood=800:{count}:60')
    stage.needled()
    stage.adopt()
    sim.control('start')
    wait_for('the end of the flood', lambda: sim.status()['sent']['live'] >= count, 300)
    status = sim.status()
    wait_for('the last of it', lambda: stage.counters()['received'] >= sum(status['sent'].values()) - sum(status['refused'].values()))
    expect(stage.counters()['lost'], status['refused']['live'], 'lost')
    expect(stage.counters()['malformed'], 0, 'malformed')


def test_forget(stage):
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    run_procedure(stage, sim)
    finished(stage)
    status, out, err = stage.ctl('forget', 'pen')
    expect((status, out), (0, ''), f'forget ({err})')
    expect(stage.device('pen'), None, 'the forgotten device')
    expect(len(stage.sessions()), 1, 'its sessions stay')


def test_finish_and_discard_by_hand(stage):
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    sim.control('start')
    session = wait_for('a session', lambda: stage.live_session())
    wait_for('its use', lambda: stage.live_session()['state'] == 'running')
    status, _, err = stage.ctl('resume')
    expect((status, err), (2, f'Session {session["id"]} is running already: use ends a pause too.\n'), 'resume')
    expect('until it is used' in stage.ctl('pause')[2], True, 'what ends a pause')
    wait_for('its use', lambda: stage.live_session()['state'] == 'running')
    status, _, err = stage.ctl('finish')
    expect((status, REST in err), (0, True), f'finish ({err})')
    expect(stage.sessions()[0]['end_reason'], 'user', 'end reason')
    sim.control('stop')
    wait_for('the device at rest', lambda: sim.status()['running'] is False)
    sim.control('start')
    wait_for('another session', lambda: (stage.live_session() or {}).get('state') == 'running')
    status, _, err = stage.ctl('discard')
    expect((status, REST in err), (0, True), f'discard ({err})')
    sim.control('stop')
    wait_for('the device at rest', lambda: sim.status()['running'] is False)
    expect(stage.ctl('start')[0], 0, 'start')
    expect(REST in stage.ctl('discard')[2], False, 'a word about one that was not used')
    expect(len(stage.sessions()), 1, 'sessions')


def test_started_by_hand_with_words(stage):
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    expect(stage.ctl('start', '--subject=me', '--area=forehead', '--note=first')[0], 0, 'start')
    run_procedure(stage, sim)
    session = finished(stage)[0]
    expect((session['subject'], session['area']), ('me', 'forehead'), 'subject and area')


def test_watch_follows_to_the_end(stage):
    sim = stage.sim('--kind=pen', '--live-period=50')
    stage.needled()
    stage.adopt()
    watch = stage.start('watch', [stage.binary('client/needlectl'), 'watch', '--json', '--until-end'])
    sim.control('start')
    wait_for('live records', lambda: watch.text().count('"live"') > 25)     # however late it is there
    sim.control('stop')
    watch.child.wait(60)
    records = [json.loads(line) for line in watch.text().splitlines()]
    types = [record['type'] for record in records]
    expect(types[0], 'hello', 'first record')
    expect(types[-1], 'end', 'last record')
    at_least(types.count('live'), 20, 'live records')
    at_least(types.count('figures'), 1, 'figures')
    times = [record['time'] for record in records if record['type'] == 'live']
    expect(times, sorted(times), 'order of session times')
    expect(sum(record.get('dropped', 0) for record in records), 0, 'dropped')
