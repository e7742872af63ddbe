# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several devices at once, each with its own session: none is taken for another, and what befalls one is no other's affair."""
import json
import subprocess

from stage import at_least, expect, wait_for

N = 8


def address(i):
    return f'C0:FF:EE:00:00:{i + 1:02X}'


def alias(i):
    return f'pen{i}'


class Many:
    """N devices, adopted and in use."""

    def __init__(self, stage, *options, near=None):
        self.stage = stage
        self.sim = stage.sim(*['--kind=pen'] * N, *[f'--address={address(i)}' for i in range(N)], '--live-period=200', *options)
        for i in range(N if near else 0):
            self.sim.control(f'@{i} near {near(i)}')
        stage.needled()
        wait_for('all found', lambda: stage.ctl('search', '--seconds=2', '-q') and len(self.devices()) == N)
        for i in range(N):
            stage.adopt(address=address(i), alias=alias(i))
        for i in range(N):
            self.sim.control(f'@{i} start')
        wait_for('all in use', lambda: len(self.live()) == N)
        self.ids = self.live()

    def devices(self):
        return {device['address']: device for device in self.stage.json('devices')['devices']}

    def live(self):
        """{alias: id} of the sessions that run."""
        aliases = {device['path']: device['alias'] for device in self.devices().values()}
        return {aliases[s['device']]: s['id'] for s in self.stage.json('status')['sessions'] if s['state'] == 'running'}

    def taken(self, i):
        status = self.sim.status(i)
        return status['sent']['live'] - status['refused']['live']

    def more(self, which=range(N), n=10):
        targets = {i: self.taken(i) + n for i in which}
        wait_for(f'{n} more of each', lambda: all(self.taken(i) >= target for i, target in targets.items()))

    def end(self, gaps):
        """All end: N sessions, each with its own device's values and no other's, and with so many gaps."""
        for i in range(N):
            self.sim.control(f'@{i} stop')
        wait_for('all stored', lambda: len(self.stage.sessions()) >= N)
        stored = {s['alias']: s for s in self.stage.sessions()}
        expect({a: s['id'] for a, s in stored.items()}, self.ids, 'sessions')
        for i in range(N):
            session = stored[alias(i)]
            expect(session['device'], address(i), f'the device of {alias(i)}')
            expect(session['end_reason'], 'device', f'the end of {alias(i)}')
            expect(session['gaps'], gaps.get(i, 0), f'gaps of {alias(i)}')
            expect(session['lost']['live'], 0, f'lost of {alias(i)}')
            self.none_mixed(session['id'], i, gaps.get(i, 0))

    def none_mixed(self, session, i, gaps):
        """What the device took in is what is on the tape of its session: the numbers of its own stream, one after the other."""
        status, tape, err = self.stage.ctl('export', session)
        expect(status, 0, f'the export ({err})')
        values = [bytes.fromhex(line.partition(' live ')[2]) for line in tape.splitlines() if line[0].isdigit() and ' live ' in line]
        at_least(len(values), 10, f'Live of {alias(i)}')
        expect(len(values) <= self.taken(i), True, f'Live of {alias(i)}: {len(values)} of the {self.taken(i)} that its device sent')
        numbers = [int.from_bytes(value[2:4], 'little') for value in values]
        breaks = sum((b - a) % 65536 != 1 for a, b in zip(numbers, numbers[1:]))
        expect(breaks <= gaps, True, f'numbers of {alias(i)}: {breaks} breaks')


def match_rules(stage):
    """{unique name of the connection: rules} of needled's connections."""
    done = subprocess.run(['busctl', '--address', stage.env['DBUS_SYSTEM_BUS_ADDRESS'], '--json=short', 'call', 'org.freedesktop.DBus',
                           '/org/freedesktop/DBus', 'org.freedesktop.DBus.Debug.Stats', 'GetAllMatchRules'],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)['data'][0]


def of_bluez(rules):
    return [rule for rule in rules if 'org.bluez' in rule]


def test_eight_devices_on_one_adapter(stage):
    many = Many(stage)
    many.more()
    counts = [len(of_bluez(rules)) for rules in match_rules(stage).values() if of_bluez(rules)]
    expect(counts, [6], 'match rules of the connection to bluetoothd')
    many.end({})


def test_eight_devices_on_two_adapters(stage):
    many = Many(stage, '--adapters=2', near=lambda i: f'hci{i % 2}')
    many.more()
    adapters = {a: device['adapter'] for a, device in many.devices().items()}
    expect({a: many.sim.status(i)['adapter'] for i, a in enumerate(adapters)}, {a: f'hci{i % 2}' for i, a in enumerate(adapters)}, 'adapters')
    expect(len(set(adapters.values())), 2, 'adapters that needled names')
    many.end({})


def test_one_is_lost_and_back(stage):
    many = Many(stage)
    many.sim.control('@3 advertise off')
    many.sim.control('@3 drop 08')
    wait_for('the lost one waiting', lambda: stage.device(alias(3))['state'] == 'waiting')
    many.more([i for i in range(N) if i != 3])
    expect(sorted(many.live()), sorted(alias(i) for i in range(N) if i != 3), 'sessions that run meanwhile')
    many.sim.control('@3 advertise on')
    wait_for('all in use', lambda: many.live() == many.ids)
    many.more()
    many.end({3: 1})


def test_one_of_two_adapters_goes(stage):
    many = Many(stage, '--adapters=2', near=lambda i: f'hci{i % 2}')
    many.sim.control('adapter remove hci1')
    # The link goes first, then the adapter is off, and then it is not there.
    wait_for('half of them waiting for it', lambda: [d['state_reason'] for d in many.devices().values()
                                                     if d['state'] == 'waiting'] == ['no-adapter'] * (N // 2))
    many.more(range(0, N, 2))
    many.sim.control('adapter add hci1')
    wait_for('all in use', lambda: many.live() == many.ids)
    many.more()
    many.end({i: 1 for i in range(1, N, 2)})


def test_bluetoothd_restarts_with_all_of_them(stage):
    many = Many(stage)
    many.sim.control('bluetoothd restart')
    wait_for('all in use', lambda: many.live() == many.ids and all(d['state'] == 'streaming' for d in many.devices().values()))
    many.more()
    many.end({i: 1 for i in range(N)})
