# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the journal tells, with its fields and its explanations, to whom, and how needlectl shows it."""

import json
import pathlib
import re
import sys

import lib
import product

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'docs' / 'man'))
import events                                           # noqa: E402

NEEDS_PRODUCT = True
LONG = ('test_each_event_is_explained', 'test_figures_when_they_are_allowed')

ROOT = pathlib.Path(__file__).resolve().parents[2]
CATALOG = {event['name']: event for event in events.read(ROOT / 'systemd' / 'needled.catalog.in')}
PEOPLE = {'stranger': [], 'member': ['systemd-journal'], 'admin': ['adm']}


def wait_for_event(guest, name, **fields):
    return lib.wait_for(name, lambda: product.entries(guest, CATALOG[name]['id'], **fields))


def check_event(guest, name, session=None):
    """The entries of an event are as the catalog says, and journalctl -x explains them."""
    event = CATALOG[name]
    for entry in wait_for_event(guest, name):
        assert entry['SYSLOG_IDENTIFIER'] == 'needled' and entry['_SYSTEMD_UNIT'] == 'needled.service', entry
        assert int(entry['PRIORITY']) in [events.LEVELS[level] for level in event['levels']], entry
        assert all(entry.get(field) for field in event['fields']), (name, entry)
        assert not [field for field in entry if field.startswith('NEEDLED_FIGURE')], entry
        if 'NEEDLED_DEVICE' in event['fields']:
            assert entry['NEEDLED_DEVICE'] in ('pen', product.PUBLIC_ADDRESS), entry
        if 'NEEDLED_SESSION' in event['fields']:
            assert entry['NEEDLED_SESSION'] == str(session['id']), entry
    explained = guest.check(f'journalctl -t needled -x --no-pager MESSAGE_ID={event["id"]}')
    assert f'Subject: {event["subject"]}' in explained and 'Documentation: man:needled-events(7)' in explained, explained
    text = ' '.join(re.sub(r'^(░░|--) ?', '', line) for line in explained.splitlines())
    wanted = ' '.join(' '.join([*event['happened'], event['remedy']]).split()).replace('@libexecdir@', '/usr/libexec')
    for field in event['fields']:
        wanted = wanted.replace(f'@{field}@', entry[field])
    assert wanted in ' '.join(text.split()), (wanted, text)


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
        check_event(guest, name)
    guest.check(f'rmdir {product.DATABASE}')
    check_event(guest, 'STORAGE_RECOVERED')

    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=50')
    product.adopt(guest)
    session = product.begin(guest, sim)
    for name in ('DEVICE_ADOPTED', 'DEVICE_CONNECTED', 'SESSION_STARTED', 'OVERPRESSURE', 'TIME_LIMIT'):
        check_event(guest, name, session)
    status, _, errors = product.ctl(guest, 'release', '--seconds=600')
    assert status == 0, errors
    check_event(guest, 'SESSION_INTERRUPTED', session)
    check_event(guest, 'DEVICE_RELEASED')
    status, _, errors = product.ctl(guest, 'connect')
    assert status == 0, errors
    product.goes_on(guest, session)
    for name in ('DEVICE_TAKEN_BACK', 'SESSION_RESUMED'):
        check_event(guest, name, session)
    lib.sleep(guest)
    product.goes_on(guest, session)
    for name in ('SUSPENDED', 'RESUMED'):
        check_event(guest, name)
    sim.control('stop')
    product.stored(guest)
    check_event(guest, 'SESSION_FINISHED', session)
    sim.stop('KILL')
    check_event(guest, 'DEVICE_LOST')
    assert not product.entries(guest, CATALOG['JOURNAL_LIMITED']['id'])

    # The same by needlectl, for whoever may.
    told = [e['MESSAGE'] for e in product.entries(guest)]
    status, out, errors = product.ctl(guest, 'log')
    assert status == 0 and all(message in out for message in told), (status, errors)
    of_session = product.entries(guest, NEEDLED_SESSION=session['id'])
    for user in (None, 'member', 'admin'):
        status, out, errors = product.ctl(guest, 'log', session['id'], '--json', user=user)
        lines = [json.loads(line) for line in out.splitlines()]
        assert status == 0 and [line['MESSAGE'] for line in lines] == [e['MESSAGE'] for e in of_session], (user, out, errors)
    status, out, errors = product.ctl(guest, 'log', session['id'], '--explain', user='member')
    assert status == 0 and CATALOG['SESSION_FINISHED']['subject'] in out, (out, errors)
    status, out, errors = product.ctl(guest, 'log', '--limit=1')
    now = [e['MESSAGE'] for e in product.entries(guest)]        # who is gone may be sought meanwhile
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


def test_figures_when_they_are_allowed(guest):
    guest.check("install -d /etc/needled; printf '[Journal]\\nJournalFigures=yes\\n' >/etc/needled/needled.conf\nsystemctl start needled")
    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=50')
    product.adopt(guest)
    product.begin(guest, sim)
    sim.control('stop')
    kept = product.stored(guest)
    entry, = product.entries(guest, CATALOG['SESSION_FINISHED']['id'])
    assert entry['NEEDLED_FIGURE_STROKES'] == str(kept['strokes']), (entry, kept)
    assert entry['NEEDLED_FIGURE_FORCE_PEAK'] == str(kept['force_peak']), (entry, kept)
    assert 'strokes' not in entry['MESSAGE']
    others = [e for e in product.entries(guest) if e.get('MESSAGE_ID') != CATALOG['SESSION_FINISHED']['id']]
    assert not [name for e in others for name in e if name.startswith('NEEDLED_FIGURE')]
