# SPDX-License-Identifier: LGPL-2.1-or-later
"""needled under somebody who keeps its descriptors, as systemd does: killed at any moment, what it had received is in the record. And what
it tells systemd besides. NEEDLED_TRIALS says how often it is killed."""
import contextlib
import os
import random
import signal
import socket
import sqlite3
import struct
import time

from stage import at_least, expect, wait_for
from test_pipeline import committed

BEFORE, SIZE = 4096, 8 * 1024 * 1024    # as in store/ring.c
FRAME = 2
LIVE = 1


class Keeper:
    """systemd, as far as descriptors and notifications go."""

    def __init__(self, stage):
        self.stage, self.fds, self.said = stage, {}, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(stage.dir / 'notify'))
        self.socket.setblocking(False)

    def hear(self):
        """Takes what was said; returns all lines so far."""
        while True:
            try:
                text, fds, _, _ = socket.recv_fds(self.socket, 4096, 4)
            except BlockingIOError:
                return self.said
            lines = text.decode().splitlines()
            self.said += lines
            words = dict(line.split('=', 1) for line in lines)
            if words.get('FDSTORE') == '1':
                self.fds[words['FDNAME']] = fds.pop()
            if words.get('FDSTOREREMOVE') == '1':
                os.close(self.fds.pop(words['FDNAME']))
            expect(fds, [], 'descriptors that nobody asked for')

    def heard(self, line):
        return wait_for(line, lambda: line in self.hear())

    def status(self):
        return [line for line in self.hear() if line.startswith('STATUS=')][-1][len('STATUS='):]

    def start(self, wait=True):
        """needled, with what is kept from before."""
        self.hear()
        self.said.clear()
        for name, fd in self.fds.items():
            give = f'exec 3<>/proc/{os.getpid()}/fd/{fd}; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES={name}; '
            break
        else:
            give = ''
        stage = self.stage
        stage.daemon = stage.start(f'needled{stage.count("needled")}', [
            'bash', '-c', f'{give}exec "$@"', 'bash', stage.binary('daemon/needled'), f'--state-dir={stage.state_dir}',
            f'--config-dir={stage.config_dir}'], env={'NOTIFY_SOCKET': str(stage.dir / 'notify')})
        if wait:
            self.heard('READY=1')

    def kill(self):
        stage = self.stage
        expect(stage.daemon.stop(signal.SIGKILL), -signal.SIGKILL, 'exit status')
        stage.processes.remove(stage.daemon)
        self.hear()

    def ends(self):
        """Positions: behind the last record, and of the first."""
        return struct.unpack('<QQ', os.pread(self.fds['frames'], 16, 56))

    def frames(self):
        """(boottime, channel, data) of what is in the ring and not committed, and whether it ends where it says."""
        head, tail = self.ends()
        found = []
        while tail < head:
            at = BEFORE + tail % SIZE
            _, what, position = struct.unpack('<IIQ', os.pread(self.fds['frames'], 16, at))
            if what == 0xffffffff:
                tail += SIZE - tail % SIZE
                continue
            expect(position, tail, 'the position of a record')
            if what >> 24 == FRAME:
                boottime, _, channel, direction, n = struct.unpack('<QQBBH', os.pread(self.fds['frames'], 20, at + 32))
                found.append((boottime, channel, direction & 0x7f, os.pread(self.fds['frames'], n, at + 52)))
            tail += 32 + ((what & 0xffffff) + 15) // 16 * 16
        return found


def stored(stage, session):
    """What the record has: (session time, direction, channel, data), as the tape says it."""
    status, tape, err = stage.ctl('export', session)
    expect(status, 0, f'the export ({err})')
    return tape.splitlines()


def runs(stage):
    return wait_for('a session that runs', lambda: stage.streaming() and (s := stage.live_session()) and s['state'] == 'running' and s)


def begin(stage, *sim, config=''):
    sim = stage.sim('--kind=pen', '--seed=3', '--live-period=20', '--waveform=200', '--procedure=3600', *sim)
    (stage.config_dir / 'needled.conf').write_text(config)
    keeper = Keeper(stage)
    keeper.start()
    stage.adopt()
    sim.control('start')
    return sim, keeper, runs(stage)


@contextlib.contextmanager
def locked(stage):
    """Another program writes to the database, and needled cannot."""
    with contextlib.closing(sqlite3.connect(stage.state_dir / 'needled.db', isolation_level=None, timeout=60)) as db:
        db.execute('BEGIN IMMEDIATE')
        yield
        db.execute('ROLLBACK')


def more(sim, n):
    target = sim.status()['sent']['live'] + n
    wait_for(f'{n} more values', lambda: sim.status()['sent']['live'] >= target)


def tape_has(tape, frames):
    """Each of them once. Frames of the link and of the host are told by other lines, and counted by the test in the guest."""
    text = '\n'.join(tape).replace(' ', '').lower()
    for boottime, channel, direction, data in frames:
        if direction == 0 and channel == LIVE:
            expect(text.count(data.hex()), 1, f'a value that was received ({boottime})')


def test_nothing_is_lost_when_it_is_killed(stage):
    # A thousand kills take long, and neither the device nor needled is to end the session meanwhile.
    sim, keeper, session = begin(stage, '--procedure=43200', config='[Session]\nTimeLimit=12h\n')
    trials, unwritten, seen = int(os.environ.get('NEEDLED_TRIALS', '5')), 0, []
    for _ in range(trials):
        runs(stage)
        more(sim, random.randrange(20))
        time.sleep(random.random() / 5)         # at any moment of a commit's period
        keeper.kill()
        frames = keeper.frames()
        unwritten += len(frames)
        seen += frames
        keeper.start()
        expect(runs(stage)['id'], session['id'], 'the session')
    sim.control('stop')
    kept = wait_for('the stored session', stage.sessions)
    expect(len(kept), 1, 'sessions')
    expect(kept[0]['gaps'], trials, 'gaps: one for each time that nobody listened')
    expect(kept[0]['lost']['live'], 0, 'lost within the daemon')
    expect(stage.ctl('verify', session['id'])[0], 0, 'figures that its frames give')
    tape_has(stored(stage, session['id']), seen)
    at_least(unwritten, 1, 'frames that only the ring had')


def test_what_the_database_did_not_take(stage):
    """For a while it can write nothing at all."""
    sim, keeper, session = begin(stage)
    more(sim, 50)
    with locked(stage):
        more(sim, 200)
        keeper.kill()
    frames, before = keeper.frames(), committed(stage, session['id'])
    at_least(len(frames), 200, 'frames in the ring')
    keeper.start()
    wait_for('word of it', lambda: 'is in the database now' in stage.daemon.text())
    at_least(committed(stage, session['id']), before + len(frames), 'frames in the database')
    expect(keeper.frames() == frames, False, 'what is kept')
    runs(stage)
    sim.control('stop')
    kept = wait_for('the stored session', stage.sessions)[0]
    expect((kept['gaps'], kept['lost']['live']), (1, 0), 'gaps, and lost')
    expect(stage.ctl('verify', session['id'])[0], 0, 'figures that its frames give')
    tape_has(stored(stage, session['id']), frames)


def test_a_ring_of_no_use(stage):
    """What is in it is not guessed at: one line, and a new one."""
    sim, keeper, _ = begin(stage)
    with locked(stage):
        more(sim, 50)
        keeper.kill()
    head, tail = keeper.ends()
    at_least(head - tail, 128, 'octets in the ring')
    old = os.dup(keeper.fds['frames'])
    os.pwrite(old, b'\xff' * 64, BEFORE + tail % SIZE + 64)
    keeper.start()
    text = stage.daemon.text()
    expect(text.count('of no use: it is damaged'), 1, f'what is said ({text})')
    keeper.heard('FDSTORE=1')
    expect(os.path.sameopenfile(keeper.fds['frames'], old), False, 'the old one still')
    os.close(old)
    runs(stage)


def test_what_it_tells_systemd(stage):
    """How it is in plain words, and nothing that was measured; and that nothing needs to be kept any more."""
    sim, keeper, _ = begin(stage)
    wait_for('the status', lambda: keeper.status() == 'Bluetooth is ready; 1 device of 1 is here; 1 session is running.')
    said = keeper.hear().index('READY=1')
    expect([line for line in keeper.said[:said] if line.startswith('STATUS=')], [keeper.said[said - 1]], 'the status before READY')
    sim.control('advertise off')
    sim.control('drop 08')
    wait_for('the status', lambda: keeper.status() == 'Bluetooth is ready; 0 devices of 1 are here; 1 session waits for its device.')
    told = [line for line in keeper.hear() if line.startswith('STATUS=')]
    expect(any(a == b for a, b in zip(told, told[1:])), False, 'a status that did not change')
    expect(stage.daemon.stop(), 0, 'exit status')
    keeper.hear()
    expect(keeper.fds, {}, 'what is kept')


def test_added_is_what_is_durable(stage):
    """A session that ends while the database is held is in the record when it is not any more, and that is told then."""
    sim, keeper, session = begin(stage)
    told = stage.start('signals', ['busctl', '--address', stage.env['DBUS_SYSTEM_BUS_ADDRESS'], 'monitor', '--json=short',
                                   "--match=type='signal',interface='org.needled.History1'"])
    wait_for('the monitor', lambda: 'Monitoring' in told.text())
    with locked(stage):
        more(sim, 20)
        status, _, err = stage.ctl('finish')
        expect((status, 'kept in memory and follows' in err), (1, True), f'the answer ({err})')
        expect(stage.json('status')['storage'], 'degraded', 'Storage')
        expect('"Added"' in told.text(), False, 'Added, of what is not in the record')
    wait_for('Added', lambda: '"Added"' in told.text())
    expect([s['id'] for s in stage.sessions()], [session['id']], 'the record')


def test_it_stops_while_the_database_is_held(stage):
    """It does not wait for ever; what is left lies in the ring, and the next one has it."""
    sim, keeper, session = begin(stage)
    with locked(stage):
        more(sim, 50)
        begun = time.monotonic()
        expect(stage.daemon.stop(), 0, 'exit status')
        print(f'# stopped after {time.monotonic() - begun:.2f} s, with the database held', flush=True)
    text = stage.daemon.text()
    expect(text.count('did not take all in time'), 1, f'what is said ({text})')
    keeper.hear()
    frames = keeper.frames()
    at_least(len(frames), 50, 'frames in the ring')
    keeper.start()
    runs(stage)
    begun = time.monotonic()
    sim.control('stop')
    wait_for('the stored session', stage.sessions)
    tape_has(stored(stage, session['id']), frames)
    begun = time.monotonic()
    expect(stage.daemon.stop(), 0, 'exit status')
    print(f'# stopped after {time.monotonic() - begun:.2f} s', flush=True)


def blocked(pid):
    """The signals that a process takes by signalfd, as bits."""
    with open(f'/proc/{pid}/status', encoding='ascii') as status:
        return int(next(line for line in status if line.startswith('SigBlk:')).split()[1], 16)


def reload(stage, keeper, config):
    (stage.config_dir / 'needled.conf').write_text(config)
    keeper.hear()
    keeper.said.clear()
    stage.daemon.child.send_signal(signal.SIGHUP)
    keeper.heard('READY=1')
    expect(keeper.said[0], 'RELOADING=1', 'the first word')
    expect(keeper.said[1].startswith('MONOTONIC_USEC='), True, 'the second')


def test_configuration_is_read_anew_before_the_start_is_over(stage):
    """As long as the bus does not answer, a reload says nothing: READY=1 would be that of the start."""
    keeper, bus = Keeper(stage), stage.processes[0].child
    bus.send_signal(signal.SIGSTOP)
    keeper.start(wait=False)
    pid = stage.daemon.child.pid
    wait_for('signals', lambda: blocked(pid) & 1 << signal.SIGHUP - 1)
    stage.daemon.child.send_signal(signal.SIGHUP)
    wait_for('the reload', lambda: 'read anew' in stage.daemon.text())
    early = keeper.hear()
    bus.send_signal(signal.SIGCONT)
    expect([line for line in early if line.startswith(('READY', 'RELOADING'))], [], 'what was said before the bus answered')
    keeper.heard('READY=1')


def limit(stage, session):
    return stage.json('show', session['id']).get('limit')


def test_configuration_is_read_anew(stage):
    sim, keeper, session = begin(stage, config='[Session]\nTimeLimit=30min\n')
    expect(limit(stage, session), 30 * 60_000_000, 'the limit at first')
    reload(stage, keeper, '[Session]\nTimeLimit=20min\n')
    expect(limit(stage, session), 20 * 60_000_000, 'the limit of the live session')
    reload(stage, keeper, '[Session]\nTimeLimit=soon\n')
    expect('needled.conf:2:' in stage.daemon.text(), True, 'the warning')
    expect(limit(stage, session), 15 * 60_000_000, 'the default')
    reload(stage, keeper, '[Session]\nTimeLimit=10min\nAutoStart=no\n')
    expect(limit(stage, session), 10 * 60_000_000, 'the limit once more')
    expect(runs(stage)['id'], session['id'], 'the session')
    sim.control('stop')
    kept = wait_for('the stored session', stage.sessions)[0]
    expect(kept['limit'], 10 * 60_000_000, 'the limit in the record')
    expect(stage.ctl('verify', session['id'])[0], 0, 'figures that its frames give')
    sent = sim.status()['sent']['live']
    sim.control('start')
    wait_for('use that nobody records', lambda: sim.status()['sent']['live'] > sent + 100)
    expect(stage.live_session(), None, 'a session that opens by itself')
