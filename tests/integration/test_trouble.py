# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong costs nothing but itself, and is said."""
import contextlib
import fcntl
import os
import pathlib
import signal
import sqlite3
import subprocess

from stage import DEADLINE_SEC, Failure, expect, wait_for


def log_has(stage, text):
    return wait_for(f'"{text}" in the log', lambda: text in stage.daemon.text())


def use_and_store(stage, sim):
    sim.control('start')
    wait_for('a session', lambda: stage.live_session())
    wait_for('use', lambda: sim.status()['sent']['live'] > 20)
    sim.control('stop')
    wait_for('a stored session', stage.sessions)


def test_no_bluetoothd(stage):
    stage.needled()
    expect(stage.json('status')['bluetooth'], 'absent', 'Bluetooth')
    log_has(stage, 'bluetoothd is not running')
    sim = stage.sim('--kind=pen')
    wait_for('Bluetooth', lambda: stage.json('status')['bluetooth'] == 'ready')
    stage.adopt()
    use_and_store(stage, sim)
    expect(stage.daemon.text().count('bluetoothd is not running'), 1, 'said once')


def test_no_adapter_and_adapter_off(stage):
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    for off, on, state, said in (('adapter off', 'adapter on', 'off', 'adapter is off'),
                                 ('adapter remove', 'adapter add', 'no-adapter', 'no Bluetooth adapter')):
        sim.control(off)
        wait_for(state, lambda: stage.json('status')['bluetooth'] == state)
        wait_for('a waiting device', lambda: stage.device('pen')['state'] == 'waiting')
        log_has(stage, said)
        sim.control(on)
        wait_for('streaming again', stage.streaming)


def test_bluetoothd_restarts(stage):
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    for how in ('restart', 'restart crash'):
        sim.control('start')
        session = wait_for('a session', lambda: stage.live_session())
        sim.control(how)
        wait_for('the session going on', lambda: stage.live_session()['state'] == 'running' and stage.streaming())
        expect(stage.live_session()['id'], session['id'], 'one session')
        sim.control('stop')
        wait_for('the end', lambda: stage.live_session() is None)
    wait_for('both stored', lambda: len(stage.sessions()) == 2)


def test_bad_notifications_are_counted_and_harmless(stage):
    sim = stage.sim('--kind=pen', '--live-period=20')
    stage.needled()
    stage.adopt()
    sim.control('start')
    session, before = wait_for('a session', lambda: stage.live_session()), stage.counters()
    for line in ('malformed 5', 'empty 3', 'duplicate 4'):
        sim.control(line)
    wait_for('use', lambda: sim.status()['sent']['live'] > 100)
    more = {name: count - before[name] for name, count in stage.counters().items() if name in ('malformed', 'duplicates', 'lost')}
    print(f'# {more}')
    expect(more, {'malformed': 8, 'duplicates': 4, 'lost': 0}, 'counted')
    expect(stage.live_session()['id'], session['id'], 'the session goes on')
    expect(stage.streaming() is not None, True, 'streaming')
    sim.control('stop')
    stored = wait_for('a stored session', stage.sessions)[0]
    expect(stored['end_reason'], 'device', 'end reason')


def test_what_was_on_its_way_at_the_end_is_of_the_session(stage):
    """Live and Event have a socket each. needled is held up until both hold something: it reads the end of the session before most of
    what the device had sent until then."""
    sim = stage.sim('--kind=pen', '--flood=200:400')
    stage.needled()
    stage.adopt()
    wait_for('use', lambda: sim.status()['sent']['live'] > 200)
    stage.daemon.child.send_signal(signal.SIGSTOP)
    wait_for('the end', lambda: not sim.status()['running'])
    stage.daemon.child.send_signal(signal.SIGCONT)
    session = wait_for('a stored session', stage.sessions)[0]
    expect(sim.status()['refused']['live'], 0, 'refused')
    status, tape, err = stage.ctl('export', session['id'])
    expect(status, 0, f'the export ({err})')
    expect(sum('live ' in line for line in tape.splitlines() if line[0].isdigit()), 400, 'Live on the tape')
    expect(stage.ctl('verify', session['id'])[0], 0, 'verify')
    expect(len(stage.sessions()), 1, 'one session')


def erases_copies(stage):
    """What was put aside goes when root wants it, and the record stays."""
    before = stage.sessions()
    if os.geteuid() == 0:
        expect(stage.ctl('erase', '--copies', '--yes')[0], 0, 'erase')
        expect([path.name for path in stage.state_dir.glob('needled.db.[vc]*')], [], 'copies')
    expect(stage.sessions(), before, 'sessions')


def test_database_of_a_newer_version(stage):
    stage.state_dir.mkdir()
    with sqlite3.connect(stage.state_dir / 'needled.db') as db:
        db.execute('PRAGMA application_id = 0x6e646c64')
        db.execute('PRAGMA user_version = 99')
        db.execute('CREATE TABLE future (x)')
    db.close()
    sim = stage.sim('--kind=pen')
    stage.needled()
    log_has(stage, 'needled.db.v99')
    expect((stage.state_dir / 'needled.db.v99').exists(), True, 'the old file')
    stage.adopt()
    use_and_store(stage, sim)
    erases_copies(stage)


def test_damaged_database(stage):
    stage.state_dir.mkdir()
    (stage.state_dir / 'needled.db').write_bytes(b'this was a database once' * 1000)
    sim = stage.sim('--kind=pen')
    stage.needled()
    log_has(stage, 'needled.db.corrupt-')
    kept = list(stage.state_dir.glob('needled.db.corrupt-*'))
    expect(len(kept), 1, 'files put aside')
    expect(kept[0].read_bytes(), b'this was a database once' * 1000, 'what it holds')
    stage.adopt()
    use_and_store(stage, sim)
    erases_copies(stage)


def test_database_that_cannot_be_opened(stage):
    stage.state_dir.mkdir()
    (stage.state_dir / 'needled.db').mkdir()
    sim = stage.sim('--kind=pen')
    stage.needled()
    status = wait_for('trouble in the status', lambda: stage.json('status')['storage'] == 'unavailable' and stage.json('status'))
    if 'needled.db' not in status['storage_reason']:
        raise Failure(f'the reason does not name the file: {status["storage_reason"]}')
    stage.adopt()
    sim.control('start')
    wait_for('a session', lambda: stage.live_session())
    (stage.state_dir / 'needled.db').rmdir()
    sim.control('stop')
    wait_for('storage', lambda: stage.json('status')['storage'] == 'ready')
    wait_for('a stored session', stage.sessions)
    log_has(stage, 'storage works again')


def test_database_that_comes_late(stage):
    """A disk that was not there at the start: what it remembers is known as soon as it is."""
    database = stage.state_dir / 'needled.db'
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    use_and_store(stage, sim)
    expect(stage.daemon.stop(), 0, 'exit status')
    database.rename(stage.dir / 'kept.db')
    database.mkdir()
    stage.needled()
    expect(stage.device('pen'), None, 'a device without a database')
    database.rmdir()
    (stage.dir / 'kept.db').rename(database)
    wait_for('the adopted device', stage.streaming)
    expect(len(stage.sessions()), 1, 'stored sessions')
    use_and_store(stage, sim)
    wait_for('another stored session', lambda: len(stage.sessions()) == 2)


@contextlib.contextmanager
def stalled(path):
    """Whoever opens the file waits until this is over: a disk that does not answer."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)     # the kernel's word that somebody waits
    fd = os.open(path, os.O_RDWR)
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    try:
        yield
    finally:
        os.close(fd)
        signal.signal(signal.SIGIO, before)


def test_database_that_hangs(stage):
    """Who asks is answered all the same, after a while; and the rest of it when the disk answers."""
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    use_and_store(stage, sim)
    expect(stage.daemon.stop(), 0, 'exit status')
    with stalled(stage.state_dir / 'needled.db'):
        stage.needled(wait=False)
        wait_for('needled on the bus', lambda: stage.ctl('devices')[0] == 0)
        expect(stage.device('pen'), None, 'a device that only the database knows')
        status, _, err = stage.ctl('sessions')
        expect((status, 'it is being opened; wait a moment' in err), (1, True), f'what is said of sessions ({err})')
    wait_for('the adopted device', stage.streaming)
    expect(stage.json('status')['storage'], 'ready', 'storage')
    expect(len(stage.sessions()), 1, 'stored sessions')
    use_and_store(stage, sim)
    wait_for('another stored session', lambda: len(stage.sessions()) == 2)


def test_two_of_them(stage):
    """The second one ends, and has touched neither the session nor the device of the first."""
    sim = stage.sim('--kind=pen')
    first = stage.needled()
    stage.adopt()
    sim.control('start')
    session = wait_for('a session', stage.live_session)
    second = stage.needled(wait=False)
    wait_for('its end', lambda: not second.running())
    expect((second.child.returncode, 'another needled runs on this bus: stop it first' in second.text()), (1, True), f'the end ({second.text()})')
    stage.processes.remove(second)
    stage.daemon = first
    sent = sim.status()['sent']['live']
    wait_for('use', lambda: sim.status()['sent']['live'] > sent + 20)
    sim.control('stop')
    kept = wait_for('a stored session', stage.sessions)[0]
    expect((kept['id'], kept['gaps'], kept['lost']['live']), (session['id'], 0, 0), 'the session, its gaps and what was lost')
    expect(stage.ctl('verify', session['id'])[0], 0, 'figures that its frames give')


def test_state_directory_is_a_file(stage):
    stage.state_dir.write_text('not a directory')
    stage.sim('--kind=pen')
    stage.needled()
    wait_for('trouble in the status', lambda: stage.json('status')['storage'] == 'unavailable')
    stage.adopt()


def test_bad_configuration(stage):
    (stage.config_dir / 'needled.conf').write_text('[Session]\nWindow=soon\nWindw=3\n')
    stage.needled()
    log_has(stage, 'needled.conf:2: [Session] Window=soon')
    log_has(stage, 'needled.conf:3: unknown key Windw')


def check_config(stage, **environment):
    """Returns (status, what it says) of --check-config."""
    done = subprocess.run([stage.binary('daemon/needled'), '--check-config', f'--config-dir={stage.config_dir}'], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment}, timeout=DEADLINE_SEC, check=False)
    return done.returncode, done.stdout


def test_check_config(stage):
    config = stage.config_dir / 'needled.conf'
    expect(check_config(stage), (0, ''), 'no file')
    config.write_text('[Session]\nWindow=2min\n')
    expect(check_config(stage), (0, ''), 'a right file')
    config.write_text('[Session]\nWindow=soon\nWindw=3\n')
    status, said = check_config(stage)
    expect((status, f'{config}:2: [Session] Window=soon' in said, f'{config}:3: unknown key Windw' in said), (1, True, True), said)


def test_check_config_of_root_reads_as_the_service(stage):
    """What root alone can read is wrong, though it is root who asks."""
    if os.geteuid() != 0:
        return
    somebody = {'LD_PRELOAD': str(stage.binary('tests/integration/libservice-user.so')),
                'ASAN_OPTIONS': 'verify_asan_link_order=0:detect_leaks=0'}      # who was root cannot be looked through for leaks
    config, drop_ins = stage.config_dir / 'needled.conf', stage.config_dir / 'needled.conf.d'
    config.write_text('[Session]\nWindow=2min\n')
    drop_ins.mkdir()
    for path in (stage.dir, stage.config_dir, drop_ins):
        path.chmod(0o755)
    config.chmod(0o644)
    expect(check_config(stage, **somebody), (0, ''), 'files that everybody can read')
    for path, mode in ((config, 0o644), (drop_ins, 0o755)):
        path.chmod(mode & 0o700)
        status, said = check_config(stage, **somebody)
        expect((status, f'{path}: cannot be read (Permission denied); ignored (chmod a+rX' in said), (1, True), said)
        path.chmod(mode)


def test_many_mistakes(stage):
    """Not each is told at the start; who wants them all is told what to type."""
    (stage.config_dir / 'needled.conf').write_text('[Session]\n' + 'Windw=3\n' * 22)
    stage.needled()
    log_has(stage, '2 more things are wrong with the configuration: /')
    log_has(stage, '/needled --check-config names them all')


def test_files_are_private(stage):
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    use_and_store(stage, sim)
    for path in pathlib.Path(stage.state_dir).rglob('*'):
        expect(oct(os.stat(path).st_mode & 0o077), '0o0', f'others may reach {path}')
    expect(oct(os.stat(stage.state_dir).st_mode & 0o777), '0o700', 'the directory')


def test_service_not_reachable(stage):
    status, out, err = stage.ctl('status')
    expect((status, out), (5, ''), 'status without a service')
    if 'needled' not in err:
        raise Failure(f'no word about the service: {err}')


def test_the_bus_goes(stage):
    """systemd starts again what ends with an error, and a bus that was restarted is one that went."""
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    sim.control('start')
    wait_for('a session', stage.live_session)
    stage.processes[0].stop()
    for process in (stage.daemon, sim):
        wait_for(f'the end of {process.name}', lambda p=process: not p.running())
        expect(process.child.returncode, 1, f'exit status of {process.name}')
        stage.processes.remove(process)
