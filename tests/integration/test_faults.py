# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every single fault between needled and bluetoothd: each error of each method as `needlesim --list-faults` has it, late and lost answers,
signals out of order, dropped and doubled, in each conversation where they can happen. Each ends in a device that streams, or in an answer
or a state that says why; after it, all is as before. A fault that did not act fails too."""
import json
import os
import pathlib
import subprocess
import time

from stage import Failure, expect, wait_for

DEADLINE_SEC = 150              # more than any wait of needled's, the longest of which is the one for Pair()
CALLS_MAX = 300                 # of bluetoothd, in one case: far more than a conversation has
CPU_SEC = (1.0, 0.2)            # of needled: once, and for each second that the case takes
TICKS = os.sysconf('SC_CLK_TCK')

# In which conversations needled calls them.
MOMENTS = {
    'SetDiscoveryFilter': ['adopt'], 'StartDiscovery': ['adopt'], 'StopDiscovery': ['adopt'], 'Connect': ['adopt'],
    'RegisterAgent': ['adopt'], 'Pair': ['adopt'], 'UnregisterAgent': ['adopt'], 'Set': ['adopt'],
    'ReadValue': ['adopt', 'back'], 'WriteValue': ['back'], 'AcquireNotify': ['adopt', 'back'], 'RegisterApplication': ['adopt', 'restart'],
    'GetManagedObjects': ['restart'], 'UnregisterApplication': ['forget'], 'RemoveDevice': ['forget'], 'Disconnect': ['off'],
}
# Those that need another scene, and those that needled calls only when another fault came first.
ELSEWHERE = {'StartNotify'}
NEVER = {'StopNotify', 'CancelPairing'}
# How long until a lost answer is given up: these have a stage of their own, side by side.
SLOW_LOST = {'Connect', 'Pair', 'ReadValue', 'AcquireNotify', 'RegisterApplication', 'GetManagedObjects', 'RemoveDevice', 'Disconnect'}
SIGNALS = {
    'PropertiesChanged:Connected': ['adopt', 'back', 'off'], 'PropertiesChanged:ServicesResolved': ['adopt', 'back'],
    'PropertiesChanged:Paired': ['adopt'], 'PropertiesChanged:Trusted': ['adopt'], 'PropertiesChanged:RSSI': ['adopt'],
    'PropertiesChanged:Discovering': ['adopt'], 'PropertiesChanged:NotifyAcquired': ['adopt', 'back'],
    'PropertiesChanged:Powered': ['power'], 'InterfacesAdded:Device1': ['adopt', 'restart'],
    'InterfacesAdded:GattService1': ['adopt', 'restart'], 'InterfacesAdded:GattCharacteristic1': ['adopt', 'restart'],
    'InterfacesAdded:GattDescriptor1': ['adopt'], 'InterfacesAdded:Battery1': ['adopt', 'back'],
    'InterfacesAdded:Adapter1': ['unplug'], 'InterfacesRemoved:Adapter1': ['unplug'], 'InterfacesRemoved:Battery1': ['back'],
    'InterfacesRemoved:Device1': ['forget', 'unplug'], 'InterfacesRemoved:GattCharacteristic1': ['forget'],
}
# Dropped, these are missed until a limit of 30 s and more acts.
SLOW_DROPPED = {'PropertiesChanged:ServicesResolved', 'PropertiesChanged:Connected', 'InterfacesAdded:Device1', 'InterfacesAdded:Adapter1',
                'InterfacesAdded:GattService1', 'InterfacesAdded:GattCharacteristic1', 'PropertiesChanged:Powered'}
ENDS = ('streaming', 'refused', 'bond-lost')


class Scene:
    """needled and a device that streams, from which each case begins."""

    def __init__(self, stage, *sim, adopt=(), config=None):
        self.stage, self.adopt_options = stage, adopt
        if config:
            (stage.config_dir / 'needled.conf').write_text(config)
        self.sim = stage.sim(*sim)
        stage.needled('--debug')
        stage.adopt(*adopt)

    def faults(self):
        return json.loads(self.sim.control('fault status'))

    def cpu_sec(self):
        fields = pathlib.Path(f'/proc/{self.stage.daemon.child.pid}/stat').read_text().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def connections(self):
        """By the debug log, which tells all of them: the journal's own entries are bounded."""
        return self.stage.daemon.text().count(': streaming ,')

    def end(self, before):
        """The device at the end of something: it streams in a new connection, or says why it does not and will not by itself."""
        device = self.stage.device('pen')
        at_end = device and device['state'] in ENDS and (device['state'] != 'streaming' or self.connections() > before)
        return device if at_end else None

    def comes_to_an_end(self, before):
        device = wait_for('a device that streams, or a reason', lambda: self.end(before), DEADLINE_SEC)
        if device['state'] != 'streaming' and not device.get('state_reason'):
            raise Failure(f'{device["state"]} without a reason')
        return device

    # The conversations. Each begins with a device that streams, says `arm` when the fault may act, and ends when it is over.

    def adopt(self, arm):
        self.forgotten()
        before = self.connections()
        arm()
        address = wait_for('a found device', self.found, DEADLINE_SEC)['address']
        status, _, err = self.stage.ctl('adopt', address, '--alias=pen', *self.adopt_options)
        if status == 0:
            self.comes_to_an_end(before)
        elif not err.strip():
            raise Failure('not adopted, and nothing said')

    def back(self, arm):
        before = self.connections()
        arm()
        self.sim.control('drop 08')
        self.comes_to_an_end(before)

    def restart(self, arm):
        before = self.connections()
        arm()
        self.sim.control('restart')
        self.comes_to_an_end(before)

    def forget(self, arm):
        arm()
        status, _, err = self.stage.ctl('forget', 'pen')
        if status == 0:
            expect(self.stage.device('pen'), None, 'the device that was forgotten')
        elif not err.strip():
            raise Failure('not forgotten, and nothing said')

    def off(self, arm):
        before = self.connections()
        arm()
        self.auto_connect('false')
        wait_for('the end of the link', lambda: self.stage.device('pen')['state'] == 'known', DEADLINE_SEC)
        wait_for('the fault', self.acted, DEADLINE_SEC)
        self.auto_connect('true')
        self.comes_to_an_end(before)

    def power(self, arm):
        before = self.connections()
        arm()
        self.sim.control('adapter off')
        wait_for('the end of the link', lambda: self.stage.device('pen')['state'] != 'streaming', DEADLINE_SEC)
        self.sim.control('adapter on')
        self.comes_to_an_end(before)

    def unplug(self, arm):
        before = self.connections()
        arm()
        self.sim.control('adapter remove')
        wait_for('the end of the link', lambda: self.stage.device('pen')['state'] != 'streaming', DEADLINE_SEC)
        self.sim.control('adapter add')
        self.comes_to_an_end(before)

    # What they are made of.

    def auto_connect(self, on):
        device = self.stage.device('pen')
        subprocess.run(['busctl', '--address', self.stage.env['DBUS_SYSTEM_BUS_ADDRESS'], 'call', 'org.needled',
                        f'/org/needled/device/{device["address"].replace(":", "_")}', 'org.needled.Device1', 'SetAutoConnect', 'b', on],
                       check=True, capture_output=True, timeout=DEADLINE_SEC)

    def bluez_objects(self):
        done = subprocess.run(['busctl', '--address', self.stage.env['DBUS_SYSTEM_BUS_ADDRESS'], '--json=short', 'call', 'org.bluez', '/',
                               'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects'], capture_output=True, text=True, check=True,
                              timeout=DEADLINE_SEC)
        return json.loads(done.stdout)['data'][0]

    def found(self):
        """What bluetoothd has told once it does not tell again: the next search begins when it has forgotten the device."""
        self.stage.ctl('search', '--seconds=1', '-q')
        if not self.stage.device():
            wait_for('bluetoothd to forget it', lambda: not any('/dev_' in path for path in self.bluez_objects()))
        return self.stage.device()

    def forgotten(self):
        if self.stage.device('pen'):
            expect(self.stage.ctl('forget', 'pen')[0], 0, 'forget')

    def acted(self):
        return all(fault['acted'] for fault in self.faults()['faults'])

    def all_is_well_again(self):
        """Without a fault: what was adopted streams by itself, what was not or is refused can be adopted."""
        device = self.stage.device('pen')
        if device and device['state'] in ('refused', 'bond-lost'):
            self.forgotten()
            device = None
        if device and device.get('adopted', True) and device['state'] != 'found':
            wait_for('streaming', self.stage.streaming, DEADLINE_SEC)
        else:
            self.stage.adopt(*self.adopt_options)
        wait_for('Bluetooth', lambda: self.stage.json('status')['bluetooth'] == 'ready')

    def case(self, moment, faults):
        before, began, calls = self.cpu_sec(), time.monotonic(), self.faults()['calls']

        def arm():
            for fault in faults:
                self.sim.control(f'fault {fault}')

        getattr(self, moment)(arm)
        wait_for('the fault, which has not acted', self.acted, DEADLINE_SEC)
        if any('delay' in fault for fault in faults):   # or it acts in the next case
            wait_for('what is late', lambda: self.faults()['under_way'] == 0, DEADLINE_SEC)
        self.sim.control('fault clear')
        self.all_is_well_again()
        seconds, cpu, calls = time.monotonic() - began, self.cpu_sec() - before, self.faults()['calls'] - calls
        if calls > CALLS_MAX + 10 * seconds:
            raise Failure(f'{calls} calls of bluetoothd in {seconds:.1f} s')
        if cpu > CPU_SEC[0] + CPU_SEC[1] * seconds:
            raise Failure(f'{cpu:.2f} s of CPU in {seconds:.1f} s')


def case(moment, *faults):
    return f'{moment}: {" and ".join(faults)}', lambda scene: scene.case(moment, faults)


def pen(stage):
    return Scene(stage, '--kind=pen')


def unbonded(stage):
    return Scene(stage, '--kind=pen', '--no-bond', adopt=['--allow-unbonded'])


def broadcast(stage):
    return Scene(stage, '--kind=pen', config='[Bluetooth]\nAllowBroadcast=yes\n')


def vendor(stage):
    return Scene(stage, f'--profile={stage.shipped_profiles() / "tindeq.mnprofile"}', adopt=['--allow-unbonded'])


def known_errors():
    """{method: ["NAME TEXT", ...]}"""
    sim = pathlib.Path(os.environ['NEEDLED_BUILD']) / 'simulator/needlesim'
    errors = {}
    for line in subprocess.run([str(sim), '--list-faults'], capture_output=True, text=True, check=True).stdout.splitlines():
        method, name, text = line.split('\t')
        errors.setdefault(method, []).append(f'{name} {text}')
    return errors


def is_slow(method, error):
    """What makes needled wait for a limit: another's attempt to connect that it believes in, a loss that is yet to be told."""
    return (method == 'Connect' and 'progress' in error.lower()) or (method in ('AcquireNotify', 'StartNotify') and 'onnected' in error)


def acquire_refused(fault):
    """StartNotify is what is tried when AcquireNotify is not supported."""
    return 'AcquireNotify#1+ org.bluez.Error.NotSupported Operation is not supported', fault


def error_groups(errors):
    missing = set(errors) - set(MOMENTS) - ELSEWHERE - NEVER
    expect(missing, set(), 'methods without a conversation')
    scenes = [(method, moment, pen, lambda fault: [fault]) for method, moments in MOMENTS.items() for moment in moments]
    scenes += [('Connect', 'back', unbonded, lambda fault: [fault]), ('StartNotify', 'back', broadcast, acquire_refused),
               ('WriteValue', 'back', vendor, lambda fault: [fault])]
    for method, moment, scene, faults in scenes:
        for error in errors[method]:
            if is_slow(method, error):
                one = case(moment, *faults(f'{method} {error}'))
                yield one[0], scene, [one]
    for method, moment, scene, faults in scenes:
        yield f'{method} in {moment}', scene, [case(moment, *faults(f'{method} {error}')) for error in errors[method] if not is_slow(method, error)]
    yield 'after acting', pen, [case(moment, f'{method} after {errors[method][0]}') for method, moments in MOMENTS.items() for moment in moments]


def time_groups():
    def lost(method, moment):
        return [case(moment, f'{method} lost'), case(moment, f'{method} after lost')]

    for method, moments in MOMENTS.items():
        for moment in moments:
            if method in SLOW_LOST:
                for one in lost(method, moment):
                    yield one[0], pen, [one]
    late = [case(moment, f'{method} {how}delay 400') for method, moments in MOMENTS.items() for moment in moments for how in ('', 'after ')]
    yield 'late', pen, late
    yield 'lost', pen, [one for method, moments in MOMENTS.items() for moment in moments if method not in SLOW_LOST for one in lost(method, moment)]
    yield 'the second of many', pen, [case(moment, f'{method}#2 {what}') for method in ('ReadValue', 'AcquireNotify') for moment in ('adopt', 'back')
                                      for what in ('org.bluez.Error.Failed Not connected', 'delay 400')]
    for one in lost('StartNotify', 'back'):
        yield one[0], broadcast, [(one[0], lambda scene, fault=one[0].partition(': ')[2]: scene.case('back', acquire_refused(fault)))]
    yield 'WriteValue lost', vendor, lost('WriteValue', 'back')


def signal_groups():
    for how in ('hold', 'drop', 'twice'):
        quick = []
        for signal, moments in SIGNALS.items():
            for moment in moments:
                one = case(moment, f'{signal} {how}')
                if how == 'drop' and signal in SLOW_DROPPED:
                    yield one[0], pen, [one]
                else:
                    quick.append(one)
        yield how, pen, quick


def groups():
    """What waits longest, and has a group of its own for that, comes first."""
    return sorted([*time_groups(), *signal_groups(), *error_groups(known_errors())], key=lambda group: len(group[2]) > 2)
