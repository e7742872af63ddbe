# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stored session in each format, through the pipe that the daemon hands out, and what else is read from its frames."""
import csv
import io
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import struct
import subprocess

import jsonschema

from stage import at_least, expect, wait_for

CHANNELS = ['feature', 'live', 'waveform', 'event', 'status', 'clock', 'control-point', 'session-data', 'racp']
LINK = {'up': 0, 'lost': 1, 'suspended': 2}
LINE = re.compile(r'(\d+)\.(\d{6})(?: ([+-])(\d+)\.(\d{6}))? ([<>!*=%]) ?(.*)')
COUNT = 4000                    # notifications: far more than two pipes hold


def session_with_device(stage, *options, until):
    """Records a session with needlesim and returns it as it is in the record."""
    sim = stage.sim('--kind=pen', '--seed=9', *options)
    stage.needled()
    stage.adopt()
    sim.control('start')
    wait_for('a session', stage.live_session)
    wait_for('use', lambda: sim.status()['sent']['live'] >= until, 300)
    sim.control('stop')
    # A device in a flood does not say that it stops.
    if stage.live_session():
        stage.ctl('finish')
    # Its own session may end after ours. What it has stored of it is fetched, and added, afterwards.
    wait_for('the end on the device', lambda: sim.status()['records'])
    wait_for('what the device has stored', lambda: stage.sessions() and stage.sessions()[0]['source'] == 'both')
    return stage.sessions()[0]


class Export:
    """One call by a client of its own, which hands on what comes as fast as it is read here."""

    def __init__(self, stage, session_id, tape_format='tape', program=None, user=None, **options):
        become = {'user': user, 'group': user, 'extra_groups': []} if user else {}
        self.child = subprocess.Popen([program or stage.binary('tests/integration/take-export'), str(session_id), tape_format,
                                       *(f'{key}={value}' for key, value in options.items())], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, cwd='/', env={**os.environ, **stage.env}, bufsize=0, **become)
        word, _, number = self.child.stderr.readline().decode().strip().partition(' ')
        self.rows = int(number) if word == 'rows' else None
        self.error = None if word == 'rows' else word.removeprefix('org.needled.Error.')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def read(self, size=-1):
        return self.child.stdout.read(size)

    def close(self):
        """Goes, and the pipe with it."""
        self.child.send_signal(signal.SIGKILL)
        self.child.stdout.close()
        self.child.stderr.close()
        self.child.wait()


def refusal(stage, *args, **options):
    with Export(stage, *args, **options) as export:
        return export.error


def rows_of(tape):
    """The lines after the head."""
    return [line for line in tape.decode().splitlines() if line[0].isdigit()]


def note_of(kind, *words):
    """The octets of a note; a session that nobody says anything to has its limits alone."""
    expect(kind, 'limits', 'note')
    values = dict(word.split('=') for word in words)
    return struct.pack('<BiiiiII', 0, *(int(values.pop(key)) for key in ('overpressure', 'hysteresis', 'zone-low', 'zone-high', 'time-limit',
                                                                         'depth-max')))


def frames_of(tape, start):
    """What the tape tells, as (boot time, wall clock, channel, direction, octets)."""
    for line in rows_of(tape):
        seconds, usec, sign, off_seconds, off_usec, what, rest = LINE.fullmatch(line).groups()
        time = int(seconds) * 1_000_000 + int(usec)
        off = (int(off_seconds) * 1_000_000 + int(off_usec)) * (-1 if sign == '-' else 1) if sign else 0
        if what in '=*':
            continue
        if what == '!':
            channel, direction, octets = 0, 2, bytes([LINK[rest]])
        elif what == '%':
            channel, direction, octets = 0, 3, note_of(*rest.split())
        else:
            name, _, digits = rest.partition(' ')
            channel, direction, octets = CHANNELS.index(name), '<>'.index(what), bytes.fromhex(digits)
        yield start[0] + time, start[1] + time + off, channel, direction, octets


def varint(data, at):
    value = shift = 0
    while True:
        octet = data[at]
        at += 1
        value |= (octet & 0x7f) << shift
        shift += 7
        if not octet & 0x80:
            return value, at


def stored(stage, session_id):
    """The session's times 0 and its frames, read from the database's file itself."""
    frames = []
    with sqlite3.connect(f'file:{stage.state_dir}/needled.db?mode=ro', uri=True) as db:
        start = db.execute('SELECT start_boottime, start_realtime FROM session WHERE id = ?', (session_id,)).fetchone()
        for boot, real, count, data in db.execute('SELECT t0_boottime, t0_realtime, frames, data FROM chunk WHERE session = ? '
                                                  'ORDER BY seq', (session_id,)):
            at, offset = 0, real - boot
            for _ in range(count):
                step, at = varint(data, at)
                change, at = varint(data, at)
                boot += step
                offset += change >> 1 if not change & 1 else -(change + 1 >> 1)
                channel, direction = data[at], data[at + 1]
                size, at = varint(data, at + 2)
                frames.append((boot, boot + offset, channel, direction, data[at:at + size]))
                at += size
    frames.sort(key=lambda frame: frame[0])     # what the device had stored is in later chunks, and of then
    return start, frames


def test_a_tape_is_what_the_database_holds(stage):
    session = session_with_device(stage, '--live-period=50', '--waveform=500', until=60)
    start, frames = stored(stage, session['id'])
    at_least(len(frames), 60, 'stored frames')
    with Export(stage, session['id']) as export:
        tape = export.read()
        lines = tape.decode().splitlines()
        expect(lines[:2], ['needled-tape 1', 'profile omp1'], 'head')
        expect(f'session {session["uuid"]}' in lines, True, 'the session in the head')
        expect('device pen' in lines, True, 'the device in the head')
        expect(len(rows_of(tape)), export.rows, 'rows')
        expect(export.rows, len(frames) + 1, 'rows for the stored frames and the end')
        expect(list(frames_of(tape, start)), frames, 'frames')
        expect(lines[-1].split()[-2:], ['=', session['end_reason']], 'the end')

    half = frames[len(frames) // 2][0] - start[0]
    with Export(stage, session['id'], to=half) as export:
        part = export.read()
        expect(list(frames_of(part, start)), [f for f in frames if f[0] - start[0] <= half], 'first half')
        expect(export.rows, len(rows_of(part)), 'rows of the first half')
    expect(refusal(stage, session['id'], 'xml'), 'NotSupported', 'another format')
    expect(refusal(stage, session['id'], depth=1), 'InvalidArgument', 'unknown option')
    expect(refusal(stage, session['id'] + 1), 'NotFound', 'no such session')


def table_of(stage, *args, **options):
    """The rows of a CSV, which are as many as were announced."""
    with Export(stage, *args, 'csv', **options) as export:
        text = export.read().decode()
        expect(text.count('\r\n'), text.count('\n'), 'line ends')
        rows = list(csv.DictReader(io.StringIO(text, newline='')))
        expect(len(rows), export.rows, 'rows')
        return rows


def test_a_table_has_a_row_for_each_frame(stage):
    session = session_with_device(stage, '--live-period=50', '--waveform=500', until=60)
    start, frames = stored(stage, session['id'])
    rows = table_of(stage, session['id'])
    expect(len(rows), len(frames), 'rows')
    for row, (boot, _, channel, direction, octets) in zip(rows, frames):
        expect(row['time_s'], f'{(boot - start[0]) // 1_000_000}.{(boot - start[0]) % 1_000_000:06}', 'time')
        expect(row['direction'], ['from-device', 'to-device', 'link', 'host'][direction], 'direction')
        expect(row['channel'], CHANNELS[channel] if direction < 2 else '', 'channel')
        if direction == 0 and channel == 1:
            expect([int(row['force_mN']), int(row['force_peak_mN'])], list(struct.unpack_from('<hh', octets, 8)), 'force')
        if direction == 0 and channel == 2:
            at_least(len(row['waveform_mN'].split()), 1, 'samples')
    last = [row for row in rows if row['strokes']][-1]
    expect(int(last['strokes']), session['strokes'], 'strokes at the end')

    sampled = table_of(stage, session['id'], resample_hz=10)
    expect([row['time_s'] for row in sampled[:3]], ['0.000000', '0.100000', '0.200000'], 'the first moments')
    at_least(sum(row['force_mN'] != '' for row in sampled), len(sampled) // 2, 'moments with a force')
    expect(refusal(stage, session['id'], 'tape', resample_hz=10), 'InvalidArgument', 'a tape at a rate')


def test_json_fits_its_schema(stage):
    session = session_with_device(stage, '--live-period=50', '--waveform=500', until=60)
    start, frames = stored(stage, session['id'])
    schema = json.loads((pathlib.Path(__file__).parents[2] / 'docs/session.schema.json').read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    with Export(stage, session['id'], 'json') as export:
        text = export.read().decode()
        document = json.loads(text)
        expect(export.rows, len(frames), 'rows')
    jsonschema.Draft202012Validator(schema).validate(document)
    expect(document['session']['uuid'], session['uuid'], 'the session')
    expect(document['figures']['strokes'], session['strokes'], 'strokes')
    at_least(len(document['events']), 1, 'events')
    expect([(start[0] + f['t'], start[1] + f['t'] + f.get('w', 0), CHANNELS.index(f['c']) if 'c' in f else 0, '<>!%'.index(f['d']),
             bytes.fromhex(f['x'])) for f in document['frames']], frames, 'frames')
    broken = {**document, 'frames': [{'t': 1, 'd': '<', 'x': '0'}]}
    expect(jsonschema.Draft202012Validator(schema).is_valid(broken), False, 'a schema that takes anything')


def ask(stage, member, *args):
    """A method of History1, by a client that knows nothing of it."""
    done = subprocess.run(['busctl', '--address', stage.env['DBUS_SYSTEM_BUS_ADDRESS'], '--json=short', 'call', 'org.needled', '/org/needled',
                           'org.needled.History1', member, *(str(arg) for arg in args)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)['data'][0]


def test_what_is_read_from_the_frames(stage):
    session = session_with_device(stage, '--live-period=50', '--waveform=500', until=60)
    report = {key: value['data'] for key, value in ask(stage, 'Verify', 't', session['id']).items()}
    _, frames = stored(stage, session['id'])
    expect((report['ok'], report['frames'], report['damaged'], report['differs']), (True, len(frames), 0, []), 'a sound session')
    details = ask(stage, 'Get', 't', session['id'])
    expect({'areas', 'alerts', 'stages', 'clock_quality', 'not_cleansed'} <= set(details), True, 'what its frames tell')

    curve = ask(stage, 'GetSeries', 'tsttu', session['id'], 'force', 0, 0, 20)
    at_least(len(curve), 5, 'points')
    expect(max(point[3] for point in curve), session['force_peak'], 'the peak')
    whole = ask(stage, 'GetSeries', 'tsttu', session['id'], 'force', 0, 0, 1)
    expect((whole[0][1], whole[0][3]), (min(point[1] for point in curve), session['force_peak']), 'one point of all')

    with sqlite3.connect(f'{stage.state_dir}/needled.db') as db:
        db.execute('UPDATE session SET strokes = strokes + 1 WHERE id = ?', (session['id'],))
    report = {key: value['data'] for key, value in ask(stage, 'Verify', 't', session['id']).items()}
    expect((report['ok'], report['differs']), (False, ['strokes']), 'a figure that is another')


def test_a_live_session_is_not_ready(stage):
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    sim.control('start')
    session = wait_for('a session', stage.live_session)
    expect(refusal(stage, session['id']), 'NotReady', 'a live session')


def test_readers_take_their_time(stage):
    session = session_with_device(stage, f'--flood=800:{COUNT}:60', until=COUNT)
    _, frames = stored(stage, session['id'])
    with Export(stage, session['id']) as slow:
        expect(slow.rows, len(frames) + 1, 'rows')
        begun = slow.read(1000)
        # Nobody waits for one that does not read.
        with Export(stage, session['id']) as other:
            whole = other.read()
        expect(len(rows_of(whole)), slow.rows, 'rows of another')
        expect(stage.sessions()[0]['id'], session['id'], 'the list meanwhile')
        expect(begun + slow.read() == whole, True, 'the slow one in the end has the same')


def test_two_at_a_time_and_closing_makes_room(stage):
    session = session_with_device(stage, f'--flood=800:{COUNT}:60', until=COUNT)
    pipes = [Export(stage, session['id']) for _ in range(2)]
    expect([pipe.error for pipe in pipes], [None, None], 'two')
    expect(refusal(stage, session['id']), 'LimitReached', 'a third')
    pipes.pop().close()
    wait_for('room', lambda: refusal(stage, session['id']) is None)
    pipes.pop().close()


def test_another_user_gets_nothing(stage):
    """Where root does not run the suite there is nobody else to be: then it shows that one's own are one's own."""
    session = session_with_device(stage, '--live-period=50', until=20)
    somebody = 65534 if os.geteuid() == 0 else None
    program = stage.dir / 'take-export'
    shutil.copy(stage.binary('tests/integration/take-export'), program)
    stage.dir.chmod(0o711)
    expect(refusal(stage, session['id'], program=program, user=somebody), 'NotFound' if somebody else None, 'the answer')
