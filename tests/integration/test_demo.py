# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/demo tells its whole story, with what is built already; and leaves nothing behind, also when it is stopped."""
import os
import pathlib
import re
import subprocess

from printed import ROOT
from stage import DEADLINE_SEC, SANITIZER_WORDS, Failure, expect, wait_for
from terminal import Terminal

DEMO = ROOT / 'tools' / 'demo'
TYPED = ['setup', 'status', 'watch --until-end', 'sessions', r'show \d+', r'export \d+ .*', r'verify \d+', r'report \d+ .*', 'report --all .*']
SEEN = [r'\n1 of 5 ', r'What shall it be called\? \[SimPen\] demo-pen\n', r'Type yes to acknowledge it: yes\n', r'\n4 of 5 ', 'demo-pen shows itself',
        r'\nForce -?[0-9.]+ N, ', r'\nIt measures: ', r'\nAll is set up', r'\nBluetooth +ready\n', '  running  .*  needling  ', r' state +interrupted\n', r' state +running\n',
        r'\n +\d+s  mark +a remark\n', r'\n +\d+s  alert +Force above the overpressure limit', 'ended by the device: ', r'\n *[1-9]\d* .* device .*\n *1 .* device ',
        r'\nOverpressure +[1-9]', r'\nGaps +1, ', r'\nneedled-tape 1\n', 'its record is whole', r'/needled-session-\d+\.html\n',
        r'/needled-course\.html\n', 'the force went over its limit', 'is the report: open it in a browser']


def folder(stage, name):
    path = stage.dir / name
    path.mkdir()
    return path


def left_behind(path):
    """Files in this TMPDIR, and programs that have it."""
    found = sorted(path.iterdir())
    for environ in pathlib.Path('/proc').glob('[0-9]*/environ'):
        try:
            if f'TMPDIR={path}'.encode() in environ.read_bytes().split(b'\0'):
                found.append(environ)
        except OSError:         # somebody else's, or gone
            pass
    return found


def demo(stage, *args):
    return subprocess.run([DEMO, *args], env={**os.environ, **stage.env, 'TMPDIR': str(stage.dir / 'tmp')}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=DEADLINE_SEC * 3, check=False)


def test_the_whole_story_without_a_terminal(stage):
    tmp = folder(stage, 'tmp')
    kept = stage.dir / 'kept'
    done = demo(stage, '--fast', '--keep', kept)
    expect(done.returncode, 0, f'status of the demo, which said {done.stdout}')
    typed = re.findall(r'(?m)^\$ needlectl (.*)$', done.stdout)
    expect([bool(re.fullmatch(*pair)) for pair in zip(TYPED, typed, strict=True)], [True] * len(TYPED), f'what is typed: {typed}')
    for part in SEEN:
        if not re.search(part, done.stdout):
            raise Failure(f'{part!r} is not in the story: {done.stdout}')
    if any(word in done.stdout for word in SANITIZER_WORDS) or '\x1b' in done.stdout or '\r' in done.stdout:
        raise Failure(done.stdout)
    expect([re.sub(r'\d+', 'N', path.name) for path in sorted(kept.iterdir())],
           ['demo.tape', 'needled-course.html', 'needled-session-N.html'], 'what is kept')
    expect(left_behind(tmp), [], 'what is left behind')

    done = demo(stage, '--keep', kept)
    expect((done.returncode, done.stdout), (1, f'{kept} is not empty: name another folder.\n'), 'what is there stays')
    expect(demo(stage, '--keep').returncode, 64, '--keep without a folder')
    expect(demo(stage, '--quick').returncode, 64, 'an option that is not there')


def test_on_a_terminal(stage):
    """It asks nothing of who looks on: no pager, and no question for --open where no desktop is."""
    tmp = folder(stage, 'tmp')
    env = {'TMPDIR': str(tmp), 'TERM': 'xterm', 'DISPLAY': '', 'WAYLAND_DISPLAY': ''}
    terminal = Terminal(stage, '--fast', '--open', program=DEMO, rows=24, env=env)
    terminal.expect('Strokes +.*[1-9]')
    terminal.expect('needled-course.html')
    terminal.expect('these are gone now')
    terminal.end(0)
    expect(left_behind(tmp), [], 'what is left behind')


def test_stopped_at_any_time(stage):
    tmp = folder(stage, 'tmp')
    env = {'TMPDIR': str(tmp), 'TERM': 'xterm'}
    for moment in ('Searching', r'Type yes', 'Press its tip', 'Strokes +[1-9]'):
        terminal = Terminal(stage, '--fast', program=DEMO, rows=24, env=env)
        terminal.expect(moment)
        terminal.type('\x03')
        expect('Where to go next' in terminal.end(130), False, f'going on after {moment}')
        wait_for(f'everything to be gone after {moment}', lambda: not left_behind(tmp))

    terminal = Terminal(stage, '--fast', program=DEMO, rows=24, env=env)
    terminal.expect('Strokes +.*[1-9]')
    os.close(terminal.master)
    expect(terminal.child.wait(DEADLINE_SEC) != 0, True, 'an end that is none')
    wait_for('everything to be gone with the terminal', lambda: not left_behind(tmp))
