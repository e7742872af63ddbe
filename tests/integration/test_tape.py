# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tapes by needlectl: recorded from a live session, exported from a stored one, replayed, and computed again."""
import json
import os
import pathlib
import select
import signal
import sqlite3
import stat

from stage import Failure, at_least, expect, wait_for


def use(stage, sim, live_values=60):
    """Starts the device, and waits until it was used for a while."""
    sim.control('start')
    wait_for('use', lambda: sim.status()['sent']['live'] > live_values)


def finished(stage, n=1):
    return wait_for(f'{n} stored sessions', lambda: len(stage.sessions()) >= n and stage.sessions())


def stored_session(stage, *sim_options):
    """A pen that was used until it ended its session; the stored session."""
    sim = stage.sim('--kind=pen', '--seed=3', '--live-period=50', *sim_options)
    stage.needled()
    stage.adopt()
    use(stage, sim)
    sim.control('stop')
    return finished(stage)[0]


def body(tape):
    """The lines of a tape after its head."""
    return [line for line in tape.splitlines() if line[:1].isdigit()]


def recording(stage, *args):
    return stage.start(f'record{stage.count("record")}', [stage.binary('client/needlectl'), 'record', *args])


def test_record_waits_for_a_session_and_ends_with_it(stage):
    sim = stage.sim('--kind=pen', '--seed=3', '--live-period=50')
    stage.needled()
    stage.adopt()
    path = stage.dir / 'live.tape'
    record = recording(stage, 'pen', f'--output={path}')
    wait_for('the recording', lambda: 'Waiting for a session' in record.text())
    use(stage, sim)
    wait_for('values on the tape', lambda: path.read_text().count(' < live ') >= 40)    # however late it hears of the session
    sim.control('stop')
    expect(record.child.wait(60), 0, f'exit status ({record.text()})')
    expect(stat.S_IMODE(path.stat().st_mode), 0o600, 'mode of the file')
    tape = path.read_text()
    expect(tape.splitlines()[:2], ['needled-tape 1', 'profile omp1'], 'head')
    expect(f'session {finished(stage)[0]["uuid"]}' in tape, True, 'the UUID of the session')
    at_least(sum(' < live ' in line for line in body(tape)), 40, 'live values')
    expect(body(tape)[-1].split()[-2:], ['=', 'device'], 'last line')
    expect('missed' in tape, False, 'missed records')
    if str(path) not in record.text():
        raise Failure(f'does not say what it recorded: {record.text()}')


def test_record_to_stdout_until_interrupted(stage):
    sim = stage.sim('--kind=pen', '--live-period=50')
    stage.needled()
    stage.adopt()
    use(stage, sim)
    record = recording(stage)
    wait_for('lines', lambda: record.text().count(' < live ') > 20)
    expect(record.stop(signal.SIGINT), 0, 'exit status')
    expect('The session goes on' in record.text(), True, 'what it says at the end')
    expect(stage.live_session()['state'], 'running', 'the session')
    status, _, err = stage.ctl('verify', stage.live_session()['id'])
    expect((status, 'finished' in err), (1, True), f'a session that is live ({err})')


def test_an_end_that_does_not_come_is_told(stage):
    """The session ends while the service is there anew and nobody has opened the stream again."""
    sim = stage.sim('--kind=pen', '--live-period=50', '--procedure=3600')
    stage.needled()
    stage.adopt()
    path = stage.dir / 'cut.tape'
    record = recording(stage, f'--output={path}')
    watch = stage.start('watch', [stage.binary('client/needlectl'), 'watch', '--json', '--until-end'])
    use(stage, sim)
    wait_for('values', lambda: path.read_text().count(' < live ') > 20 and watch.text().count('"live"') > 20)
    for follower in (record, watch):
        follower.child.send_signal(signal.SIGSTOP)
    stage.daemon.stop(signal.SIGKILL)
    stage.processes.remove(stage.daemon)
    stage.needled()
    wait_for('streaming', stage.streaming)
    sim.control('stop')
    session = finished(stage)[0]['id']
    for follower in (record, watch):
        follower.child.send_signal(signal.SIGCONT)
    for follower in (record, watch):
        expect(follower.child.wait(60), 1, f'exit status ({follower.text()})')
        stage.processes.remove(follower)
        expect(f'The end of session {session} is missing: ' in follower.text(), True, follower.text()[-500:])
    expect(f'of session {session} in ' in record.text(), True, 'what was recorded')
    expect(path.read_text().splitlines()[-1], '# The stream broke off before this line: the end of the session is missing.', 'last line')
    expect(stage.ctl('replay', path, '--speed=0')[0], 0, 'it can be played all the same')


def test_nothing_to_record(stage):
    stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    path = stage.dir / 'none.tape'
    record = recording(stage, f'--output={path}')
    wait_for('the recording', lambda: 'Waiting for a session' in record.text())
    record.child.send_signal(signal.SIGINT)
    expect(record.child.wait(60), 2, 'exit status')
    stage.processes.remove(record)
    expect(path.exists(), False, 'an empty file')
    path.write_text('mine')
    status, _, err = stage.ctl('record', f'--output={path}')
    expect((status, '--force' in err), (1, True), f'over a file that exists ({err})')
    forced = recording(stage, f'--output={path}', '--force')
    wait_for('the recording', lambda: 'Waiting for a session' in forced.text())
    expect(forced.stop(signal.SIGINT), 2, 'exit status')
    stage.processes.remove(forced)
    expect(path.read_text(), 'mine', 'the file that was there')
    expect(stage.ctl('record', '--json')[0], 64, 'JSON and a tape on one stdout')


def recorded(stage):
    """A tape on which the most of a session is, and the session: how soon the recording hears of it is the machine's affair."""
    sim = stage.sim('--kind=pen', '--seed=5', '--live-period=50')
    stage.needled()
    stage.adopt()
    path = stage.dir / 'pen.tape'
    record = recording(stage, f'--output={path}')
    wait_for('the recording', lambda: 'Waiting for a session' in record.text())
    use(stage, sim)
    wait_for('the most of it on the tape', lambda: path.read_text().count(' < live ') > 0.75 * sim.status()['sent']['live'], 150)
    sim.control('stop')
    expect(record.child.wait(60), 0, f'exit status ({record.text()})')
    return path, finished(stage)[0]


def replay(stage, path, *args):
    """The records of a replay."""
    status, out, err = stage.ctl('replay', path, '--json', *args)
    expect((status, err), (0, ''), 'replay')
    return [json.loads(line) for line in out.splitlines()]


def test_replay_shows_the_session_again_without_the_service(stage):
    path, session = recorded(stage)
    expect(stage.daemon.stop(), 0, 'exit status')
    for speed in ('0', '10'):
        records = replay(stage, path, f'--speed={speed}')
        types = [record['type'] for record in records]
        expect((types[0], types[-2], types[-1]), ('hello', 'figures', 'end'), 'first and last records')
        expect(records[-1]['reason'], session['end_reason'], 'end')
        at_least(types.count('live'), 40, 'live records')
        at_least(types.count('figures'), 2, 'figures')
        at_least(records[-2]['figures']['force_peak'], 1, 'peak force')
        at_least(session['force_peak'], records[-2]['figures']['force_peak'], 'peak force of the session')
        expect(records[-2]['figures']['lost'], session['lost'], 'lost')
    status, out, err = stage.ctl('replay', path, '--speed=0')
    expect((status, err), (0, ''), 'replay to figures')
    for label in ('Duration', 'Strokes', 'Force'):
        expect(label in out, True, f'{label} in {out!r}')
    status, out, _ = stage.ctl('replay', path, '--speed=20')
    expect((status, out.splitlines()[-1].startswith('tape  ended by the device')), (0, True), f'lines as of watch: {out!r}')


def test_replay_of_what_is_no_tape(stage):
    path, _ = recorded(stage)
    lines = path.read_text().splitlines()
    cut = len(lines) - 10
    damaged = stage.dir / 'damaged.tape'
    damaged.write_text('\n'.join(lines[:cut] + [lines[cut] + 'x', *lines[cut + 1:]]) + '\n')
    status, out, err = stage.ctl('replay', damaged, '--speed=0')
    expect((status, f'{damaged}:{cut + 1}: ' in err), (1, True), f'a damaged line ({err})')
    expect('Strokes' in out, True, 'figures of what came before it')
    status, _, err = stage.ctl('replay', '-', '--speed=0', stdin='hello\n')
    expect((status, 'stdin:1: ' in err), (1, True), f'no tape at all ({err})')
    status, _, err = stage.ctl('replay', '-', '--speed=0', stdin='needled-tape 1\nprofile example.unheard-of\n0 < channel-0 01\n')
    expect((status, 'example.unheard-of' in err), (3, True), f'a profile that is not known ({err})')
    expect(stage.ctl('replay', stage.dir / 'none.tape')[0], 3, 'a file that is not there')
    expect(stage.ctl('replay', '-', stdin='needled-tape 1\nprofile omp1\n')[0], 2, 'an empty tape')
    for speed in ('-1', 'fast', '1e99', 'nan', ''):
        expect(stage.ctl('replay', path, f'--speed={speed}')[0], 64, f'speed {speed!r}')


def test_a_tape_of_a_vendor_device(stage):
    profiles = pathlib.Path(__file__).resolve().parents[2] / 'daemon' / 'profiles'
    tape = stage.dir / 'pen.tape'
    tape.write_text('needled-tape 1\nprofile example.simplepen\nchannel 3 data 0000ffe1-0000-1000-8000-00805f9b34fb\n0 ! up\n'
                    '0.1 < data a5 01 07 03 00 96 12 34 57 e3\n0.3 < data a5 01 08 02 ff ff 12 35 57 4c\n1 = user\n')
    expect(stage.ctl('verify', tape)[0], 3, 'without its profile')
    stage.env['NEEDLED_PROFILES_PATH'] = str(profiles)
    status, out, err = stage.ctl('verify', tape, '--json')
    expect((status, err), (0, ''), 'verify')
    figures = json.loads(out)['verified'][0]['figures']
    expect((figures['force_peak'], figures['strokes']), (1471, 1), 'figures')
    expect('depth' in figures, False, 'a depth, which the pen cannot tell')
    expect([r['force'] for r in replay(stage, tape, '--speed=0') if 'force' in r][0], 1471, 'force of the first live record')
    tape.write_text(tape.read_text().replace('0000ffe1', '0000ffe2'))
    status, _, err = stage.ctl('verify', tape)
    expect((status, '2 frames of' in err), (0, True), f'of characteristics that are not known ({err})')
    tape.write_text(tape.read_text().replace('0000ffe2', '0000ffe1'))
    status, out, _ = stage.ctl('profile', 'try', 'example.simplepen', f'--tape={tape}')
    expect((status, 'force=1470.9975' in out), (0, True), f'try: {out}')


def test_verify_of_files(stage):
    good = stage.dir / 'good.tape'
    good.write_text('needled-tape 1\nprofile omp1\n0 ! up\n2 = user\n')
    status, out, err = stage.ctl('verify', good, good)
    expect((status, out.count(str(good)), out.count('Duration'), err), (0, 2, 2, ''), 'two files')
    bad = stage.dir / 'bad.tape'
    bad.write_text(good.read_text() + '3 = user\n')
    status, out, err = stage.ctl('verify', bad)
    expect((status, 'Duration' in out, f'{bad}:5: ' in err), (1, True, True), f'a damaged tape ({err})')
    expect(stage.ctl('verify', stage.dir / 'none.tape')[0], 3, 'a file that is not there')
    expect(stage.ctl('verify')[0], 64, 'nothing to verify')


def test_a_stored_session_is_exported_replayed_and_verified(stage):
    session = stored_session(stage)
    path = stage.dir / 'stored.tape'
    status, out, err = stage.ctl('export', session['id'], '-f', 'tape', f'--output={path}')
    expect((status, out), (0, ''), f'export ({err})')
    expect(stat.S_IMODE(path.stat().st_mode), 0o600, 'mode of the file')
    tape = path.read_text()
    expect(stage.ctl('export', session['id'])[1], tape, 'the same on stdout')
    expect([line for line in tape.splitlines() if line.startswith('session ')], [f'session {session["uuid"]}'], 'session on the tape')
    expect(body(tape)[-1].split()[-2:], ['=', 'device'], 'last line')
    at_least(sum(' < feature ' in line for line in body(tape)), 1, 'what the device is')
    figures = replay(stage, path, '--speed=0')[-2]['figures']
    for name in ('duration', 'strokes', 'contact_time', 'punctures', 'force_mean', 'force_p95', 'force_peak', 'over_count', 'gaps', 'lost'):
        expect(figures[name], session[name], name)
    verified = stage.json('verify', session['id'])['verified'][0]
    expect((verified['equal'], verified['differences']), (True, []), 'figures computed again')
    expect(stage.ctl('verify', session['id'])[:2], (0, ''), 'in words')
    expect(stage.json('verify', path)['verified'][0]['figures'], verified['figures'], 'figures of the file')


def test_verify_names_what_differs(stage):
    session = stored_session(stage)
    expect(stage.daemon.stop(), 0, 'exit status')
    with sqlite3.connect(stage.state_dir / 'needled.db') as db:
        db.execute('UPDATE session SET strokes = strokes + 1, punctures = NULL')
    stage.needled()
    status, out, err = stage.ctl('verify', session['id'], '--no-legend')
    rows = [line.split() for line in out.splitlines()]
    expect((status, rows), (1, [['strokes', str(session['strokes'] + 1), str(session['strokes'])],
                                ['punctures', 'absent', str(session['punctures'])]]), f'what differs ({err})')
    status, out, _ = stage.ctl('verify', session['id'], '--json')
    verified = json.loads(out)['verified'][0]
    expect((status, verified['equal'], [d['figure'] for d in verified['differences']]), (1, False, ['strokes', 'punctures']), 'as JSON')
    expect('stored' in verified['differences'][1], False, 'a stored figure that is absent')


def test_export_refuses(stage):
    session = stored_session(stage)
    path = stage.dir / 'there.tape'
    path.write_text('mine')
    status, _, err = stage.ctl('export', session['id'], f'--output={path}')
    expect((status, '--force' in err, path.read_text()), (1, True, 'mine'), f'a file that is there ({err})')
    expect(stage.ctl('export', session['id'], f'--output={path}', '--force')[0], 0, 'with --force')
    expect(path.read_text().startswith('needled-tape 1\n'), True, 'written over')
    expect(stat.S_IMODE(path.stat().st_mode), 0o600, 'mode of what was written over')
    status, _, err = stage.ctl('export', session['id'], '-f', 'edf')
    expect((status, 'tape' in err), (64, True), f'a format of later ({err})')
    expect(stage.ctl('export', 4711)[0], 3, 'a session that is not there')
    expect(stage.ctl('export', 'pen')[0], 3, 'what is no id')
    expect(stage.ctl('export', session['id'], '--json')[0], 64, 'JSON and a tape on one stdout')
    expect(stage.ctl('verify', 4711)[0], 3, 'a session to verify that is not there')


def test_several_sessions_go_to_a_file_each(stage):
    sim = stage.sim('--kind=pen', '--live-period=50')
    stage.needled()
    stage.adopt()
    for n in (1, 2):
        sim.control('start')
        wait_for('use', lambda: (stage.live_session() or {}).get('state') == 'running')
        sim.control('stop')
        finished(stage, n)
    ids = sorted(session['id'] for session in stage.sessions())
    exported = stage.json('export', *ids, f'--output={stage.dir}')['exported']
    expect([(e['session'], e['file']) for e in exported], [(i, f'{stage.dir}/session-{i}.tape') for i in ids], 'files')
    (stage.dir / 'one').mkdir()
    expect(stage.json('export', ids[0], f'--output={stage.dir}/one')['exported'][0]['file'], f'{stage.dir}/one/session-{ids[0]}.tape', 'one')
    for entry in exported:
        expect(len(body(pathlib.Path(entry['file']).read_text())), entry['rows'], 'lines')
    expect([v['equal'] for v in stage.json('verify', *ids)['verified']], [True, True], 'verified')


def test_what_was_recorded_gives_the_figures_of_the_session(stage):
    """But for what came before the recording knew of the session: where nothing may be missing, an export is compared (above)."""
    path, session = recorded(stage)
    figures = stage.json('verify', path)['verified'][0]['figures']
    for name in ('lost', 'gaps'):
        expect(figures[name], session[name], name)
    at_least(figures['strokes'], session['strokes'] // 2, 'strokes')
    for name in ('strokes', 'force_peak', 'over_count'): # the last from what the device says of itself
        at_least(session[name], figures[name], f'{name} of the session')


def test_an_export_that_breaks_off_is_not_whole(stage):
    """A pipe that takes no more holds the export up in the middle; then the service is gone."""
    sim = stage.sim('--kind=pen', '--flood=800:4000:60')
    stage.needled()
    stage.adopt()
    sim.control('start')
    wait_for('the end of the flood', lambda: sim.status()['sent']['live'] >= 4000)
    sim.control('stop')
    session = finished(stage)[0]
    pipe = stage.dir / 'pipe'
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    export = stage.start('export', [stage.binary('client/needlectl'), 'export', str(session['id']), f'--output={pipe}', '--force'])
    wait_for('the first lines', lambda: select.select([reader], [], [], 0)[0])
    stage.daemon.stop(signal.SIGKILL)
    stage.processes.remove(stage.daemon)
    os.set_blocking(reader, True)
    with os.fdopen(reader, 'rb') as taken:
        tape = taken.read()
    expect(export.child.wait(60), 1, f'exit status ({export.text()})')
    stage.processes.remove(export)
    expect(tape.startswith(b'needled-tape 1\n') and b' = device' not in tape, True, 'a part of the tape')
    expect('is not whole: it ended after' in export.text(), True, f'what it says: {export.text()}')
