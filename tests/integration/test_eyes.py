# SPDX-License-Identifier: LGPL-2.1-or-later
"""What another user can have of a session from its beginning to its deletion, by whatever way: states."""
import json
import os
import pathlib
import shutil
import stat
import sys

from stage import expect, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'eyes'))
import judge    # noqa: E402

# Where root does not run the suite there is nobody else to be: then what is broadcast is judged all the same.
BOB = 65534 if os.geteuid() == 0 else None


class Eyes:
    """collect.py, which is bob's."""

    def __init__(self, stage):
        program = shutil.copy(pathlib.Path(judge.__file__).with_name('collect.py'), stage.dir)
        stage.dir.chmod(0o711)
        drop = ['setpriv', f'--reuid={BOB}', '--clear-groups'] if BOB else []
        self._process = stage.start('eyes', [*drop, '/usr/bin/python3', program, stage.env['DBUS_SYSTEM_BUS_ADDRESS'], os.getuid()])
        self.look()

    def items(self):
        return [json.loads(line) for line in self._process.text().rpartition('\n')[0].splitlines() if line.startswith('{')]

    def look(self):
        """Until it has gone all the way round from here on."""
        def rounds():
            assert self._process.running(), self._process.text()
            return sum(item['way'] == 'round' for item in self.items())
        before = rounds()
        wait_for('a look around', lambda: rounds() >= before + 2)

    def end(self):
        self._process.stop()
        return self.items()


def whole_session(stage, sim, eyes):
    """Everything that can happen to one. Returns what the owner was told, as it came."""
    watch = stage.start('watch', [stage.binary('client/needlectl'), 'watch', '--json', '--until-end'])
    sim.control('start')
    number = wait_for('a session', stage.live_session)['id']
    for words in (['stage', 'needling'], ['area', 'cheek-left'], ['mark', 'rosebud']):
        expect(stage.ctl(*words)[0], 0, f'{words}')
    wait_for('an alert', lambda: any(a['code'] == 'overpressure' for a in stage.json('show', number).get('alerts', [])))
    eyes.look()
    sim.control('advertise off')
    sim.control('drop')
    wait_for('a gap', lambda: stage.live_session()['state'] == 'interrupted')
    eyes.look()
    sim.control('advertise on')
    wait_for('streaming again', stage.streaming)
    wait_for('the session to go on', lambda: stage.live_session()['state'] == 'running')
    expect(stage.ctl('pause')[0], 0, 'pause')
    stage.ctl('resume')         # or the device has done so, which is in use
    wait_for('the session to go on', lambda: stage.live_session()['state'] == 'running')
    told = [stage.json('show', number)]
    sim.control('stop')
    wait_for('a record', lambda: any(s['id'] == number for s in stage.sessions()))
    wait_for('what the device has stored of it', lambda: stage.json('show', number)['source'] == 'both')
    expect(stage.ctl('annotate', number, 'subject=Mallory', 'product=arnica', 'note=violet')[0], 0, 'annotate')
    told.append(stage.json('show', number))
    expect(stage.ctl('export', number, '--format=csv', '-o', stage.dir / 'export.csv')[0], 0, 'export')
    eyes.look()
    expect(watch.child.wait(60), 0, 'watch')
    told += [json.loads(line) for line in watch.text().splitlines() if line.startswith('{')]
    expect(stage.ctl('delete', number, '--yes')[0], 0, 'delete')
    eyes.look()
    return told


def check_files(stage):
    """The mode of whatever holds a measurement."""
    files = [p for p in stage.state_dir.rglob('*') if p.is_file()]
    expect({stat.S_IMODE(p.stat().st_mode) & 0o077 for p in files}, {0}, f'what others may do with {files}')


def overhear(stage):
    """dbus-monitor, which asks for what is sent to others when it may not be a monitor."""
    drop = ['setpriv', f'--reuid={BOB}', '--clear-groups'] if BOB else []
    process = stage.start('overhear', [*drop, 'dbus-monitor', '--address', stage.env['DBUS_SYSTEM_BUS_ADDRESS']])
    wait_for('dbus-monitor', lambda: 'NameAcquired' in process.text())
    return process


def test_another_user_sees_states(stage):
    (stage.config_dir / 'needled.conf').write_text('[Limits]\nZoneLow=100\nZoneHigh=300\nOverpressure=500\nHysteresis=100\n')
    sim = stage.sim('--kind=pen', '--seed=3', '--live-period=50', '--waveform=250', '--records=2')
    stage.needled(env={'NEEDLED_DEBUG': '1'})
    eyes, ears = Eyes(stage), overhear(stage)
    stage.adopt()
    figures = judge.measured(whole_session(stage, sim, eyes))
    check_files(stage)
    items = eyes.end()
    ears.stop()
    if BOB:
        judge.check_overheard(ears.text())
    verdict = judge.Judge(items, figures, judge.SECRETS, owner_is_other=BOB is not None)
    verdict.check_seen()
    judge.check_journal(stage.daemon.text(), figures)
    refused = {item['method'].rpartition('.')[2] for item in items if item['way'] == 'error'}
    if BOB:
        expect({'GetFigures', 'OpenStream', 'Get', 'GetEvents', 'GetSeries', 'Export', 'Verify'} <= refused, True, f'refused: {refused}')
    print(f'# {len(items)} different things, {len(figures)} figures')


def refuses(figures, secrets, *items):
    """Whether the judge finds something."""
    try:
        judge.Judge(list(items), figures, secrets)
        return False
    except AssertionError:
        return True


def test_what_is_planted_is_found(_stage):
    session, characteristic = '/org/needled/session/1', '/org/bluez/hci0/dev_1/service1/char1'

    def shown(name, value, interface='org.needled.Session1', path=session):
        return {'way': 'property', 'service': interface.rpartition('.')[0], 'path': path, 'interface': interface, 'name': name, 'value': value}

    def changed(interface, path, **properties):
        return {'way': 'signal', 'service': 'org.needled', 'path': path, 'interface': 'org.freedesktop.DBus.Properties',
                'member': 'PropertiesChanged', 'arguments': [interface, properties, []]}

    live = shown('UUID', f'95840102{judge.OMP}', 'org.bluez.GattCharacteristic1', characteristic)
    battery = shown('UUID', '00002a19-0000-1000-8000-00805f9b34fb', 'org.bluez.GattCharacteristic1', characteristic)
    value = changed('org.bluez.GattCharacteristic1', characteristic, Value=[1, 2])
    error = {'way': 'error', 'path': session, 'method': 'org.needled.Session1.GetFigures', 'error': 'org.needled.Error.NotAuthorized'}
    for name, expected, items in (
            ('a state', False, [shown('State', 'running')]), ('a state of another kind', True, [shown('State', 'pressing')]),
            ('a new property', True, [shown('Force', 0)]), ('one in a signal', True, [changed('org.needled.Session1', session, Force=0)]),
            ('a name in a signal', False, [changed('org.needled.Session1', session, Stage='numb')]),
            ('a live value', True, [live, value]), ('a battery', False, [battery, value]), ('a value of nobody knows what', True, [value]),
            ('a figure in a text', True, [{**error, 'message': 'It was 1234 mN.'}]), ('none', False, [{**error, 'message': 'No, it is hers.'}]),
            ('a word of the owner', True, [{**error, 'message': 'This is of Mallory.'}]),
            ('another error', True, [{**error, 'error': 'org.needled.Error.Failed', 'message': ''}]),
            ('an answer', True, [{'way': 'reply', 'path': session, 'method': 'org.needled.Session1.GetFigures', 'value': [{'strokes': 3}]}]),
            ('a list that is not empty', True, [{'way': 'reply', 'path': '/', 'method': 'org.needled.History1.List', 'value': [[{}]]}]),
            ('a figure beside an id', True, [{'way': 'signal', 'service': 'org.needled', 'path': '/org/needled', 'member': 'Added',
                                              'interface': 'org.needled.History1', 'arguments': [1, 0, 1234]}]),
            ('a monitor', True, [{'way': 'monitor', 'error': ''}])):
        expect(refuses({1234}, {'Mallory'}, *items), expected, name)
