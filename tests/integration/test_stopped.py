# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nothing is lost at 400 values a second, while sixteen streams of two users are not read, subscribers to all signals do not read either, until
the bus takes nothing more, and each sync of the disk takes 5 s. NEEDLED_LONG=1 goes on for NEEDLED_SECONDS, an hour if not said."""
import os
import shutil
import subprocess
import time

from caller import Client
from stage import Failure, Process, at_least, expect, wait_for
from test_crowd import FORGETFUL, GROWTH_MAX, MIB, counters, factor, rss
from test_stall import BUS_LIMITS, STALLED, wedge  # noqa: F401 (the limits are this file's too)

RATE = 400                      # values a second
READERS = 8                     # of each user, who may have no more
OWNER = 1                       # the user daemon, whom every system has: the bus turns strangers away
SECONDS = int(os.environ.get('NEEDLED_SECONDS', '3600')) if os.environ.get('NEEDLED_LONG') else 60
LEAD = 10                       # a reader's queue is full after that many seconds


class Readers(Process):
    """Streams that nobody reads, and a connection to the bus that nobody reads either."""

    def __init__(self, stage, program, session, user):
        self.out_path = stage.dir / f'streams{user}'
        with open(self.out_path, 'wb') as out:
            self.child = subprocess.Popen([program, session, str(READERS)], stdin=subprocess.PIPE, stdout=out, cwd='/',
                                          env={**os.environ, **stage.env}, **({'user': user} if user else {}))
        wait_for('streams', lambda: 'held' in self.out_path.read_text() or self.child.poll() is not None)
        expect(self.child.poll(), None, f'the streams of {user} ({self.out_path.read_text()})')

    def read(self):
        """[(records, how many were dropped before them)] of each stream, which is over."""
        self.child.stdin.write(b'read\n')
        self.child.stdin.close()
        expect(self.child.wait(60), 0, 'exit status')
        return [tuple(map(int, line.split())) for line in self.out_path.read_text().splitlines()[1:]]


class Disk:
    """Whose syncs take 5 s while it is slow."""

    def __init__(self, stage):
        self.path = stage.dir / 'slow'
        preload = {'LD_PRELOAD': str(stage.binary('tests/integration/libslow-sync.so')), 'SLOW_SYNC': str(self.path)}
        self.env = {**FORGETFUL, 'ASAN_OPTIONS': FORGETFUL['ASAN_OPTIONS'] + ':verify_asan_link_order=0', **preload}

    def slow(self):
        self.path.touch()

    def quick(self):
        """Returns how many syncs were slow."""
        stalls = self.path.stat().st_size
        self.path.unlink()
        return stalls


def adopt(stage, users):
    """Owned by the second user if there are two."""
    device = wait_for('a device', lambda: stage.ctl('search', '--seconds=1', '-q') and stage.device())
    subprocess.run(['busctl', '--address', stage.env['DBUS_SYSTEM_BUS_ADDRESS'], 'call', 'org.needled', '/org/needled', 'org.needled.Manager1',
                    'Adopt', 'oa{sv}', device['path'], *(['2', 'owner', 'u', str(OWNER)] if users[0] == 0 else ['1']), 'alias', 's', 'pen'],
                   check=True, capture_output=True, timeout=60)
    return device['path']


def sent_at_least(sim, count):
    return sim.status()['sent']['live'] >= count


def taken_and_counted(stage, sim):
    """"sent − refused = received", of all characteristics, and what was refused is what was counted lost: (taken Live, lost)."""
    def agree():
        sent, told = sim.status(), counters(stage)
        refused = sum(sent['refused'].values())
        taken = sum(sent['sent'].values()) + sum(sent['extra'].values()) - refused
        return (told['received'], told['lost']) == (taken, refused) and (sent, told)
    sent, told = wait_for('every notification', agree)
    expect((told['duplicates'], told['malformed']), (0, 0), 'duplicates, malformed')
    return sent['sent']['live'] - sent['refused']['live'], told['lost']


def stored_live(stage, session):
    """Live values in the record, by its tape."""
    tape = stage.dir / 'session.tape'
    done = subprocess.run([str(stage.binary('client/needlectl')), 'export', str(session), f'--output={tape}'], env={**os.environ, **stage.env},
                          capture_output=True, text=True, check=False)
    expect(done.returncode, 0, f'the export ({done.stderr})')
    with open(tape, encoding='utf-8') as lines:
        return sum(line[0].isdigit() and ' live ' in line for line in lines)


def test_nothing_is_lost_while_all_others_stand_still(stage):
    """Where root does not run the suite there is one user."""
    count = RATE * SECONDS
    (stage.config_dir / 'needled.conf').write_text('[Session]\nTimeLimit=3h\n')
    sim = stage.sim(f'--flood={RATE}:{count}:60', fast=False)
    disk = Disk(stage)
    stage.needled(env=disk.env)
    users = (0, OWNER) if os.geteuid() == 0 else (None,)
    path = adopt(stage, users)
    session = wait_for('a session', stage.live_session)
    stage.dir.chmod(0o711)
    program = shutil.copy(stage.binary('tests/integration/hold-streams'), stage.dir / 'hold-streams')
    crowd = [Readers(stage, program, f'/org/needled/session/{session["id"]}', user) for user in users]
    began = sim.status()['sent']['live']
    disk.slow()
    wait_for('full queues', lambda: sent_at_least(sim, min(began + LEAD * RATE, count // 2)))
    before, answers = rss(stage), 0

    client = Client(stage.dir / 'bus')
    wedge(stage, client, path)
    wait_for('the connection again', lambda: STALLED in stage.daemon.text() and stage.ctl('status')[0] == 0)
    client.done('SetAlias', 'org.needled.Device1', 's', 'pen', path=path)
    at_least(count, sim.status()['sent']['live'] + 1, 'values while the bus stood still and after it')
    while not sent_at_least(sim, count):
        expect(stage.json('status')['bluetooth'], 'ready', 'the answer to somebody else meanwhile')
        answers += 1
        time.sleep(1 if SECONDS > 100 else 0.2)
    at_least(answers, 1, 'answers meanwhile')
    if rss(stage) - before > GROWTH_MAX * factor(stage):
        raise Failure(f'{(rss(stage) - before) / MIB:.1f} MiB more for readers that do not read')

    stalls = disk.quick()
    at_least(stalls, 2, 'syncs that took 5 s')
    kept = wait_for('the stored session', stage.sessions)
    expect([s['id'] for s in kept], [session['id']], 'sessions')
    taken, lost = taken_and_counted(stage, sim)
    expect(stored_live(stage, session['id']), taken, 'Live values in the record')
    streams = [stream for readers in crowd for stream in readers.read()]
    print(f'# {SECONDS} s: {count} sent, {lost} refused by the socket and counted lost, {taken} in the record; {stalls} syncs of 5 s; '
          f'{answers} answers; of the streams (records, dropped): {streams}')
    for records, dropped in streams:
        at_least(records, 200, 'records that were kept')
        at_least(dropped, 1, 'records that were dropped')
    client.close()
