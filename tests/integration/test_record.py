# SPDX-License-Identifier: LGPL-2.1-or-later
"""The record is its owner's: to take away, to bring back, and to make disappear."""
import io
import json
import os
import pty
import shutil
import signal
import subprocess
import tarfile
import zipfile

from stage import Failure, at_least, expect, wait_for
from test_export import session_with_device

WORD = 'Zwetschgenbaum-4711'    # a label that is in no program
OF_THE_RECORD = ('id', 'owner', 'source', 'uuid', 'device_time_offset')


def recorded(stage, until=40):
    """A session in the record, with a label that can be looked for."""
    session = session_with_device(stage, '--live-period=50', '--waveform=500', until=until)
    expect(stage.ctl('annotate', session['id'], f'subject={WORD}', 'rating=4')[0], 0, 'annotate')
    return stage.json('show', session['id'])


def elsewhere(stage, name='other'):
    """The service with an empty record: as another computer."""
    stage.daemon.stop()
    stage.state_dir = stage.dir / name
    stage.needled()
    expect(stage.sessions(), [], 'an empty record')


def figures_of(session):
    return {key: value for key, value in session.items() if isinstance(value, (int, float, dict)) and key not in OF_THE_RECORD
            and key not in ('start', 'end', 'rating', 'acknowledged', 'utc_offset', 'record')}


def holds(folder, word):
    """The files under a folder in which the word stands."""
    return [str(path) for path in folder.rglob('*') if path.is_file() and word.encode() in path.read_bytes()]


def export(stage, name, *args):
    path = stage.dir / name
    status, _, err = stage.ctl('export', *args, '-o', path)
    if status != 0:
        raise Failure(f'export {args}: {status}: {err}')
    return path


def test_there_and_back(stage):
    session = recorded(stage)
    tape = export(stage, 'a.tape', session['id'])
    expect(tape.stat().st_mode & 0o777, 0o600, 'nobody else reads it')
    elsewhere(stage)

    imported = stage.json('import', tape)['imported']
    expect([entry['file'] for entry in imported], [str(tape)], 'taken in')
    back = stage.json('show', imported[0]['session'])
    expect((back['uuid'], back['source'], back['owner'], back['end_reason'], back['start']),
           (session['uuid'], 'imported', os.getuid(), session['end_reason'], session['start']), 'what it is')
    expect(figures_of(back), figures_of(session), 'its figures, computed again')
    expect(export(stage, 'b.tape', back['id']).read_bytes(), tape.read_bytes(), 'the same tape')
    expect(stage.ctl('verify', back['id'])[0], 0, 'verify')

    status, _, err = stage.ctl('import', tape)
    expect((status, 'already' in err), (2, True), 'once more')
    expect(len(stage.sessions()), 1, 'sessions')

    named = stage.dir / 'named.tape'
    named.write_text(tape.read_text().replace(session['uuid'], '21111111-2222-4333-8444-555555555555')
                     .replace('\nclock ', '\nchannel 2 waveform 95840103-2319-423b-8a8e-ee1ffb8d13f8\nclock '))
    back = stage.json('show', stage.json('import', named)['imported'][0]['session'])
    expect(figures_of(back), figures_of(session), 'its figures, where the tape names a channel that every OMP device has')


def test_of_two_users(stage):
    """What one user has, another takes in as well, and nothing tells either that it is not theirs alone. Somebody else can only be where root
    runs the suite."""
    if os.geteuid() != 0:
        return
    tape = export(stage, 'a.tape', recorded(stage)['id'])
    tape.chmod(0o644)
    program = stage.dir / 'needlectl'
    shutil.copy(stage.binary('client/needlectl'), program)
    program.chmod(0o755)
    stage.dir.chmod(0o711)

    def somebody(*args):
        done = subprocess.run([program, *args], env={**os.environ, **stage.env}, cwd='/', user=65534, group=65534, extra_groups=[],
                              capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    status, _, err = somebody('import', tape)
    expect(status, 0, f'what root has ({err})')
    sessions = stage.sessions()
    expect(sorted(s['owner'] for s in sessions), [0, 65534], 'a session of each')
    expect(len({s['uuid'] for s in sessions}), 1, 'of one UUID')
    theirs, = json.loads(somebody('sessions', '--json')[1])['sessions']
    expect((theirs['owner'], theirs['source']), (65534, 'imported'), 'what they see')
    status, _, err = somebody('import', tape)
    expect((status, 'already' in err), (2, True), 'once more')
    status, _, err = stage.ctl('import', tape)
    expect((status, 'already' in err), (2, True), 'and where root has it')
    expect(somebody('delete', str(theirs['id']), '--yes')[0], 0, 'delete')
    expect([s['owner'] for s in stage.sessions()], [0], 'what is left')


LABELS = ('subject', 'area', 'product', 'note', 'rating', 'utc_offset', 'alias', 'device', 'end_reason', 'start', 'uuid', 'acknowledged')


def test_json_there_and_back(stage):
    session = recorded(stage)
    stage.ctl('annotate', session['id'], 'area=chin', 'product=a "serum" \\ ü', 'note=one\ntwo')
    session = stage.json('show', session['id'])
    path = export(stage, 'a.json', session['id'], '--format=json')
    before = json.loads(path.read_text())
    expect((before['format'], before['version'], before['session']['note']), ('needled-session', 1, 'one\ntwo'), 'what it is')
    elsewhere(stage)

    back = stage.json('show', stage.json('import', path)['imported'][0]['session'])
    expect({key: back.get(key) for key in LABELS}, {key: session.get(key) for key in LABELS}, 'its labels')
    expect(figures_of(back), figures_of(session), 'its figures, computed again')
    expect([(e['time'], e['kind'], e['name']) for e in back['events'] if e['kind'] in ('device', 'mark', 'alert')],
           [(e['time'], e['kind'], e['name']) for e in session['events'] if e['kind'] in ('device', 'mark', 'alert')], 'what happened')
    expect(stage.ctl('verify', back['id'])[0], 0, 'verify')
    after = json.loads(export(stage, 'b.json', back['id'], '--format=json').read_text())
    expect(after['frames'], before['frames'], 'frames')
    expect(after['gaps'], before['gaps'], 'gaps')

    text = path.read_text().replace('"record_start": ', '"of_another": ')  # else it is known by that
    for name, cut in (('half.json', text[:len(text) // 2]), ('open.json', text.rstrip()[:-1]), ('more.json', text + '{}')):
        (stage.dir / name).write_text(cut.replace(session['uuid'], '21111111-2222-4333-8444-555555555555'))
        status, _, err = stage.ctl('import', stage.dir / name)
        expect((status, f'{name}:' in err), (1, True), f'{name}: {err}')
    expect(len(stage.sessions()), 1, 'sessions')
    csv = export(stage, 'a.csv', back['id'], '--format=csv').read_text().splitlines()
    expect(len(csv) - 1, len(before['frames']), 'a row a frame')
    expect(stage.ctl('export', back['id'], '--format=json', '--resample=5')[0], 64, 'only csv is resampled')


def damaged(tape):
    """An archive whose member is a whole tape, but not the one that was put in, as its checksum says."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, 'w') as z:
        z.writestr('a.tape', tape)
    return archive.getvalue()[:14] + bytes([archive.getvalue()[14] ^ 1]) + archive.getvalue()[15:]


def test_what_is_broken_changes_nothing(stage):
    session = recorded(stage)
    whole = export(stage, 'a.tape', session['id']).read_bytes()
    elsewhere(stage)
    broken = {
        'half': whole[:len(whole) // 2],
        'without-end': b''.join(whole.splitlines(True)[:-1]),
        'later': whole.replace(b'needled-tape 1', b'needled-tape 2', 1),
        'empty': b'',
        'nonsense': os.urandom(100000),
        'later.json': b'{"format": "needled-session", "version": 2, "session": {}, "frames": []}',
        'half.json': b'{"format": "needled-session", "version": 1, "session": {',
        'half.zip': b'PK\3\4' + b'\0' * 20,
        'damaged.zip': damaged(whole),
    }
    for name, content in broken.items():
        path = stage.dir / name
        path.write_bytes(content)
        status, out, err = stage.ctl('import', path)
        expect((status, out), (1, ''), name)
        expect(name in err, True, f'{name} is named: {err}')
        expect(stage.sessions(), [], f'sessions after {name}')
    expect('update' in stage.ctl('import', stage.dir / 'later')[2], True, 'what helps with a later version')
    expect(stage.ctl('import', stage.dir / 'absent')[0], 3, 'no such file')

    # Those that are good are taken in, and the others are named.
    good = stage.dir / 'good'
    good.write_bytes(whole)
    status, out, err = stage.ctl('import', stage.dir / 'half', good, stage.dir / 'empty', '--json')
    expect(status, 1, 'partly')
    reply = json.loads(out)
    expect([entry['file'] for entry in reply['imported']], [str(good)], 'taken in')
    expect([entry['file'] for entry in reply['failed']], [str(stage.dir / 'half'), str(stage.dir / 'empty')], 'not taken in')


def unpacked(archive):
    """What Python's tarfile can read."""
    if archive.suffix != '.zst':
        return archive
    tar = archive.with_suffix('.unpacked')
    tar.write_bytes(subprocess.run(['zstd', '-dc', archive], capture_output=True, check=True).stdout)
    return tar


def test_archives(stage):
    first = recorded(stage)
    tape = export(stage, 'a.tape', first['id'])
    for name in ('all.tar', 'all.tar.gz', 'all.tar.zst', 'all.zip'):
        archive = export(stage, name, first['id'])
        expect(archive.stat().st_mode & 0o777, 0o600, f'{name}: nobody else reads it')
        if name.endswith('.zip'):
            with zipfile.ZipFile(archive) as z:
                members = {info: z.read(info) for info in z.namelist()}
        else:
            with tarfile.open(unpacked(archive)) as t:
                members = {info.name: t.extractfile(info).read() for info in t}
        expect(members, {f'session-{first["id"]}.tape': tape.read_bytes()}, name)
        expect(stage.ctl('export', first['id'], '-o', archive)[0], 1, f'{name} is not written over')
    expect(stage.ctl('export', '--since=1w', '-o', stage.dir / 'chosen.zip')[0], 0, 'chosen by time')
    expect(stage.ctl('export', '--subject=nobody', '-o', stage.dir / 'none.zip')[0], 2, 'none chosen')
    expect((stage.dir / 'none.zip').exists(), False, 'an empty archive')
    expect(stage.ctl('export')[0], 64, 'without saying which')
    expect(stage.ctl('export', first['id'], '--all')[0], 64, 'both')

    # Without the service one member is enough to know that.
    with zipfile.ZipFile(stage.dir / 'many.zip', 'w') as z:
        for number in range(5):
            z.writestr(f'{number}.tape', tape.read_bytes())
    stage.daemon.stop()
    status, out, err = stage.ctl('import', stage.dir / 'many.zip', '--json')
    expect((status, len(json.loads(out)['failed']), err.count('not reachable')), (5, 5, 1), err)
    stage.needled()

    for name in ('all.tar', 'all.tar.gz', 'all.tar.zst', 'all.zip', 'chosen.zip'):
        elsewhere(stage, f'from-{name}')
        expect(len(stage.json('import', stage.dir / name)['imported']), 1, name)
        expect(stage.sessions()[0]['uuid'], first['uuid'], name)


def test_delete_leaves_no_trace(stage):
    session = recorded(stage)
    path = export(stage, 'a.tape', session['id'])
    frame = next(line for line in path.read_text().splitlines() if ' < waveform ' in line)
    octets = bytes.fromhex(frame.split(' < waveform ')[1])
    wait_for('the label in the files', lambda: holds(stage.state_dir, WORD))
    expect(any(octets in p.read_bytes() for p in stage.state_dir.iterdir() if p.is_file()), True, 'a frame is in the files')

    status, _, err = stage.ctl('delete', session['id'])
    expect((status, '--yes' in err), (64, True), 'nobody to ask')
    expect(len(stage.sessions()), 1, 'not deleted')
    reply = json.loads(stage.ctl('delete', session['id'], '--yes', '--json')[1])
    expect(reply['sessions'], 1, 'deleted')
    expect(reply['remains'], [], 'what remains')
    expect(holds(stage.state_dir, WORD), [], 'the label in the files')
    expect(any(octets in p.read_bytes() for p in stage.state_dir.iterdir() if p.is_file()), False, 'a frame in the files')
    expect(stage.sessions(), [], 'sessions')
    expect(stage.ctl('show', session['id'])[0], 3, 'show')
    expect(stage.ctl('delete', session['id'], '--yes')[0], 3, 'once more')


def at_a_terminal(stage, answer, *args):
    """needlectl on a terminal where somebody types the answer; its status and what the terminal showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(stage.env)
        os.execv(stage.binary('client/needlectl'), ['needlectl', *map(str, args)])
    shown, typed = b'', False
    while True:
        try:
            more = os.read(terminal, 4096)
        except OSError:
            break
        if not more:
            break
        shown += more
        if b'? Type yes: ' in shown and not typed:
            os.write(terminal, answer.encode() + b'\n')
            typed = True
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode(errors='replace')


def test_a_terminal_is_asked(stage):
    session = recorded(stage)
    for answer in ('no', '', 'y', 'YES'):
        status, shown = at_a_terminal(stage, answer, 'delete', session['id'])
        expect((status, f'Erase session {session["id"]} for good?' in shown), (2, True), f'{answer!r}: {shown}')
    expect(at_a_terminal(stage, 'no', 'erase')[0], 2, 'erase')
    expect(len(stage.sessions()), 1, 'still there')
    expect(at_a_terminal(stage, 'yes', 'erase')[0], 0, 'yes')
    expect(stage.sessions(), [], 'gone')


def test_erase_says_how_much(stage):
    session = recorded(stage)
    tape = export(stage, 'a.tape', session['id'])
    text = tape.read_text()
    others = []
    for number in range(2):
        other = stage.dir / f'{number}.tape'
        other.write_text(text.replace(session['uuid'], f'{number}1111111-2222-4333-8444-555555555555'))
        others.append(other)
    expect(len(stage.json('import', *others)['imported']), 2, 'two more')
    expect(stage.ctl('erase')[0], 64, 'nobody to ask')
    status, _, err = stage.ctl('erase', '--yes')
    expect((status, '3 sessions are erased' in err), (0, True), err)
    expect(stage.sessions(), [], 'sessions')
    expect(holds(stage.state_dir, WORD), [], 'the label in the files')
    expect(stage.ctl('erase', '--yes')[0], 2, 'nothing to erase')
    expect(stage.ctl('erase', '--copies', '--owner=root', '--yes')[0], 64, 'copies are of all users')
    expect(stage.ctl('erase', '--owner=nobody-of-this-name', '--yes')[0], 3, 'no such user')

    # Its number is not used again.
    expect(stage.json('import', tape)['imported'][0]['session'] > session['id'], True, 'a new number')


def test_a_live_session_is_not_deleted(stage):
    sim = stage.sim('--kind=pen')
    stage.needled()
    stage.adopt()
    sim.control('start')
    session = wait_for('a session', stage.live_session)
    status, _, err = stage.ctl('delete', session['id'], '--yes')
    expect((status, 'discard it' in err), (1, True), f'delete ({err})')
    expect(stage.ctl('erase', '--yes')[0], 2, 'erase')
    expect(stage.live_session()['id'], session['id'], 'it goes on')


def follow(stage, folder):
    return stage.start(f'follow{stage.count("follow")}', [stage.binary('client/needlectl'), 'export', f'--follow={folder}', '--format=tape'])


def names(folder):
    return sorted(path.name for path in folder.glob('session-*')) if folder.exists() else []


def test_follow(stage):
    session = recorded(stage)
    text = export(stage, 'a.tape', session['id']).read_text()
    folder = stage.dir / 'sessions'
    first = f'session-{session["id"]}-{session["uuid"][:8]}.tape'
    follower = follow(stage, folder)
    wait_for('what was there', lambda: names(folder) == [first])
    expect((folder / first).read_text(), text, 'its content')
    expect((folder / first).stat().st_mode & 0o777, 0o600, 'nobody else reads it')
    wait_for('its entry', lambda: session['uuid'] in (folder / '.needled-exported').read_text())

    def take_in(number):
        path = stage.dir / f'{number}.tape'
        path.write_text(text.replace(session['uuid'], f'{number}1111111-2222-4333-8444-555555555555'))
        return f'session-{stage.json("import", path)["imported"][0]["session"]}-{number}1111111.tape'

    second = take_in(2)
    wait_for('a new one', lambda: second in names(folder))
    other = follow(stage, folder)
    wait_for('one at a time', lambda: not other.running())
    expect(other.stop(), 1, 'a second one')
    stage.processes.remove(other)

    # The service begins anew, and is heard again.
    stage.daemon.stop()
    stage.needled()
    third = take_in(3)
    wait_for('one of the new service', lambda: third in names(folder))
    wait_for('its entry', lambda: '31111111' in (folder / '.needled-exported').read_text())
    expect(follower.stop(), 0, 'ends when it is asked to')

    # What was moved away does not come again, what was added meanwhile comes.
    (folder / second).unlink()
    fourth = take_in(4)
    follower = follow(stage, folder)
    wait_for('what was missed', lambda: fourth in names(folder))
    expect(names(folder), sorted([first, third, fourth]), 'the folder')
    expect([path.name for path in folder.iterdir() if path.name.endswith('.part')], [], 'nothing half')
    follower.stop(signal.SIGINT)


def test_lists(stage):
    session = recorded(stage)
    text = export(stage, 'a.tape', session['id']).read_text()
    archive = stage.dir / 'many.zip'
    with zipfile.ZipFile(archive, 'w') as z:
        for number in range(520):
            z.writestr(f'{number}.tape', text.splitlines()[0] + '\nprofile omp1\ndevice pen\n'
                       f'clock 2025-01-01T00:00:{number % 60:02}.000000Z\n0.1 < live 01 02\n1 = user\n')
    expect(len(stage.json('import', archive)['imported']), 520, 'taken in')
    expect(len(stage.sessions()), 50, 'a page')
    expect(len(stage.json('sessions', '--all')['sessions']), 521, 'all')
    expect(len(stage.json('sessions', '--all', '--until=2025-06-01')['sessions']), 520, 'until')
    expect(len(stage.json('sessions', f'--subject={WORD}')['sessions']), 1, 'of a subject')
    expect(stage.ctl('annotate', session['id'], 'area=chin')[0], 0, 'annotate')
    for filters in (['--device=pen'], [f'--device={session["device"]}'], ['--area=chin'], ['--device=pen', '--area=chin']):
        expect([s['id'] for s in stage.json('sessions', '--limit=500', *filters)['sessions']], [session['id']], f'with {filters}')
    expect(stage.json('sessions', '--area=nose')['sessions'], [], 'of no area')
    expect(len(stage.json('sessions', '--owner=all', '--limit=510')['sessions']), 510, 'of everybody')
    expect(stage.ctl('sessions', '--all', '--limit=3')[0], 64, 'both')
    at_least(len(stage.ctl('sessions', '--all')[1].splitlines()), 521, 'lines of the table')


def test_the_last_are_kept(stage):
    session = recorded(stage)
    text = export(stage, 'a.tape', session['id']).read_text()
    for number, day in ((1, 3), (2, 1), (3, 2)):
        path = stage.dir / f'{number}.tape'
        path.write_text(text.splitlines()[0] + f'\nprofile omp1\ndevice pen\nsession {number}1111111-2222-4333-8444-555555555555\n'
                        f'clock 2025-01-0{day}T00:00:00.000000Z\n0.1 < live 01 02\n1 = user\n')
        stage.json('import', path)
    stage.daemon.stop()
    (stage.config_dir / 'needled.conf').write_text('[Store]\nRetentionCount=2\n')
    stage.needled()
    kept = wait_for('two of four', lambda: len(stage.sessions()) == 2 and stage.sessions())
    # Those that came last: dates are what somebody's clock said.
    expect([entry['uuid'][0] for entry in kept], ['3', '2'], 'the last')
    for gone in (session['uuid'], '11111111-2222'):
        wait_for('the files without the others', lambda gone=gone: not holds(stage.state_dir, gone))
