# SPDX-License-Identifier: LGPL-2.1-or-later
"""The live view in a terminal: what stands on the screen, what the keys do, and what happens when something goes away."""
import os
import pathlib
import re
import signal
import subprocess

from stage import Failure, at_least, expect, wait_for
from screen import Screen
from test_sessions import CONTACT, names, play, used

ALL_KEYS = 'a area  s stage  m mark  p pause  i identify  t tare  f finish  ? help  q quit'
HOLD_PAST = pathlib.Path(__file__).resolve().parent / 'hold-past.py'
BORED = 'Waiting for the device to be used. It begins a session by itself.'


def watch(stage, *args, **kwargs):
    return Screen(stage, [stage.binary('client/needlectl'), 'watch', *args], **kwargs)


def minute(text):
    """How many places of the last minute are filled."""
    line = next((line for line in text.splitlines() if line.startswith('Minute')), '')
    return len(re.sub(r'\s', '', line[len('Minute'):]))


def test_a_session_from_its_middle(stage):
    """Of a device that tells no area by itself."""
    sim = play(stage, [(CONTACT, 900, 12)] * 1800)
    session = wait_for('a session', stage.live_session)
    wait_for('a while of use', lambda: sim.status()['sent']['live'] > 60)
    with watch(stage) as terminal:
        text = terminal.shows('Session 1  running', 'Force ', ' N ', 'held', 'Strokes', 'Minute')
        at_least(minute(wait_for('the last minute', lambda: text if minute(text := terminal.text()) else None)), 5,
                 'places that are filled at once')
        lines = terminal.lines()
        expect((len(lines), lines[-1]), (24, ALL_KEYS), 'a screen of 80x24')
        expect([word for word in ('low', '0.30 good', '2.00 high', '3.00 over', 'Stage', 'Contact', 'Area', 'Losses   none',
                                  'pen: streaming')
                if word not in text], [], 'what is not shown')
        expect('\x1b[' in '\n'.join(terminal.lines('-e')).replace('\x1b[1m', '').replace('\x1b[0m', ''), False,
               'colours in spite of NO_COLOR')

        terminal.keys('s')
        terminal.bottom('Stage: 1 cleanse  2 numb  3 needling  4 aftercare  0 none')
        terminal.keys('3')
        terminal.shows('The stage is needling.', '[needling]')
        terminal.type('mhalf wsy')
        terminal.bottom('Mark: half wsy_')
        terminal.keys('Left', 'BSpace', 'a', 'Enter')
        terminal.shows('Marked.', '- half way')
        terminal.type('achee')
        terminal.shows('cheek-left  cheek-right\nArea: chee_')
        terminal.keys('Tab', 'Tab', 'Enter')
        terminal.shows('The area is cheek-right from now on', 'Area     cheek-right')
        terminal.keys('p')
        terminal.shows('The session is paused. Use ends the pause, or p.')
        terminal.keys('?')
        terminal.shows('  q     leave; the session goes on')
        terminal.keys('?')

        terminal.keys('f')
        terminal.bottom('End session 1? It is kept. y: yes, else no')
        terminal.keys('Escape')
        terminal.bottom(ALL_KEYS)
        for columns, rows in ((20, 5), (300, 100), (40, 10), (132, 50), (80, 24)):
            terminal.resize(columns, rows)
            if rows >= 24:
                terminal.bottom(ALL_KEYS)
            terminal.shows('pen  C0', '\nSession 1  running', '\nForce  ')
            expect(len(terminal.lines()), rows, f'rows at {columns}x{rows}')

        terminal.keys('q')
        expect((terminal.left(), 'Session 1 goes on' in terminal.said()), (0, True), 'status, summary')
    expect(stage.live_session()['stage'], 'needling', 'the stage')
    expect('cheek-right' in names(stage, session['id'], 'area'), True, 'the area in the record')


def test_the_end_by_a_key_and_what_is_refused(stage):
    sim, session = used(stage)
    wait_for('its Control Point', lambda: stage.ctl('get')[0] == 0)
    with watch(stage) as terminal:
        terminal.shows('Session 1  running')
        terminal.keys('i')
        terminal.shows('pen shows itself.')
        terminal.keys('t')
        terminal.shows('Tare? ')
        terminal.keys('y')
        terminal.shows('The device is in use: hold it still, away from the skin')
        sim.control('stop')
        terminal.shows('Session 1  ended by the device', 'Waiting for the next session.')
        terminal.keys('p')
        terminal.shows('There is no session now.')
        sim.control('start')
        second = wait_for('another session', stage.live_session)['id']
        terminal.shows(f'Session {second}  running')
        terminal.keys('f')
        terminal.bottom(f'End session {second}? It is kept. y: yes, else no')
        terminal.keys('y')
        terminal.shows(f'Session {second} is stored.', 'The next session begins when the device has been at rest')
        terminal.keys('q')
        expect(terminal.left(), 0, 'status')
    ends = {s['id']: s['end_reason'] for s in stage.sessions()}
    expect((ends[session['id']], ends[second]), ('device', 'user'), 'how they ended')


def test_the_service_goes_and_comes_back(stage):
    used(stage)
    with watch(stage) as terminal:
        terminal.shows('Session 1  running')
        stage.daemon.stop(signal.SIGKILL)
        stage.processes.remove(stage.daemon)
        terminal.shows('The service is away. Waiting for it to come back.')
        terminal.keys('p')
        terminal.shows('There is no session now.')
        stage.needled()
        terminal.shows('Session 1  running', 'pen: streaming', 'held')
        stage.daemon.stop(signal.SIGKILL)
        stage.processes.remove(stage.daemon)
        expect(terminal.left(), 5, 'status when it stays away')
        expect('did not come back' in terminal.said(), True, terminal.said())


def test_an_end_that_does_not_come(stage):
    """It stands still while the service goes, comes back, and the session ends."""
    sim, session = used(stage)
    with watch(stage) as terminal:
        terminal.shows('Session 1  running', 'held')
        terminal.keys('C-z')
        terminal.shows('stopped')
        stage.daemon.stop(signal.SIGKILL)
        stage.processes.remove(stage.daemon)
        stage.needled()
        wait_for('streaming', stage.streaming)
        sim.control('stop')
        wait_for('the end', lambda: [s['id'] for s in stage.sessions()] == [session['id']])
        terminal.keys('Enter')
        terminal.shows('The end of session 1 is missing', 'Waiting for the next session.')
        terminal.keys('q')
        expect((terminal.left(), 'The end of session 1 is missing' in terminal.said()), (1, True), 'status, what it says')


def test_the_link_goes_and_says_why(stage):
    sim, _ = used(stage)
    with watch(stage) as terminal:
        terminal.shows('Session 1  running')
        sim.control('advertise off')
        sim.control('drop 08')
        terminal.shows('Session 1  interrupted', 'pen is not connected: waits for the device: out of reach or switched off')
        terminal.keys('p')
        terminal.shows('The session waits for its device and can be neither paused nor resumed')
        sim.control('advertise on')
        terminal.shows('Session 1  running', 'pen: streaming')
        terminal.keys('C-c')
        expect(terminal.left(), 0, 'status')


def test_suspended_and_gone_on(stage):
    stage.sim('--kind=pen', '--seed=3')
    stage.needled()
    stage.adopt()
    with watch(stage) as terminal:
        terminal.shows(BORED, ALL_KEYS)
        terminal.keys('C-z')
        terminal.shows('stopped')
        terminal.hides(BORED)
        terminal.keys('Enter')
        terminal.shows(BORED, ALL_KEYS)
        os.kill(terminal.children()[0], signal.SIGSTOP)        # it cannot tidy up before
        terminal.shows('stopped')
        terminal.keys('Enter')
        terminal.hides('stopped')
        terminal.shows(BORED, ALL_KEYS)
        os.kill(terminal.children()[0], signal.SIGTERM)
        expect(terminal.left(), 0, 'status')
    for how, status in ((signal.SIGHUP, 0), (signal.SIGABRT, 128 + signal.SIGABRT)):
        with watch(stage) as terminal:
            terminal.shows(BORED)
            os.kill(terminal.children()[0], how)
            expect(terminal.left(), status, f'status by {how.name}')


def test_what_the_terminal_can_do(stage):
    """Colours are the sixteen; without UTF-8 all is ASCII; without a screen there are lines; a closed window is the end."""
    used(stage)
    with watch(stage, env={'NO_COLOR': ''}) as terminal:
        terminal.shows('Session 1  running', 'held')
        codes = set(re.findall(r'\x1b\[([0-9;]*)m', '\n'.join(terminal.lines('-e'))))
        expect((codes - {'', '0', '1', '2', '31', '32', '33', '39', '49', '0;1', '0;2'}, '32' in codes), (set(), True),
               f'colours of {codes}')
        pid = terminal.children()[0]
        terminal.close()
        wait_for('the end', lambda: not os.path.exists(f'/proc/{pid}'))
    with watch(stage, utf8=False) as terminal:
        text = terminal.shows('Session 1  running', 'held', 'q quit')
        expect(text.isascii(), True, text)
        terminal.keys('q')
        expect(terminal.left(), 0, 'status')
    with watch(stage, env={'TERM': 'dumb'}) as terminal:
        terminal.shows('session 1  running')
        expect('Force' in terminal.text(), False, 'a picture')
        terminal.keys('C-c')
        expect(terminal.left(), 0, 'status')


def test_stdout_is_a_pipe_that_closes(stage):
    used(stage)
    for form in ('', '--json'):
        with Screen(stage, ['bash', '-c',
                            f'{stage.binary("client/needlectl")} watch {form} | head -n 1; exit ${{PIPESTATUS[0]}}']) as terminal:
            expect(terminal.left(), 128 + signal.SIGPIPE, f'status of watch {form}')
            expect(('ession' in terminal.text(), terminal.said()), (True, ''), 'the one line, and no message')
            expect('session 1  running' in terminal.text(), not form, 'how it stands')


def test_keys_are_not_taken_from_what_is_no_terminal(stage):
    used(stage)
    with Screen(stage, ['bash', '-c', f'echo fyq | {stage.binary("client/needlectl")} watch']) as terminal:
        terminal.shows('Session 1  running', 'held', 'Ctrl-C quits')
        terminal.keys('C-c')
        expect(terminal.left(), 0, 'status')
    if not stage.live_session():
        raise Failure('the session was ended')


def test_without_the_past_where_it_is_refused(stage):
    """Two others are being told theirs, and do not take it."""
    sim = stage.sim('--flood=800:0:60', fast=False)
    stage.needled()
    stage.adopt()
    path = f'/org/needled/session/{wait_for("a session", stage.live_session)["id"]}'
    wait_for('more than a socket holds', lambda: sim.status()['sent']['live'] > 6000)
    with subprocess.Popen([HOLD_PAST, path, '2'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env={**os.environ, **stage.env}) as holder:
        expect(holder.stdout.readline(), b'held 2\n', 'two streams')
        refused = subprocess.run([stage.binary('tests/integration/follow-past'), path, '1000000', '1'],
                                 env={**os.environ, **stage.env},
                                 capture_output=True, text=True, check=False, timeout=60)
        expect('LimitReached' in refused.stdout + refused.stderr, True, f'a third: {refused}')
        with watch(stage) as terminal:
            terminal.shows('Session 1  running', 'held')
            terminal.keys('q')
            expect(terminal.left(), 0, 'status')
        holder.stdin.close()
