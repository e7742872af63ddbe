# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tapes by needlectl: recorded from a live session, exported from a stored one, replayed, and computed again."""
import signal
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


def test_nothing_to_record(stage):
    stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    path = stage.dir / 'none.tape'
    record = recording(stage, f'--output={path}')
    wait_for('the recording', lambda: 'Waiting for a session' in record.text())
    record.child.send_signal(signal.SIGINT)
    expect(record.child.wait(60), 2, 'exit status')
    expect(path.exists(), False, 'an empty file')
    path.write_text('mine')
    status, _, err = stage.ctl('record', f'--output={path}')
    expect((status, '--force' in err), (1, True), f'over a file that exists ({err})')
    expect(path.read_text(), 'mine', 'the file that was there')
    expect(stage.ctl('record', '--json')[0], 64, 'JSON and a tape on one stdout')
