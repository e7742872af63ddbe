# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever takes the link away: the session goes on, the device streams again, and the state in between says what it waits for.

One test a cause, each with a session that runs when it comes. docs/link.md has the table of causes."""
import signal
import time

from bluez import CHARACTERISTIC, DEVICE, LIVE, STREAMS, call, characteristics, device_path, hold, objects, shown
from stage import at_least, expect, wait_for
from states import States
from test_pipeline import committed

QUIET_SEC = 1   # in which what must not come would have come


class Use:
    """An adopted device in use: its session, and the states that it goes through from here."""

    def __init__(self, stage, *options, bond=True, fast=True, near='all'):
        self.stage = stage
        self.sim = stage.sim('--kind=pen', '--live-period=50', *([] if bond else ['--no-bond']), *options, fast=fast)
        self.sim.control(f'near {near}')
        stage.needled()
        stage.adopt(*([] if bond else ['--allow-unbonded']))
        # A request that is not answered ends a link, and so would a mute device's.
        wait_for('the end of what it is asked at first', lambda: stage.ctl('sync')[0] == 2 and stage.ctl('get')[0] == 0)
        self.sim.control('start')
        self.session = wait_for('a session', stage.live_session)['id']
        self.more()
        self.states = States(stage)

    def taken(self):
        """Live notifications that arrived."""
        status = self.sim.status()
        return status['sent']['live'] - status['refused']['live']

    def more(self, n=10):
        """Waits for so many more."""
        target = self.taken() + n
        wait_for(f'{n} more notifications', lambda: self.taken() >= target)

    def interferences(self):
        return self.stage.counters().get('interferences', 0)

    def waits(self, state, reason):
        """It stands in this state, for this reason, and its session waits."""
        self.states.settled(state, reason)
        expect(self.stage.live_session()['state'], 'interrupted', 'the session meanwhile')

    def streams(self):
        """It streams, and the same session runs."""
        wait_for('streaming', self.stage.streaming)
        wait_for('the session going on', lambda: (self.stage.live_session() or {}).get('state') == 'running')
        expect(self.stage.live_session()['id'], self.session, 'the session')
        self.more()
        word, when = self.sim.last
        print(f'# streams {self.states.since() - when:.2f} s after "{word}"', flush=True)
        self.states.mark()

    def kill(self):
        """needled goes without a word. What is not committed yet goes with it, and that may be the whole session where a disk is slow."""
        wait_for('a commit', lambda: committed(self.stage, self.session) > 10)
        self.stage.daemon.stop(signal.SIGKILL)
        self.stage.processes.remove(self.stage.daemon)

    def ends(self, gaps, kind='lost'):
        """The device ends it: one session, with so many gaps of the link, of this kind."""
        self.sim.control('stop')
        stored = wait_for('the stored session', self.stage.sessions)
        expect([s['id'] for s in stored], [self.session], 'sessions')
        expect(stored[0]['end_reason'], 'device', 'end reason')
        status, tape, err = self.stage.ctl('export', self.session)
        expect(status, 0, f'the export ({err})')
        link = [line.split('!')[1].strip() for line in tape.splitlines() if '!' in line and line[0].isdigit()]
        expect([word for word in link if word != 'up'], [kind] * gaps, 'what the record says of the link')
        expect(stored[0]['lost']['live'], 0, 'lost while the link was there')


def test_link_lost_with_any_reason(stage):
    use = Use(stage)
    reasons = ('08', '13', '14', '15', '16', '22', '3d', '3e')
    for reason in reasons:
        use.sim.control('advertise off')
        use.sim.control(f'drop {reason}')
        use.waits('waiting', 'away')
        use.sim.control('advertise on')
        use.streams()
    use.ends(len(reasons))
    expect(use.interferences(), 0, 'interferences')


def test_link_lost_for_a_moment(stage):
    """The device advertises all the time: it is back before anybody could ask."""
    use = Use(stage)
    use.sim.control('drop 08')
    use.states.seen('waiting', 'away')
    use.streams()
    use.ends(1)


def test_unbonded_device_lost_and_back(stage):
    """bluetoothd does not connect one without a bond, and forgets it after a while: it is searched for and connected."""
    use = Use(stage, bond=False)
    use.sim.control('advertise off')
    use.sim.control('drop 08')
    use.states.seen('waiting', 'backoff')
    wait_for('bluetoothd to forget it', lambda: device_path() not in objects(stage))
    use.sim.control('advertise on')
    use.streams()
    use.ends(1)


def test_mute_device(stage):
    """Without a supervision timeout nobody says that it is gone: the link stays, and so does the session, until it falls."""
    use = Use(stage)
    use.sim.control('mute on')
    before = use.taken()
    wait_for('values that it keeps to itself', lambda: use.sim.status()['refused']['live'] > 20)
    expect(use.taken(), before, 'what arrived')
    expect(shown(stage, 'Connected'), True, 'Connected')
    expect(use.states.all(), [], 'states')
    use.sim.control('drop 08')
    use.waits('waiting', 'away')
    use.sim.control('mute off')
    use.streams()
    use.ends(1)


def test_mute_device_at_the_start(stage):
    """It has a link and answers nothing: bluetoothd gives up the link after a while, and the device comes back when it talks again."""
    use = Use(stage)
    use.sim.control('mute on')
    use.kill()
    stage.needled()
    use.states.seen('resolving')
    use.waits('waiting', 'away')
    use.sim.control('mute off')
    use.streams()
    use.ends(1)


def bluetoothd_goes(stage, away, back=None):
    use = Use(stage)
    use.sim.control(away)
    if back:
        use.waits('waiting', 'no-bluetoothd')
        expect(stage.json('status')['bluetooth'], 'absent', 'Bluetooth')
        use.sim.control(back)
    else:
        use.states.seen('waiting', 'no-bluetoothd')
    use.streams()
    use.ends(1)


def test_bluetoothd_restarts(stage):
    bluetoothd_goes(stage, 'bluetoothd restart')


def test_bluetoothd_stops_and_starts(stage):
    bluetoothd_goes(stage, 'bluetoothd stop', 'bluetoothd start')


def test_bluetoothd_is_killed(stage):
    """As with Debian's unit it stays so until somebody starts it."""
    bluetoothd_goes(stage, 'bluetoothd kill', 'bluetoothd start')


def test_bluetoothd_crashes_and_is_started_again(stage):
    bluetoothd_goes(stage, 'restart crash')


def test_bluetoothd_is_upgraded(stage):
    """Another name on the bus, and other paths for all that it had."""
    use = Use(stage)
    before = characteristics(stage, device_path())[LIVE][0]
    use.sim.control('bluetoothd upgrade')
    use.states.seen('waiting', 'no-bluetoothd')
    use.streams()
    expect(characteristics(stage, device_path())[LIVE][0] == before, False, 'the old path')
    use.ends(1)


def test_adapter_is_switched_off_and_on(stage):
    use = Use(stage)
    use.sim.control('adapter off')
    use.waits('waiting', 'adapter-off')
    use.sim.control('adapter on')
    use.streams()
    use.ends(1)


def test_adapter_is_blocked_by_rfkill(stage):
    use = Use(stage)
    use.sim.control('rfkill block')
    use.waits('waiting', 'adapter-off')
    use.sim.control('rfkill unblock')
    use.streams()
    use.ends(1)


def test_adapter_is_unplugged_and_plugged_in(stage):
    use = Use(stage)
    use.sim.control('adapter remove')
    use.waits('waiting', 'no-adapter')
    use.sim.control('adapter add')
    use.streams()
    use.ends(1)


def test_adapter_comes_back_by_another_name(stage):
    use = Use(stage)
    for name in ('hci1', 'hci7', 'hci0'):
        use.sim.control('adapter remove')
        use.waits('waiting', 'no-adapter')
        use.sim.control(f'adapter add {name}')
        use.streams()
        expect(use.sim.status()['adapter'], name, 'the adapter')
    use.ends(3)


def test_the_other_adapter_has_no_bond(stage):
    """The device was adopted through the first: the second sees it, and is no way to it."""
    use = Use(stage, '--adapters=2', near='hci0')
    use.sim.control('near all')
    use.sim.control('adapter remove hci0')
    use.waits('waiting', 'no-adapter')
    expect(stage.json('status')['bluetooth'], 'ready', 'Bluetooth')
    stage.ctl('search', '--seconds=1', '-q')
    expect(stage.device('pen')['state_reason'], 'no-adapter', 'what it waits for')
    use.sim.control('adapter add hci0')
    use.streams()
    use.ends(1)


def test_two_adapters_change_their_names(stage):
    """What was hci0 comes back as hci1, and the other way round: the device is found by the address of its adapter."""
    use = Use(stage, '--adapters=2', near='hci0')
    use.sim.control('near all')
    use.sim.control('adapter remove hci0')
    use.waits('waiting', 'no-adapter')
    use.sim.control('adapter remove hci1')
    use.sim.control('adapter add hci1')
    use.sim.control('adapter add hci0')
    use.streams()
    expect(use.sim.status()['adapter'], 'hci1', 'the adapter')
    use.ends(1)


def test_services_are_removed_and_added_while_connected(stage):
    use = Use(stage)
    use.sim.control('services off')
    use.states.seen('resolving')
    use.sim.control('services on')
    use.streams()
    expect(shown(stage, 'Connected'), True, 'Connected')
    use.ends(1)


def test_services_move_while_connected(stage):
    """A device with other firmware tells new handles: bluetoothd has other objects for the same characteristics."""
    use = Use(stage)
    before = characteristics(stage, device_path())[LIVE][0]
    use.sim.control('services move')
    use.streams()
    after = characteristics(stage, device_path())[LIVE][0]
    expect(after == before, False, 'the old path')
    use.ends(1)


def test_services_change_while_away(stage):
    use = Use(stage)
    use.sim.control('advertise off')
    use.sim.control('drop 08')
    use.waits('waiting', 'away')
    use.sim.control('services move')
    use.sim.control('advertise on')
    use.streams()
    use.ends(1)


def test_stale_cache_of_a_bonded_device(stage):
    """bluetoothd goes by services that it remembers wrongly. Only RemoveDevice() mends that, and with it goes the bond: the owner is
    told the command that does it."""
    use = Use(stage)
    use.sim.control('cache strip')
    use.waits('refused', 'services-missing')
    wait_for('the remedy in the journal', lambda: 'needlectl adopt' in stage.daemon.text())
    use.sim.control('drop 08')
    expect(stage.ctl('adopt', 'pen')[0], 0, 'the remedy')
    use.streams()
    use.ends(1)


def test_stale_cache_of_an_unbonded_device(stage):
    """There is no bond to lose: bluetoothd's memory is cleared without asking."""
    use = Use(stage, bond=False)
    use.sim.control('cache strip')
    use.states.seen('resolving')
    use.streams()
    use.ends(1)


def bond_is_lost(stage, word):
    use = Use(stage)
    use.sim.control('advertise off')
    use.sim.control('drop 08')
    use.waits('waiting', 'away')
    use.sim.control(word)
    use.sim.control('advertise on')
    use.waits('bond-lost', 'key-missing')
    wait_for('the device let go of', lambda: not shown(stage, 'Trusted') and not shown(stage, 'Connected'))
    calls = use.sim.status()['calls']
    use.sim.control('advertise off')
    use.sim.control('advertise on')
    time.sleep(QUIET_SEC)
    expect(shown(stage, 'Trusted'), False, 'Trusted')
    expect(use.sim.status()['calls'] - calls <= 2, True, 'nothing is tried by itself')
    wait_for('the remedy in the journal', lambda: 'needlectl adopt' in stage.daemon.text())
    status, _, err = stage.ctl('connect', 'pen')
    expect(status != 0 and 'needlectl adopt' in err, True, f'connect says what to do ({status}, {err})')
    expect(stage.ctl('adopt', 'pen')[0], 0, 'the remedy')
    use.streams()
    use.ends(1)


def test_bond_lost_on_the_device(stage):
    bond_is_lost(stage, 'bond lost')


def test_bond_lost_on_the_device_that_says_so(stage):
    bond_is_lost(stage, 'bond lost authentication')


def test_bond_removed_from_bluetoothd(stage):
    """Somebody else removed the device: what bluetoothd would find again is a stranger."""
    use = Use(stage)
    use.sim.control('advertise off')
    call(stage, '/org/bluez/hci0', 'org.bluez.Adapter1', 'RemoveDevice', 'o', device_path())
    use.waits('bond-lost', 'key-missing')
    use.sim.control('advertise on')
    expect(stage.ctl('adopt', 'pen')[0], 0, 'the remedy')
    use.streams()
    use.ends(1)


def test_another_device_behind_the_address(stage):
    """Its serial number is not the one that was adopted: nothing of it goes into the session."""
    use = Use(stage)
    use.sim.control('advertise off')
    use.sim.control('drop 08')
    use.waits('waiting', 'away')
    use.sim.control('serial P999999')
    use.sim.control('advertise on')
    use.waits('refused', 'identity-changed')
    expect(shown(stage, 'Trusted'), False, 'Trusted')
    wait_for('the device let go of', lambda: not shown(stage, 'Connected'))
    expect(stage.device()['serial'], 'P000001', 'the serial number that is remembered')
    status, _, err = stage.ctl('connect', 'pen')
    expect(status, 1, f'connected by hand ({err})')
    expect('needlectl adopt' in err, True, f'what to do: {err}')
    expect(stage.device()['state'], 'refused', 'state after that')
    use.sim.control('serial P000001')
    expect(stage.ctl('adopt', 'pen')[0], 0, 'the remedy')
    use.streams()
    use.ends(2)


def test_another_client_stops_the_notifications(stage):
    """StopNotify from anybody destroys our socket in BlueZ 5.66."""
    use = Use(stage)
    call(stage, characteristics(stage, device_path())[LIVE][0], CHARACTERISTIC, 'StopNotify')
    wait_for('the interference counted', lambda: use.interferences() == 1)
    use.streams()
    expect(shown(stage, 'Connected'), True, 'Connected')
    use.ends(1)
    expect(stage.daemon.text().count('Another program of this computer'), 1, 'said once')


def test_another_client_disconnects_the_device(stage):
    """Known by the services that end in a signal of their own before the link. Without --fast: with the time that bluetoothd takes over it."""
    use = Use(stage, fast=False)
    use.sim.control('advertise off')
    call(stage, device_path(), DEVICE, 'Disconnect')
    use.waits('waiting', 'disconnected-by-other')
    expect(use.interferences(), 1, 'interferences')
    use.sim.control('advertise on')
    use.streams()
    use.ends(1)


def notifications_are_held(stage, how):
    """needled was away for a moment, and another client has all that it had."""
    use = Use(stage)
    use.kill()
    others = [hold(stage, how, uuid) for uuid in STREAMS]
    expect({other.text() for other in others}, {'held\n'}, 'the other client')
    stage.needled()
    use.waits('waiting', 'notifications-held')
    for other in others:
        other.stop()
    use.streams()
    use.ends(1)


def test_another_client_has_the_socket(stage):
    notifications_are_held(stage, 'AcquireNotify')


def test_another_client_has_the_broadcast(stage):
    notifications_are_held(stage, 'StartNotify')


def test_eatt_reorders_and_nothing_is_lost(stage):
    """With Channels = 3 in main.conf notifications overtake each other, in blocks."""
    use = Use(stage)
    use.sim.control('eatt 21')
    use.more(200)
    counters = stage.counters()
    at_least(counters['late'], 60, 'late')
    use.sim.control('eatt off')
    use.more()
    expect(stage.counters()['lost'], 0, 'lost')
    expect(use.states.all(), [], 'states')
    use.ends(0)
    at_least(stage.sessions()[0]['late']['live'], 60, 'late in the record')
    expect(stage.sessions()[0]['gaps'], 0, 'gaps in the record')


def sleeps(stage, during=None):
    login = stage.login()
    use = Use(stage)
    wait_for('the inhibitor', lambda: login.last() == 'inhibited 1')
    login.say('sleep')
    use.waits('waiting', 'suspended')
    wait_for('the computer free to sleep', lambda: login.last() == 'free 0')
    if during:
        during(use)
    login.say('wake')
    use.streams()
    wait_for('the inhibitor anew', lambda: login.last() == 'inhibited 1')
    use.ends(1, 'suspended')


def test_suspend_and_resume(stage):
    """The link survives it here: bluetoothd notices nothing."""
    sleeps(stage)


def test_the_link_does_not_survive_the_suspend(stage):
    sleeps(stage, lambda use: use.sim.control('drop 08'))


def test_the_adapter_comes_late_after_the_resume(stage):
    def unplugged(use):
        use.sim.control('adapter remove')
        use.sim.control('adapter add hci1')
    sleeps(stage, unplugged)
