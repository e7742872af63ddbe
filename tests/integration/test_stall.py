# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real dbus-daemon takes nothing more from needled, since somebody does not read what it subscribed to: after 30 s the connection is
opened again. The limits are those of a system bus, both the same, but smaller. A test waits for those 30 s, and does nothing meanwhile."""
import re
import time

from caller import Client
from printed import ROOT
from stage import expect, wait_for
from test_crowd import none_lost
from wire import BUS, ERROR, NAME, RETURN

BUS_LIMITS = '<limit name="max_incoming_bytes">65536</limit><limit name="max_outgoing_bytes">65536</limit>'
AT_ONCE = 200
STALLED = 'the connection is opened again'


def stop_reading(stage):
    """Somebody who subscribes to everything and never reads."""
    deaf = Client(stage.dir / 'bus')
    expect(deaf.ask_bus('AddMatch', 's', f"type='signal',sender='{NAME}'").type, RETURN, 'the subscription')
    return deaf


def wedge(stage, client, device):
    """Changes the alias, which is told, until the bus takes nothing more. Returns the last alias, and what the bus says to who has asked."""
    alias, batch, began = '', 0, time.monotonic()
    while True:
        batch += 1
        for n in range(AT_ONCE):
            alias = f'pen {batch}.{n} ' + 'x' * 40
            client.call('SetAlias', 'org.needled.Device1', 's', alias, path=device, answer=False)
        serial = client.call('GetInfo', 'org.needled.Device1', '', path=device)
        answer = wait_for('an answer', lambda s=serial: client.poll(s), 300)
        if answer.type == ERROR:
            print(f'# {batch * (AT_ONCE + 1)} calls until the bus took nothing more; {time.monotonic() - began:.0f} s until they were given up')
            return alias, answer.error


def test_a_subscriber_stops_reading(stage):
    sim = stage.sim('--kind=pen', '--live-period=20')
    stage.needled()
    device = stage.adopt()['path']
    sim.control('start')
    wait_for('a session', stage.live_session)
    follower = stage.start('follower', ['/usr/bin/python3', '-u', ROOT / 'docs' / 'examples' / 'follow.py'])
    wait_for('records', follower.text)
    client, deaf = Client(stage.dir / 'bus'), stop_reading(stage)
    owner = client.ask_bus('GetNameOwner', 's', NAME).body[0]

    alias, error = wedge(stage, client, device)
    # Who asked meanwhile is told by the bus that no answer comes, and finds everything at the next call.
    expect(error, f'{BUS}.Error.NoReply', 'the answer to who asked meanwhile')
    wait_for('a word in the journal', lambda: STALLED in stage.daemon.text())
    wait_for('the name', lambda: client.ask_bus('GetNameOwner', 's', NAME).body[0] != owner)
    expect(stage.device(alias)['path'], device, 'the device as a new client sees it')
    session = stage.live_session()
    expect(session['state'], 'running', 'the session')
    seen = len(follower.text().splitlines())
    wait_for('records that go on', lambda: len(follower.text().splitlines()) > seen + 20)

    # The deaf one is still there, and harms nobody any more: its share of the bus is used up.
    for _ in range(10 * AT_ONCE):
        client.call('SetAlias', 'org.needled.Device1', 's', 'pen', path=device, answer=False)
    expect(client.answer(client.call('GetInfo', 'org.needled.Device1', '', path=device)).type, RETURN, 'the answer afterwards')
    expect(stage.daemon.text().count(STALLED), 1, 'connections that were opened again')
    sim.control('stop')
    wait_for('the end of the session', lambda: not stage.live_session())
    wait_for('the end of the stream', lambda: not follower.running())
    expect(re.findall('gap|missed|broke', follower.text()), [], 'what the stream lacks')
    none_lost(stage, sim)
    deaf.close()
    client.close()
