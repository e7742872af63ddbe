# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service's entries in the guest's journal, and what the catalog says that they are."""

import pathlib
import re
import sys

import lib
import product

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / 'docs' / 'man'))
import events   # noqa: E402

CATALOG = {event['name']: event for event in events.read(ROOT / 'systemd' / 'needled.catalog.in')}


def id_of(name):
    return CATALOG[name]['id']


def entries(guest, name=None, **fields):
    """By the event's name, and by NEEDLED_… fields."""
    matches = ['-t', 'needled']
    if name:
        matches.append(f'MESSAGE_ID={id_of(name)}')
    return lib.journal(guest, *matches, *(f'{field}={value}' for field, value in fields.items()))


def check(guest, name, session=None):
    """Wait for an event: its entries are as the catalog says, and journalctl -x explains them. Returns them."""
    event = CATALOG[name]
    found = lib.wait_for(name, lambda: entries(guest, name))
    for entry in found:
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
        wanted = wanted.replace(f'@{field}@', found[-1][field])
    assert wanted in ' '.join(text.split()), (wanted, text)
    return found
