# SPDX-License-Identifier: LGPL-2.1-or-later
"""needlectl setup on a terminal: the whole first run, stopped and gone on with, nothing found, two devices; and what else is for
people: status in five lines, a pager, --redact."""
import json
import os
import re

from stage import Failure, at_least, expect, wait_for
from terminal import Terminal

NOBODY = 65534
FIRST = 'C0:FF:EE:12:34:56'
SECOND = 'C0:FF:EE:12:34:57'
GOES_ON = "'needlectl setup' goes on from here"


def contains(text, *parts):
    for part in parts:
        if part not in text:
            raise Failure(f'{part!r} is not in {text!r}')


def lacks(text, *parts):
    for part in parts:
        if part in text:
            raise Failure(f'{part!r} is in {text!r}')


def say(terminal, question, answer):
    terminal.expect(re.escape(question))
    terminal.type(answer)


def read_list(terminal):
    """The contraindications, of which no part scrolls away before it was seen; to the question behind them."""
    terminal.expect('Named as contraindications')
    text = ''
    while '\nHave you' not in text:
        part = terminal.expect(r'(?s).*?(Enter shows the rest|Type yes to acknowledge it): ').group()
        at_least(24, part.count('\n') + 1, 'rows at once')
        text += part
        if 'Enter shows' in part:
            terminal.type('\n')
    return text


def press(terminal, sim):
    """The device is pressed until it is seen, which leaves no session."""
    terminal.expect('Press its tip once')
    sim.control('start')
    terminal.expect(r'Force +-?[0-9.]+ N, (low|good|high|over)')
    return terminal.end(0)


def test_the_whole_first_run(stage):
    sim = stage.sim('--kind=pen', '--live-period=50')
    stage.needled()
    status, out, _ = stage.ctl('status')
    expect((status, [line.split()[0] for line in out.splitlines()]), (0, ['Bluetooth', 'Device', 'Session', 'Plan', 'Storage']),
           'five lines')
    contains(out, "none yet: 'needlectl setup'", 'needlectl acknowledge')

    terminal = Terminal(stage, 'setup')
    terminal.expect(r'1 of 5 .*\(needlectl search\)')
    say(terminal, 'Which one? The first is the only one that was found. [1] ', '7\n')
    say(terminal, '[1] ', '\n')
    say(terminal, 'What shall it be called? [', 'mine\n')
    terminal.expect('3 of 5')
    list_of = read_list(terminal)
    expect([line for line in list_of.splitlines() if len(line) > 80 and '/contraindications.list' not in line], [], 'lines too wide')
    contains(list_of, 'Pregnancy and breast-feeding are contraindications', 'Enter shows the rest', 'It is no check of your health')
    terminal.type('yes\n')
    terminal.expect('4 of 5')
    terminal.expect(r'Up to 0\.3 mm +3d')
    terminal.expect('Next earliest +now')
    say(terminal, 'Test mine now? [Y/n] ', '\n')
    say(terminal, 'Did it show itself, by light, sound or vibration? [Y/n] ', 'what\n')
    say(terminal, '[Y/n] ', 'n\n')
    say(terminal, 'Did it show itself, by light, sound or vibration? [Y/n] ', 'y\n')
    say(terminal, 'and press Enter: ', '\n')
    contains(press(terminal, sim), 'It measures: ', 'The next session begins when the device has been at rest', 'All is set up. Use mine')
    device = stage.device('mine')
    expect((device['address'], device['adopted']), (FIRST, True), 'the device')
    sim.control('stop')
    expect(stage.sessions(), [], 'no trace of the test')

    # What is done is seen.
    terminal = Terminal(stage, 'setup')
    terminal.expect('1 of 5  mine is found already')
    terminal.expect('2 of 5  mine is adopted already')
    terminal.expect('3 of 5  The contraindications were acknowledged on ')
    say(terminal, 'Test mine now? [Y/n] ', 'n\n')
    contains(terminal.end(0), 'The test is left out')
    lines = stage.ctl('status')[1].splitlines()
    expect(len(lines), 5, f'lines of {lines}')
    lacks('\n'.join(lines), 'setup', 'acknowledge')


def test_stopped_and_gone_on_with(stage):
    sim = stage.sim('--kind=pen', '--live-period=50', '--pairing=passkey-display')
    stage.needled()
    terminal = Terminal(stage, 'setup')
    terminal.expect('Searching')
    terminal.type('\x03')
    contains(terminal.end(1), GOES_ON)

    terminal = Terminal(stage, 'setup')
    say(terminal, '[1] ', '\n')
    terminal.expect('What shall it be called')
    terminal.type('\x03')
    contains(terminal.end(1), GOES_ON)
    expect([d for d in stage.json('devices')['devices'] if d['adopted']], [], 'adopted devices')

    terminal = Terminal(stage, 'setup')
    say(terminal, '[1] ', '\n')
    say(terminal, 'What shall it be called? [', 'mine\n')
    terminal.expect('six digits')
    terminal.type('\x03')
    contains(terminal.end(1), 'Cancelled: the device is not adopted', GOES_ON)
    expect([d for d in stage.json('devices')['devices'] if d['adopted']], [], 'adopted devices')

    terminal = Terminal(stage, 'setup')
    say(terminal, '[1] ', '\n')
    say(terminal, 'What shall it be called? [', 'mine\n')
    terminal.expect('six digits')
    terminal.type(wait_for('digits', lambda: re.findall(r'passkey (\d{6})\n', sim.text())[1:])[0] + '\n')
    terminal.expect('3 of 5')
    read_list(terminal)
    terminal.type('\x03')
    contains(terminal.end(1), 'Nothing was acknowledged', GOES_ON)

    terminal = Terminal(stage, 'setup')
    terminal.expect('2 of 5  mine is adopted already')
    read_list(terminal)
    terminal.type('no\n')
    terminal.expect('Sessions run without it too')
    say(terminal, 'Test mine now? [Y/n] ', '\n')
    say(terminal, '[Y/n] ', 'y\n')
    say(terminal, 'and press Enter: ', '\n')
    terminal.expect('Press its tip once')
    wait_for('the session of the test', stage.live_session)
    terminal.type('\x03')
    contains(terminal.end(1), 'The test was stopped', GOES_ON)
    expect((stage.live_session(), stage.sessions()), (None, []), 'sessions')


def test_the_name_that_is_offered_is_taken_by_enter(stage):
    stage.sim('--kind=pen')
    stage.needled()
    terminal = Terminal(stage, 'setup')
    say(terminal, '[1] ', '\n')
    say(terminal, 'What shall it be called? [SimPen] ', '\n')
    terminal.expect('3 of 5')
    read_list(terminal)
    terminal.type('\x03')
    terminal.end(1)
    expect(stage.device('SimPen')['alias'], 'SimPen', 'the alias, which its sessions have')


def test_nothing_is_found(stage):
    status, out, err = stage.ctl('setup')
    expect((status, out), (64, ''), 'without a terminal')
    contains(err, 'needlectl search, adopt DEVICE')
    sim = stage.sim('--kind=pen')
    stage.needled()
    sim.control('advertise off')
    terminal = Terminal(stage, 'setup', '--seconds=1')
    contains(terminal.end(3), 'No device was found. Switch it on, put it in pairing mode', GOES_ON)
    sim.control('advertise on')
    stage.adopt()
    sim.control('advertise off')
    sim.control('drop 08')
    wait_for('its absence', lambda: not stage.streaming())
    terminal = Terminal(stage, 'setup', '--seconds=1')
    read_list(terminal)
    terminal.type('yes\n')
    say(terminal, 'Test pen now? [Y/n] ', '\n')
    contains(terminal.end(1), 'is adopted, but not connected (', 'Switch it on and bring it near', GOES_ON)


def test_two_devices(stage):
    stage.sim('--kind=pen', '--kind=roller')
    stage.needled()
    terminal = Terminal(stage, 'setup')
    table = terminal.expect(r'(?s)DEVICE.*The first is the nearest by its signal\. \[1\] ').group()
    nearest = re.findall(r'(?m)^ *(\d) .*?(C0:\S+) .*?(-\d+) dBm', table)
    expect([n for n, _, _ in nearest], ['1', '2'], f'the rows of {table}')
    expect(sorted(nearest, key=lambda row: -int(row[2])), nearest, 'the nearest first')
    terminal.type('2\n')
    say(terminal, 'What shall it be called? [', 'other\n')
    terminal.expect('3 of 5')
    terminal.type('\x03')
    terminal.end(1)
    expect(stage.device('other')['address'], nearest[1][1], 'the one that was chosen')

    wait_for('the first again', lambda: stage.ctl('search', '--seconds=1', '-q') and stage.device(nearest[0][1]))
    expect(stage.ctl('adopt', nearest[0][1], '--alias=otter')[0], 0, 'adopt')
    status, out, err = stage.ctl('tare')
    if status == 64:    # neither or both are connected
        contains(err, 'There is more than one device: ', 'other (', 'otter (')
    status, out, err = stage.ctl('tare', 'ot')
    expect((status, out), (64, ''), 'two that begin so')
    contains(err, "'ot' fits more than one device: ", f'other ({nearest[1][1]})', f'otter ({nearest[0][1]})')
    status, out, err = stage.ctl('serach')
    expect((status, out, err), (64, '', "There is no verb 'serach'; did you mean 'search'?\n"), 'a slip')


def asking(stage, *seconds):
    """A polkit that wants somebody to be asked, and the folder of a pkttyagent."""
    stage.start('polkit', [stage.binary('tests/integration/polkit-yes'), 'ask', *seconds])
    os.chmod(stage.dir, 0o755)
    folder = stage.dir / 'agent'
    folder.mkdir()
    folder.chmod(0o777)
    agent = folder / 'pkttyagent'
    agent.write_text(f'#!/bin/bash\necho "$$ $*" >> {folder}/started\neval "exec $2>&-"\nexec sleep 1000\n')
    agent.chmod(0o755)
    return folder, {'PATH': f'{folder}:{os.environ["PATH"]}'}


def test_a_password_is_no_key_of_watch(stage):
    """While polkit asks about another user's session, who types talks to the agent."""
    if os.geteuid() != 0:       # who cannot become another is asked for nothing
        return
    folder, path = asking(stage, 3)
    sim = stage.sim('--kind=pen', '--live-period=50')
    stage.needled()
    stage.adopt()
    sim.control('start')
    session = wait_for('a session', stage.live_session)['id']
    terminal = Terminal(stage, 'watch', str(session), user=NOBODY, rows=24, env={**path, 'TERM': 'xterm'})
    wait_for('the agent', (folder / 'started').exists)
    terminal.type('q')
    terminal.expect(f'Session {session}  running')
    terminal.type('q')
    terminal.end(0)


def test_a_device_of_somebody_else(stage):
    """It is said, and that its session is seen by its owner and for a password alone."""
    if os.geteuid() != 0:
        return
    sim = stage.sim('--kind=pen', '--live-period=50')
    stage.needled()
    os.chmod(stage.dir, 0o755)
    stage.adopt()
    terminal = Terminal(stage, 'setup', user=NOBODY)
    terminal.expect('2 of 5  pen is adopted already')
    terminal.expect(r"It belongs to root, and so do its sessions\..* let root type 'needlectl forget pen' first")
    last = terminal.end(4)
    contains(last, GOES_ON)
    lacks(last, 'All is set up')

    sim.control('start')
    session = wait_for('a session', stage.live_session)['id']
    theirs = f"Session {session} on this device is another user's: 'needlectl watch {session}' asks for a"
    terminal = Terminal(stage, 'watch', user=NOBODY, rows=24, env={'TERM': 'xterm'})
    terminal.expect(theirs)
    terminal.type('f')
    terminal.expect('End session')
    terminal.type('y')
    terminal.expect(theirs)
    terminal.type('q')
    lacks(terminal.end(0), 'There is no session now')
    terminal = Terminal(stage, 'watch', user=NOBODY, env={'TERM': 'dumb'})
    terminal.expect(f'pen: streaming. {theirs} password\\.')
    terminal.type('\x03')
    terminal.end(0)


def test_who_is_asked_for_authorisation(stage):
    """Of another user polkit wants a password: asked for on a terminal, by an agent that needlectl starts there."""
    folder, path = asking(stage)
    stage.sim('--kind=pen')
    stage.needled()
    # Who is not root cannot become another: then the device is one's own, and nobody is asked.
    user = NOBODY if os.geteuid() == 0 else None
    stage.adopt()
    wait_for('its Control Point', lambda: stage.ctl('get')[0] == 0)
    if user:
        terminal = Terminal(stage, 'identify', '--no-ask-password', user=user, env=path)
        contains(terminal.end(4), 'authenticate')
        expect((folder / 'started').exists(), False, 'an agent that is not wanted')
    Terminal(stage, 'identify', user=user, env=path).end(0)
    started = (folder / 'started').read_text().splitlines() if user else []
    expect(len(started), 1 if user else 0, 'agents that were started')
    for line in started:
        pid, *options = line.split()
        expect((options[0], options[2]), ('--notify-fd', '--fallback'), 'its options')
        expect(os.path.exists(f'/proc/{pid}'), False, 'an agent that is left behind')


def test_what_comes_while_somebody_watches_is_redacted_too(stage):
    sim = stage.sim('--kind=pen', '--live-period=50')
    stage.needled()
    stage.adopt(alias='Annas Stift')
    watching = stage.start('watch', [stage.binary('client/needlectl'), 'watch', '--redact'])
    wait_for('a line', lambda: 'device-1' in watching.text())
    expect(stage.ctl('alias', 'Annas Stift', 'Idas Stift')[0], 0, 'another name')
    expect(stage.ctl('release')[0], 0, 'release')
    wait_for('a line that says so', lambda: 'released' in watching.text())
    expect(stage.ctl('connect')[0], 0, 'connect')
    sim.control('start')
    wait_for('a session', stage.live_session)
    wait_for('its lines', lambda: 'session 1' in watching.text())
    expect(stage.ctl('mark', 'red spot')[0], 0, 'mark')
    wait_for('the mark', lambda: 'note-1' in watching.text() or 'red spot' in watching.text())
    lacks(watching.text(), FIRST, 'Annas', 'Idas', 'red spot')


def test_what_is_redacted_and_what_is_paged(stage):
    sim = stage.sim('--kind=pen', '--live-period=50')
    stage.needled()
    stage.adopt(alias='Annas Stift')
    secrets = [FIRST, FIRST.replace(':', '_'), 'Annas Stift', 'Berta', 'itches badly', 'Serum Nine', 'red spot',
               os.uname().nodename]
    status, _, err = stage.ctl('start', 'Annas', '--subject=Berta', '--note=itches badly', '--product=Serum Nine')
    expect(status, 0, err)
    sim.control('start')
    wait_for('strokes', lambda: sim.status()['sent']['live'] > 20)
    expect(stage.ctl('mark', 'red spot')[0], 0, 'mark')
    said = [stage.ctl('--redact', *words) for words in (['status'], ['status', '--json'], ['devices'], ['mark', 'red spot'])]
    sim.control('stop')
    number = wait_for('the session in the record', stage.sessions)[0]['id']
    plain = stage.json('show', number)
    said += [stage.ctl('--redact', *words) for words in (['devices', '--json'], ['sessions'], ['sessions', '--json'],
                                                         ['show', number],
                                                         ['show', number, '--json'], ['doctor'], ['doctor', '--json'], ['tare'],
                                                         ['release', '--for=1h'], ['status'], ['connect'], ['tare', 'nobody'],
                                                         ['plan'], ['log', number])]
    for _, out, err in said:
        lacks(out + err, *secrets)
    redacted = json.loads(said[8][1])
    expect((redacted['device'], redacted['alias'], redacted['subject']), ('device-1', 'device-1', 'subject-1'), 'the session')
    expect({k: v for k, v in redacted.items() if isinstance(v, (int, float))},
           {k: v for k, v in plain.items() if isinstance(v, (int, float))}, 'figures')
    contains(said[0][1], 'device-1, streaming')
    status, out, err = stage.ctl('export', number, '--redact')
    expect((status, out, err), (64, '', "'export' cannot redact what it writes: leave out --redact.\n"), 'export')

    screen = {'TERM': 'xterm', 'NEEDLECTL_PAGER': 'sed s/^/paged:/'}
    contains(Terminal(stage, 'show', str(number), rows=10, env=screen).end(0), 'paged:Session')
    lacks(Terminal(stage, 'status', rows=10, env=screen).end(0), 'paged:')
    lacks(Terminal(stage, 'show', str(number), '--no-pager', rows=10, env=screen).end(0), 'paged:')
    lacks(Terminal(stage, 'show', str(number), rows=10, env={**screen, 'NEEDLECTL_PAGER': '/nowhere'}).end(0), 'paged:')
