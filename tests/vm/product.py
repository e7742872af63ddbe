# SPDX-License-Identifier: LGPL-2.1-or-later
"""The installed service in the guest, and the device in software on the second controller."""

import json
import shlex

import lib
import scenes

SERVICE = 'org.needled'
ROOT = '/org/needled'
MANAGER = 'org.needled.Manager1'
DEVICE = 'org.needled.Device1'
SESSION = 'org.needled.Session1'
HISTORY = 'org.needled.History1'
STATE_DIRECTORY = '/var/lib/needled'
DATABASE = f'{STATE_DIRECTORY}/needled.db'
PUBLIC_ADDRESS = '00:AA:01:01:00:01'    # of hci1

# Where needlesim sits: on bluetoothd's GATT server, which bonds, or on a user channel, which cannot.
BONDED, UNBONDED = ('--bluez', 'hci1'), ('--hci', '1')
LONG_PROCEDURE = '--procedure=3600'
SCENES = {(BONDED, ()): 'bonded', (BONDED, (LONG_PROCEDURE,)): 'bonded-long', (UNBONDED, ()): 'unbonded', (UNBONDED, (LONG_PROCEDURE,)): 'unbonded-long'}

# Connect() to a device that is not there takes bluetoothd 40 s, and one such may precede a success.
LINK_SEC = 150


def ctl(guest, *words, user=None, timeout=180):
    """Run needlectl. Returns (status, stdout, stderr)."""
    command = shlex.join(['needlectl', *map(str, words)])
    if user:
        command = f'runuser -u {user} -- {command}'
    status, output = guest.run(f'{command} 2>/run/needlectl.errors; status=$?\n'
                               'printf "\\n\\001%s" "$(</run/needlectl.errors)"; exit $status', timeout)
    out, _, errors = output.partition('\n\001')
    return status, out, errors


def query(guest, *words):
    """What needlectl says with --json."""
    status, out, errors = ctl(guest, *words, '--json')
    assert status == 0, f'needlectl {" ".join(map(str, words))}: status {status}: {errors}'
    return json.loads(out)


def device(guest, name='pen'):
    """The device of this alias or address, or None."""
    devices = query(guest, 'devices')['devices']
    return next((d for d in devices if name in (d.get('alias'), d['address'])), None)


def streaming(guest, name='pen'):
    found = device(guest, name)
    return found if found and found['state'] == 'streaming' else None


def live_session(guest):
    """The one that is not over yet, or None."""
    return next((s for s in query(guest, 'status')['sessions'] if s['state'] != 'finished'), None)


def figures(guest):
    """Of the live session; empty if there is none."""
    session = live_session(guest)
    return query(guest, 'show', session['id']) if session else {}


def sessions(guest):
    return query(guest, 'sessions')['sessions']


def find(guest, address=PUBLIC_ADDRESS):
    """Search until the device is found."""
    def look():
        ctl(guest, 'search', '--seconds=2', '-q')
        return device(guest, address)
    return lib.wait_for('found device', look)


def adopt(guest, *options, address=PUBLIC_ADDRESS):
    """From the search to the first stream. Returns the device."""
    find(guest, address)
    status, _, errors = ctl(guest, 'adopt', address, '--alias=pen', *options)
    assert status == 0, f'adopt: status {status}: {errors}'
    return lib.wait_for('streaming device', lambda: streaming(guest), LINK_SEC)


def begin_with(guest, carrier, *options, address=PUBLIC_ADDRESS):
    """The service, and a device that streams: BONDED, or UNBONDED. Returns needlesim."""
    def make(guest):
        guest.check('systemctl start needled')
        Sim(guest, *carrier, '--seed=3', '--live-period=50', *options)
        adopt(guest, *([] if carrier == BONDED else ['--allow-unbonded']), address=address)

    name = SCENES.get((carrier, options))
    if name and address == PUBLIC_ADDRESS:
        scenes.enter(guest, name, make)
    else:
        make(guest)
    found = device(guest, address)
    assert found['adopted'] is True and found['bonded'] is (carrier == BONDED), found
    return Sim(guest, start=False)


def begin(guest, sim, strokes=50):
    """Press the device's button, and use it for a while. Returns the session."""
    sim.control('start')
    session = lib.wait_for('session', lambda: live_session(guest))
    use(guest, strokes)
    return session


def use(guest, strokes):
    """Wait until the session has so many strokes. Returns its figures."""
    def look():
        now = figures(guest)
        return now if now.get('strokes', 0) >= strokes else None
    return lib.wait_for(f'{strokes} strokes', look)


def stored(guest, count=1):
    """Wait for so many sessions to be stored; more are an error. Returns the newest."""
    found = lib.wait_for(f'{count} stored sessions', lambda: len(s := sessions(guest)) >= count and s)
    assert len(found) == count, found
    return found[0]


def counters(guest):
    path = device(guest)['path']
    return lib.call(guest, SERVICE, path, DEVICE, 'GetCounters')[0]


def rows(guest, statement):
    """Rows of the database, read beside the service."""
    output = guest.check(shlex.join(['sqlite3', '-readonly', '-json', DATABASE, statement])).strip()
    return json.loads(output) if output else []


def interrupted(guest, session):
    now = live_session(guest)
    return now and now['id'] == session['id'] and now['state'] == 'interrupted'


def goes_on(guest, session, strokes=50):
    """Wait until the same session runs on a link that streams, and is used on."""
    def look():
        now = live_session(guest)
        assert now is None or now['id'] == session['id'], f'another session: {now}'
        return now if now and now['state'] == 'running' and streaming(guest) else None
    try:
        lib.wait_for('session to go on', look, LINK_SEC)
    except AssertionError as e:
        raise AssertionError(f'{e}; the device: {device(guest)}') from e
    use(guest, figures(guest)['strokes'] + strokes)


def finish(guest, sim, session, gaps=(1, 1)):
    """The device ends the procedure. Returns the one session, which must be whole, with so many gaps (from, to)."""
    sim.control('stop')
    kept = stored(guest)
    assert (kept['id'], kept['end_reason']) == (session['id'], 'device'), kept
    assert gaps[0] <= kept['gaps'] <= gaps[1] and (kept['gap_time'] > 0) == (kept['gaps'] > 0), kept
    return kept


class States:
    """What State and StateReason of the device have been, as the service has signalled them: nothing between two looks is missed."""

    MATCH = "type='signal',sender='org.needled',member='PropertiesChanged',arg0='org.needled.Device1'"

    def __init__(self, guest, name='pen'):
        self._guest, self._path = guest, device(guest, name)['path']
        self._unit = f'states-{name}'
        self._output, self._before = f'/run/{self._unit}.json', 0
        lib.start(guest, self._unit, 'bash', '-c',
                  f'exec busctl monitor --json=short --match="{self.MATCH}" >{self._output}')
        lib.wait_for('monitor', lambda: 'Monitoring' in guest.run(f'journalctl -b -u {self._unit} --no-pager')[1])

    def _changes(self):
        messages = [json.loads(line) for line in self._guest.check(f'grep "^{{" {self._output} || [ $? -eq 1 ]').splitlines()]
        return [lib.plain(message['payload']['data'])[1] for message in messages if message['path'] == self._path]

    def retries(self):
        """[(RetryAt, StateSince)] of the changes that set both."""
        return [(changed['RetryAt'], changed['StateSince']) for changed in self._changes() if changed.get('RetryAt') and 'StateSince' in changed]

    def _all(self):
        state, reason, seen = None, '', []
        for changed in self._changes():
            if not {'State', 'StateReason'} & set(changed):
                continue
            state, reason = changed.get('State', state), changed.get('StateReason', reason)
            seen.append((state, reason))
        return seen

    def seen(self):
        """[(state, reason)] since the last forget(), back() or the beginning."""
        return self._all()[self._before:]

    def forget(self):
        self._before = len(self._all())

    def wait_for(self, state, reason=None, timeout=LINK_SEC):
        """Until the device has been so since forget(). Returns all that it has been."""
        def look():
            seen = self.seen()
            return seen if any(s == state and reason in (None, r) for s, r in seen) else None
        try:
            return lib.wait_for(f'{state}/{reason}', look, timeout)
        except AssertionError as e:
            raise AssertionError(f'{e}; it was {self.seen()}') from e

    def back(self, *between, timeout=LINK_SEC):
        """Until it has been away and streams again. Returns what it has been, each of `between` among that."""
        def look():
            seen = self.seen()
            return seen if len(seen) > 1 and seen[-1][0] == 'streaming' and set(between) <= set(seen) else None
        try:
            seen = lib.wait_for('device to come back', look, timeout)
        except AssertionError as e:
            raise AssertionError(f'{e}; it was {self.seen()}, and {between} should be among that') from e
        self.forget()
        return seen


class Sim:
    """needlesim as a unit of the guest, with its control lines. Without `start` it is there already."""

    def __init__(self, guest, *options, unit='needlesim', start=True):
        self._guest, self._unit = guest, unit
        self._control, self._output = f'/run/{unit}.control', f'/run/{unit}.output'
        if not start:
            return
        # Opened for reading and writing, the pipe has no end while needlesim lives.
        command = (f'exec needlesim --control --report {shlex.join(options)} '
                   f'<>{self._control} >{self._output}')
        guest.check(f'rm -f {self._control} {self._output}; mkfifo {self._control}')
        lib.start(guest, unit, 'bash', '-c', command, properties=['CPUSchedulingPolicy=rr'])    # as a device's own processor
        lib.wait_for('needlesim', lambda: 'ready' in guest.run(f'echo "$(<{self._output})"')[1])

    def control(self, line, when=None):
        """Say a control line; with a script, as soon as that succeeds in the guest: from here it may be too late on a busy host. Returns the
        answer; an AssertionError if it is none or an error."""
        output = self._guest.check(
            f'until {when or "true"}; do sleep 0.05; done\n'
            f'mapfile -t before <{self._output}; echo {shlex.quote(line)} 1<>{self._control}\n'
            f'for i in {{1..600}}; do\n'
            f'        mapfile -t now <{self._output}; [ "${{#now[@]}}" -gt "${{#before[@]}}" ] && break; sleep 0.05\n'
            'done; printf "%s\n" "${now[@]:${#before[@]}}"', LINK_SEC if when else lib.PATIENCE_SEC)
        answer = output.splitlines()[0] if output.strip() else 'no answer'
        assert answer.startswith('ok'), f'needlesim: {line}: {answer}'
        return answer[2:].strip()

    def status(self):
        return json.loads(self.control('status'))

    def stop(self, how='TERM'):
        """End the process, which disconnects first unless it is killed."""
        self._guest.check(f'systemctl kill --signal={how} {self._unit}\n'
                          f'while systemctl is-active --quiet {self._unit}; do sleep 0.1; done')
