# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong under needlectl: verb by fault, the exit code, one sentence on stderr that says so, and no half of a file."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from stage import DEADLINE_SEC, SANITIZER_WORDS, Failure, expect
from test_record import recorded
from test_report import story
from test_schema import ARGUMENTS, is_sentence
from terminal import Terminal

PROFILE = pathlib.Path(__file__).resolve().parents[2] / 'daemon/profiles/simplepen.mnprofile'
NOBODY = 65534


def needlectl(stage, *args, program=None, **options):
    """(status, stdout, stderr); a signal's number is negative."""
    options = {'stdout': subprocess.PIPE, **options}
    env = {**os.environ, **stage.env, **options.pop('env', {})}
    done = subprocess.run([program or stage.binary('client/needlectl'), *map(str, args)], env=env, stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, timeout=DEADLINE_SEC * 3, check=False, **options)
    if any(word in done.stderr for word in SANITIZER_WORDS):
        raise Failure(done.stderr)
    return done.returncode, done.stdout, done.stderr


def refused(stage, status, *args, words='', **options):
    """Ends so, prints nothing, and says why."""
    got, out, err = needlectl(stage, *args, **options)
    what = f'needlectl {" ".join(map(str, args))}'
    expect((got, out or ''), (status, ''), f'{what} ({err})')
    if not is_sentence(err) or words not in err:
        raise Failure(f'{what}: no one sentence with "{words}": {err!r}')


def test_nobody_is_there(stage):
    """No bus, no service; then what is wrong whoever is there. Each verb without the service, a device and a session is asked in
    test_schema, which looks at what it says too."""
    for verb in ('status', 'sessions', 'tare', 'record', 'show'):       # all come to the bus one way
        refused(stage, 5, verb, *ARGUMENTS.get(verb, []), words='systemctl')
        refused(stage, 5, verb, *ARGUMENTS.get(verb, []), words='bus',
                env={'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={stage.dir}/nothing'})
    expect([needlectl(stage, verb)[0] for verb in ('watch', 'doctor')], [5, 5], 'those that say more')

    stage.needled()
    for verb, *args in (('show', 'x'), ('log', 'x'), ('annotate', '1', 'x=y'), ('stage', 'lunch'), ('area', 'moon'), ('get', 'x'),
                        ('set', 'x=1'), ('export',), ('delete', 'x'), ('erase', '--owner=nobody-of-this-name'), ('statsu',),
                        ('sessions', '--limit=0'), ('profile', 'eat'), ('status', 'x'), ('status', '--color=red'), ('help', 'x'),
                        ('status', '--no-such-option'), ('replay', 'x', '--speed=x'), ('record', '--json'),
                        ('search', '--seconds=0')):
        got, out, err = needlectl(stage, verb, *args)
        if got not in (3, 64) or out or not is_sentence(err):
            raise Failure(f'{verb} {args}: {got} {out!r} {err!r}')
    for args in (('record',), ('export', '1')):
        for output in ((), ('--output=-',)):
            refused(stage, 64, *args, '--json', *output, words='stdout')
    refused(stage, 64, 'export', '1', '2', '--output=-', words='folder')


def closed_pipe():
    """The end to write of a pipe that nobody reads."""
    there, here = os.pipe()
    os.close(there)
    return here


def test_stdout_takes_no_more(stage):
    """A full disk, nobody who reads, none at all: for every verb that prints."""
    session = recorded(stage)['id']
    tape = stage.dir / 'a.tape'
    expect(stage.ctl('export', session, '-o', tape)[0], 0, 'export')
    printing = [('help',), ('--version',), ('version',), ('status',), ('devices',), ('get',), ('stage',), ('area',),
                ('sessions',),
                ('show', session), ('plan',), ('doctor',), ('export', session), ('export', session, '--format=csv'),
                ('export', session, '--format=json'), ('report', session, '-o', '-'), ('verify', tape), ('profile', 'list'),
                ('profile', 'show', PROFILE), ('complete', '--', ''), ('replay', tape, '--speed=0'), ('status', '--json'),
                ('replay', tape, '--speed=0', '--json')]
    for words in printing:
        with open('/dev/full', 'w') as full:
            got, _, err = needlectl(stage, '-q', *words, stdout=full)
        expect((got, err), (1, 'The output could not be written whole: No space left on device.\n'), f'{words} on a full disk')
    # Text, a page, JSON at once and line by line, and those that write by themselves: a reader that has gone ends them, as usual.
    for words in (('status',), ('show', session), ('status', '--json'), ('replay', tape, '--speed=0', '--json'),
                  ('export', session),
                  ('report', session, '-o', '-')):
        for options, status in (({}, -signal.SIGPIPE), ({'restore_signals': False}, 1))[:1 + (words[0] in ('show', 'replay'))]:
            end = closed_pipe()
            got, _, err = needlectl(stage, '-q', *words, stdout=end, **options)
            os.close(end)
            expect((got, err), (status, ''), f'{words} with nobody who reads ({options})')
        got, _, err = needlectl(stage, '-q', *words, stdout=None, preexec_fn=lambda: os.close(1))
        expect((got, err), (1, 'The output could not be written whole: Bad file descriptor.\n'), f'{words} without stdout')
    expect(stage.ctl('start')[0], 0, 'start')
    for words in (['watch'], ['watch', '--json'], ['record']):
        with open('/dev/full', 'w') as full:
            got, _, err = needlectl(stage, *words, '-q', stdout=full)
        expect((got, err), (1, 'The output could not be written whole: No space left on device.\n'), f'{words} on a full disk')
    refused(stage, 1, 'record', '-q', '-o', '/dev/full', '--force', words='No space left')
    expect(needlectl(stage, 'alias', 'pen', 'pen2', stdout=None, preexec_fn=lambda: os.closerange(0, 3))[0], 0,
           'what prints nothing needs no stdout')


def test_files_to_write(stage):
    session = recorded(stage)['id']
    folder = stage.dir / 'out'
    folder.mkdir()
    (folder / 'there').write_text('mine')
    (folder / 'f.zip').mkdir()
    for form in ('tape', 'csv', 'json'):
        refused(stage, 1, 'export', session, f'--format={form}', '-o', '/dev/full', '--force', words='No space left')
    refused(stage, 1, 'export', session, '-o', folder / 'there', words='--force')
    refused(stage, 1, 'export', session, '-o', stage.dir / 'no' / 'tape', words='cannot be written')
    refused(stage, 1, 'export', session, '-o', '/proc/session', words='cannot be written')
    for name in ('a.tar', 'a.zip'):
        refused(stage, 1, 'export', '--all', '-o', f'/proc/{name}', words='cannot be written')
    refused(stage, 1, 'export', '--all', '-o', folder / 'f.zip', words='exists already')
    refused(stage, 1, 'export', '--all', '-o', folder / 'there', words='cannot be written')
    refused(stage, 1, 'export', '--follow=/proc/sessions', words='cannot be written')
    refused(stage, 1, 'record', '-o', folder / 'there', words='--force')
    refused(stage, 1, 'record', '-o', '/proc/a.tape', words='cannot be written')
    refused(stage, 3, 'export', session + 1, '-o', folder / 'gone')
    expect((sorted(path.name for path in folder.iterdir()), (folder / 'there').read_text()), (['f.zip', 'there'], 'mine'),
           'what is left')

    # So long that Ctrl-C comes before its end on the fastest machine.
    tape = story('2026-02-03T14:05:00Z', minutes=40, waveform=True).write(stage.dir / 'long.tape')
    long = stage.json('import', tape)['imported'][0]['session']
    interrupted = 0
    for _ in range(40):
        interrupted += not interrupt(stage, [long], folder)
        if interrupted == 3:
            return
    raise Failure('an export could not be interrupted')


def interrupt(stage, ids, folder):
    """Ctrl-C as soon as something is written; returns whether it was whole before."""
    words = [stage.binary('client/needlectl'), 'export', *map(str, ids), '--format=json', '-o', folder / 'big.json', '-q']
    child = subprocess.Popen(words, env={**os.environ, **stage.env}, stderr=subprocess.PIPE, text=True)
    while not list(folder.glob('big.json*')) and child.poll() is None:
        time.sleep(0.001)       # it may be whole a few milliseconds later
    child.send_signal(signal.SIGINT)
    err = child.communicate()[1]
    expect((child.returncode in (0, -signal.SIGINT), err), (True, ''), f'an export that is interrupted ({child.returncode})')
    whole = child.returncode == 0
    left = [path.name for path in folder.iterdir() if path.name not in ('f.zip', 'there')]
    if (whole and left != ['big.json']) or (not whole and left not in ([], ['big.json'])):
        raise Failure(f'left by an export: {left}, status {child.returncode}')
    for name in left:
        expect((folder / name).read_text().endswith('}\n'), True, 'all of it')
        (folder / name).unlink()
    return whole


def hostile(folder):
    """Files that are none."""
    files = {'empty': b'', 'octets': bytes(range(256)) * 40, 'zeros': bytes(4096), 'line': b'x' * 3_000_000,
             'later': b'needled-tape 99\n', 'head': b'needled-tape 1\n',
             'clock': b'needled-tape 1\nprofile omp1\nclock tomorrow\n', 'json': b'{"format": "needled-session", "version": 1',
             'deep': b'{"a":' * 5000, 'number': b'{"format": "needled-session", "version": 1e999, "frames": []}',
             'zip': b'PK\x03\x04' + bytes(60), 'gzip': b'\x1f\x8b\x08' + bytes(60), 'profile': b'[Profile]\nFormat=1\nFormat=2\n',
             'latin': b'[Profile]\nName=\xff\xfe\n', 'escape\x1b]0;x\x07': b'\x1b[2Jneedled-tape 1\n'}
    for name, octets in files.items():
        (folder / name).write_bytes(octets)
    (folder / 'folder').mkdir()
    return [folder / name for name in [*files, 'folder', 'nothing']]


def refused_to_read(stage, words):
    got, out, err = needlectl(stage, *words)
    if got not in (1, 2, 3) or out or not err or len(err) > 4000 or '\x1b' in err or '\x07' in err:
        raise Failure(f'{words}: {got} {out[:300]!r} {err[:3000]!r}')


def test_files_to_read(stage):
    folder = stage.dir / 'in'
    folder.mkdir()
    files = hostile(folder)
    stage.needled()
    # Each by a reader of tapes and one of profiles; what the others have of their own is how they end.
    for path in files:
        refused_to_read(stage, ['import', path])
        got, out, err = needlectl(stage, 'profile', 'lint', path)
        if got != 1 or not out or '\x1b' in out + err:
            raise Failure(f'lint {path}: {got} {out[:300]!r} {err[:3000]!r}')
        if path.name in ('empty', 'octets', 'clock', 'escape\x1b]0;x\x07', 'folder', 'nothing'):
            for words in (['replay', path], ['verify', path], ['profile', 'show', path],
                          ['profile', 'try', PROFILE, '--tape', path]):
                refused_to_read(stage, words)
    refused_to_read(stage, ['replay', folder / 'clock', '--json'])
    refused_to_read(stage, ['profile', 'try', folder / 'profile', '--hex=00'])
    expect(stage.sessions(), [], 'taken in')


def test_another_user(stage):
    """What is somebody else's. Where root does not run the suite there is nobody else to be: then one's own may be done."""
    session = recorded(stage)['id']
    stage.dir.chmod(0o711)
    program = stage.dir / 'needlectl'
    shutil.copy(stage.binary('client/needlectl'), program)
    expect(stage.ctl('start')[0], 0, 'start')
    live = stage.live_session()['id']
    if os.geteuid() != 0:
        expect(stage.ctl('set', 'live_period_ms=50')[0], 0, 'set')
        return
    somebody = {'user': NOBODY, 'group': NOBODY, 'extra_groups': [], 'cwd': '/', 'program': program}
    for status, verb, *args in ((3, 'show', session), (3, 'verify', session), (3, 'export', session),
                                (3, 'annotate', session, 'rating=4'), (3, 'delete', session, '--yes'),
                                (4, 'finish', live), (4, 'discard', live), (4, 'pause', live), (4, 'stage', 'numb', live),
                                (4, 'mark', 'x', live), (4, 'area', 'chin', live), (4, 'set', 'live_period_ms=50'), (4, 'tare'),
                                (4, 'identify'), (4, 'stop-motor'), (4, 'release', 'pen'), (4, 'forget', 'pen'), (4, 'sync'),
                                (4, 'alias', 'pen', 'x'), (4, 'erase', '--owner=all', '--yes'),
                                (4, 'erase', '--copies', '--yes'), (4, 'sessions', '--owner=all')):
        refused(stage, status, verb, *args, **somebody)
    expect(needlectl(stage, 'status', **somebody)[0], 0, 'states are everybody\'s')
    expect(needlectl(stage, 'sessions', '--json', **somebody)[:2], (0, '{"sessions":[]}\n'), 'sessions of somebody else')
    expect(len(stage.sessions()), 1, 'what is left')


def test_help_fits_the_terminal(stage):
    """Its rows are wrapped at the terminal's columns. A pipe has each in a line, for who reads them by program."""
    for words in ((), ('sessions',)):
        terminal = Terminal(stage, 'help', *words, rows=24, env={'PAGER': 'cat'})
        shown = terminal.end(0)
        expect([line for line in shown.splitlines() if len(line) > 80], [], f'rows of help {words} that are too long')
        expect(' '.join(shown.split()), ' '.join(stage.ctl('help', *words)[1].split()), 'its words')
