# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the journal tells, with its fields and its explanations, to whom, and how needlectl shows it."""

import json

import journal
import lib
import product

NEEDS_PRODUCT = True
LONG = ('test_each_event_is_explained', 'test_figures_when_they_are_allowed')

PEOPLE = {'stranger': [], 'member': ['systemd-journal'], 'admin': ['adm']}


def add_people(guest):
    for name, groups in PEOPLE.items():
        guest.check(f'useradd --no-create-home --shell /bin/sh {name}\n' +
                    '\n'.join(f'usermod -aG {group} {name}' for group in groups))


def test_each_event_is_explained(guest):
    """A procedure in which much happens, and what the journal says of it."""
    add_people(guest)
    guest.check('install -d /etc/needled/needled.conf.d /etc/needled/profiles.d\n'
                "printf '[Session]\\nTimeLimit=1\\nWindow=soon\\n[Limits]\\nOverpressure=100\\nZoneHigh=50\\nZoneLow=10\\n"
                "[Bluetooth]\\nSetParameters=no\\n' >/etc/needled/needled.conf.d/10-test.conf\n"
                'echo nonsense >/etc/needled/profiles.d/bad.mnprofile\n'
                f'install -d -o needled -g needled -m 700 {product.STATE_DIRECTORY} {product.DATABASE}\n'
                'systemctl start needled')
    for name in ('CONFIG_INVALID', 'PROFILE_REJECTED', 'STORAGE_DEGRADED', 'BLUETOOTH_CHANGED'):
        journal.check(guest, name)
    guest.check(f'rmdir {product.DATABASE}')
    journal.check(guest, 'STORAGE_RECOVERED')

    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=50')
    product.adopt(guest)
    session = product.begin(guest, sim)
    for name in ('DEVICE_ADOPTED', 'DEVICE_CONNECTED', 'SESSION_STARTED', 'OVERPRESSURE', 'TIME_LIMIT'):
        journal.check(guest, name, session)
    status, _, errors = product.ctl(guest, 'release', '--seconds=600')
    assert status == 0, errors
    journal.check(guest, 'SESSION_INTERRUPTED', session)
    journal.check(guest, 'DEVICE_RELEASED')
    status, _, errors = product.ctl(guest, 'connect')
    assert status == 0, errors
    product.goes_on(guest, session)
    for name in ('DEVICE_TAKEN_BACK', 'SESSION_RESUMED'):
        journal.check(guest, name, session)
    lib.sleep(guest)
    product.goes_on(guest, session)
    for name in ('SUSPENDED', 'RESUMED'):
        journal.check(guest, name)
    sim.control('stop')
    product.stored(guest)
    journal.check(guest, 'SESSION_FINISHED', session)
    journal.check(guest, 'REST_NOT_OVER', product.begin(guest, sim))
    sim.control('stop')
    product.stored(guest, 2)
    sim.stop('KILL')
    journal.check(guest, 'DEVICE_LOST')
    assert not journal.entries(guest, 'JOURNAL_LIMITED')

    # The same by needlectl, for whoever may.
    told = [e['MESSAGE'] for e in journal.entries(guest)]
    status, out, errors = product.ctl(guest, 'log')
    assert status == 0 and all(message in out for message in told), (status, errors)
    of_session = journal.entries(guest, NEEDLED_SESSION=session['id'])
    for user in (None, 'member', 'admin'):
        status, out, errors = product.ctl(guest, 'log', session['id'], '--json', user=user)
        lines = [json.loads(line) for line in out.splitlines()]
        assert status == 0 and [line['MESSAGE'] for line in lines] == [e['MESSAGE'] for e in of_session], (user, out, errors)
    status, out, errors = product.ctl(guest, 'log', session['id'], '--explain', user='member')
    assert status == 0 and journal.CATALOG['SESSION_FINISHED']['subject'] in out, (out, errors)
    status, out, errors = product.ctl(guest, 'log', '--limit=1')
    now = [e['MESSAGE'] for e in journal.entries(guest)]        # who is gone may be sought meanwhile
    assert status == 0 and any(message in out for message in now[len(told) - 1:]) and told[0] not in out, out
    for words in ([], [session['id']], ['--follow']):
        status, out, errors = product.ctl(guest, 'log', *words, user='stranger')
        assert status == 4 and not out and 'systemd-journal' in errors and 'adm' in errors, (status, out, errors)
    status, out, errors = product.ctl(guest, 'log', session['id'] + 1000)
    assert status == 3 and not out and 'nothing of session' in errors, (status, out, errors)
    status, out, errors = product.ctl(guest, 'log', '--since=2099-01-01')
    assert status == 2 and not out, (status, out, errors)
    assert product.ctl(guest, 'log', 'yesterday')[0] == 64
    guest.run('timeout 20 sh -c "needlectl log --follow >/run/follow & sleep 1; systemctl stop needled; '
              'until grep -q Stopped /run/follow; do sleep 0.2; done; kill \\$!"')
    assert 'Stopped' in guest.check('cat /run/follow')


def test_a_device_that_causes_too_much_is_cut_short(guest):
    """That is said once, and the end of a session is written all the same."""
    sim = product.begin_with(guest, product.BONDED)
    guest.check('for i in {1..15}; do needlectl release pen -q && needlectl connect pen -q || exit 1; done')
    journal.check(guest, 'JOURNAL_LIMITED')
    told = journal.entries(guest, NEEDLED_DEVICE='pen')
    assert 20 < len(told) < 30, [e['MESSAGE'] for e in told]
    lib.wait_for('streaming device', lambda: product.streaming(guest), product.LINK_SEC)
    session = product.begin(guest, sim)
    sim.control('stop')
    product.stored(guest)
    journal.check(guest, 'SESSION_FINISHED', session)
    assert len(journal.entries(guest, 'JOURNAL_LIMITED')) == 1


def test_figures_when_they_are_allowed(guest):
    guest.check("install -d /etc/needled; printf '[Journal]\\nJournalFigures=yes\\n' >/etc/needled/needled.conf\nsystemctl start needled")
    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=50')
    product.adopt(guest)
    product.begin(guest, sim)
    sim.control('stop')
    kept = product.stored(guest)
    entry, = journal.entries(guest, 'SESSION_FINISHED')
    assert entry['NEEDLED_FIGURE_STROKES'] == str(kept['strokes']), (entry, kept)
    assert entry['NEEDLED_FIGURE_FORCE_PEAK'] == str(kept['force_peak']), (entry, kept)
    assert 'strokes' not in entry['MESSAGE']
    others = [e for e in journal.entries(guest) if e.get('MESSAGE_ID') != journal.id_of('SESSION_FINISHED')]
    assert not [name for e in others for name in e if name.startswith('NEEDLED_FIGURE')]
