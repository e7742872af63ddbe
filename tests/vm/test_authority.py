# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may do what, with the real polkitd: people who do not own it, and an agent that shows them a dialog."""

import lib
import people
import product
from people import INTERACTIVE, LIMIT_REACHED, NOT_AUTHORIZED, NOT_FOUND, asks, does, step

NEEDS_PRODUCT = True
LONG = ('test_dialogs_are_bounded_and_end_with_their_caller', 'test_without_polkit')

READ, CONTROL, ERASE = 'org.needled.read-others', 'org.needled.control-others', 'org.needled.erase-others'
CHECKS_MAX = 8


def agent(*answers):
    return {'agent': answers}


def record(guest, method, number, *more, **how):
    """A call about the record of that number."""
    return step(product.ROOT, product.HISTORY, method, f'({", ".join([f"uint64 {number}", *more])}{"" if more else ","})', **how)


def refused(result, error, *actions):
    """With that error, after dialogs about these actions."""
    assert (result.get('error'), [d['action'] for d in result['dialogs']]) == (error, [*actions]), result
    return result['message']


def allowed(result, *actions):
    """With a reply, after dialogs about these actions. Returns it."""
    assert 'reply' in result and [d['action'] for d in result['dialogs']] == [*actions], result
    return result['reply']


def test_people_who_do_not_own_it(guest):
    """alice sits at the machine and adopts, which needs no password there; bob needs carol's for whatever is alice's."""
    people.add(guest)
    guest.check('systemctl start needled')
    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=50')
    search = step(product.ROOT, product.MANAGER, 'Search', '(@a{sv} {},)')
    result, = does(guest, 'alice', search)
    refused(result, INTERACTIVE)        # not logged in
    pen = people.adopts(guest, 'alice')
    assert pen['owner'] == people.uid(guest, 'alice'), pen
    session = product.begin(guest, sim)
    path = people.session_path(session)
    check_live(guest, pen['path'], path)
    sim.control('stop')
    check_stored(guest, product.stored(guest)['id'])


def check_live(guest, device, session):
    figures, stage = step(session, product.SESSION, 'GetFigures'), step(session, product.SESSION, 'SetStage', "('needling',)")
    with_time = {'interactive': True}
    results = does(
        guest, 'bob', figures, {**figures, **with_time},
        agent(None), {**figures, **with_time},
        agent('wrong'), {**figures, **with_time},
        agent(people.PASSWORD), {**figures, **with_time}, figures, step(device, product.DEVICE, 'GetCounters'),
        agent(None), {**stage, **with_time},
        agent(people.PASSWORD), {**stage, **with_time}, step(session, product.SESSION, 'Mark', "('here',)"),
        agent(None), asks(session, product.SESSION, 'Discard'),
        step(device, product.DEVICE, 'SetOwner', f'(uint32 {people.uid(guest, "bob")},)', **with_time))
    results = [r for r in results if r]
    message = refused(results.pop(0), INTERACTIVE)
    assert READ in message and 'interactive' in message, message
    refused(results.pop(0), NOT_AUTHORIZED)             # there is no agent
    refused(results.pop(0), NOT_AUTHORIZED, READ)       # dismissed
    refused(results.pop(0), NOT_AUTHORIZED, READ)       # a wrong password
    assert allowed(results.pop(0), READ)[0]['strokes'] >= 50
    assert allowed(results.pop(0))[0]['strokes'] >= 50  # kept, and no time for a dialog is needed
    assert allowed(results.pop(0))[0]['received'] > 0
    refused(results.pop(0), NOT_AUTHORIZED, CONTROL)    # another right
    allowed(results.pop(0), CONTROL)
    allowed(results.pop(0))
    refused(results.pop(0), NOT_AUTHORIZED, ERASE)
    refused(results.pop(0), NOT_AUTHORIZED)             # for the owner and root alone: nobody is asked
    assert not results
    # What was kept is that process's; alice needs nothing; and nothing has happened that was refused.
    refused(does(guest, 'bob', figures)[0], INTERACTIVE)
    allowed(does(guest, 'alice', figures)[0])
    assert product.live_session(guest)['stage'] == 'needling'


def check_stored(guest, number):
    """Who may not see it is not told that it exists, and the dialog comes for one that does not, too."""
    get, export = record(guest, 'Get', number), record(guest, 'Export', number, "'csv'", '@a{sv} {}')
    results = does(guest, 'bob', get, record(guest, 'Get', number + 1), agent(None, None, None), {**get, 'interactive': True},
                   record(guest, 'Get', number + 1, interactive=True), {**export, 'interactive': True},
                   agent(people.PASSWORD), {**get, 'interactive': True}, get,
                   agent(people.PASSWORD, people.PASSWORD), record(guest, 'Delete', number, interactive=True),
                   record(guest, 'Delete', number, interactive=True))
    results = [r for r in results if r]
    assert refused(results.pop(0), NOT_FOUND).replace(str(number), '') == refused(results.pop(0), NOT_FOUND).replace(str(number + 1), '')
    for _ in range(3):
        refused(results.pop(0), NOT_FOUND, READ)
    assert allowed(results.pop(0), READ)[0]['strokes'] > 50
    allowed(results.pop(0))
    assert product.sessions(guest) == [], 'deleted by the first of the two'
    allowed(results.pop(0), ERASE)
    refused(results.pop(0), NOT_FOUND, ERASE)           # asked again each time
    assert not results


def test_dialogs_are_bounded_and_end_with_their_caller(guest):
    people.add(guest)
    guest.check('systemctl start needled')
    get = record(guest, 'Get', 1)
    hold = agent(*['hold'] * CHECKS_MAX)
    full = [hold, {**get, 'interactive': True, 'open': CHECKS_MAX}, {**get, 'interactive': True}, {'leave': True}]
    results = does(guest, 'bob', *full * 3, agent(None), {**get, 'interactive': True})
    for _ in range(3):
        assert results[1] == {'open': CHECKS_MAX}, results
        message = refused(results[2], LIMIT_REACHED)
        assert 'polkit' in message, message
        assert results[3] == {'open': 0}, 'polkitd has taken the dialogs back'
        del results[:4]
    refused(results[1], NOT_FOUND, READ)
    # Others have questions of their own.
    does(guest, 'bob', hold, {**get, 'interactive': True, 'open': CHECKS_MAX}, {'stay': True}, unit='bob')
    lib.wait_for('dialogs of bob', lambda: len(lib.output_of(guest, 'bob')) == 2)
    refused(does(guest, 'carol', agent(None), {**get, 'interactive': True})[1], NOT_FOUND, READ)
    # polkitd dies under the dialogs: each is answered, and it is asked again when it is back.
    guest.check('systemctl kill --signal=KILL polkit')
    again = does(guest, 'bob', hold, {**get, 'interactive': True, 'open': CHECKS_MAX}, {'leave': True}, agent(None), {**get, 'interactive': True})
    assert again[1] == {'open': CHECKS_MAX}, again      # all eight places are free
    refused(again[4], NOT_FOUND, READ)


def test_without_polkit(guest):
    people.add(guest)
    guest.check('systemctl start needled')
    search = step(product.ROOT, product.MANAGER, 'Search', '(@a{sv} {},)')

    def nobody_asks(which):
        message = refused(does(guest, 'bob', {**search, 'interactive': True})[0], NOT_AUTHORIZED)
        assert 'polkit' in message and which in message and message.endswith('.'), message
        allowed(does(guest, 'root', search, step(product.ROOT, product.MANAGER, 'StopSearch'))[0])
        owned = does(guest, 'alice', step(product.ROOT, product.HISTORY, 'List', '(@a{sv} {},)'))[0]
        assert allowed(owned) == [[]], owned

    # One that is stopped while the bus waits for its start keeps the bus waiting: it is let come up first.
    guest.check('systemctl start polkit; systemctl stop polkit')
    refused(does(guest, 'bob', search)[0], INTERACTIVE)         # the call starts it again
    guest.check('systemctl mask --now polkit')
    nobody_asks('not installed')
    guest.check('systemctl unmask polkit; systemctl start polkit')
    refused(does(guest, 'bob', search)[0], INTERACTIVE)
    guest.check('systemctl stop polkit; rm /usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service; busctl call '
                'org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig')
    nobody_asks('not installed')
