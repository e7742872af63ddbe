#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each event has an id in the header, an entry in the catalog, and a place in the service that logs it: check-catalog.py CATALOG ROOT."""
import pathlib
import re
import sys

import events

FIELDS = {'NEEDLED_DEVICE', 'NEEDLED_SESSION', 'NEEDLED_STATE', 'NEEDLED_REASON'}
# An entry has none where nobody knows why: journalctl -x would show its name.
SOMETIMES = {'NEEDLED_REASON'}
# What the contract promises; more is welcome, fewer never.
PROMISED = {'DEVICE_ADOPTED', 'DEVICE_CONNECTED', 'DEVICE_LOST', 'SESSION_STARTED', 'SESSION_INTERRUPTED', 'SESSION_RESUMED', 'SESSION_FINISHED',
            'OVERPRESSURE', 'TIME_LIMIT', 'SAMPLES_LOST', 'SYNC_DONE', 'STORAGE_DEGRADED', 'STORAGE_RECOVERED', 'BOND_LOST',
            'PROFILE_REJECTED'}


def check(catalog, header, sources):
    """What does not agree: the events of the catalog, the text of the header, the text of the service."""
    ids = dict(re.findall(r'^#define NEEDLED_MESSAGE_(\w+) "([0-9a-f]{32})"$', header, re.M))
    told = {event['name']: event for event in catalog}
    wrong = [f'{name} has an id and no entry in the catalog' for name in ids.keys() - told.keys()]
    wrong += [f'{name} is in the catalog and not in the header' for name in told.keys() - ids.keys()]
    wrong += [f'{name} has two ids' for name in ids.keys() & told.keys() if ids[name] != told[name]['id']]
    wrong += [f'{name} is missing' for name in PROMISED - ids.keys()]
    wrong += [f'{name} is never logged' for name in ids if not re.search(rf'\bNEEDLED_MESSAGE_{name}\b', sources)]
    if len(set(ids.values())) < len(ids) or len(told) < len(catalog):
        wrong.append('an id or a name stands there twice')
    for event in catalog:
        text = ' '.join([*event['happened'], event['remedy']])
        wrong += [f'{event["name"]} has no field {name}' for name in set(event['fields']) - FIELDS]
        wrong += [f'{event["name"]} speaks of @{name}@, which it does not have'
                  for name in set(re.findall(r'@(\w+)@', text)) - (set(event['fields']) - SOMETIMES)]
    return wrong


def main(catalog, root):
    root = pathlib.Path(root)
    header = (root / 'include/needled/message-ids.h').read_text()
    sources = '\n'.join(p.read_text() for p in sorted((root / 'daemon').rglob('*.c')))
    known = events.read(catalog)
    # It sees what it is there for.
    assert check(known[1:], header, sources) and check(known, header.replace('MESSAGE_OVERPRESSURE', 'MESSAGE_NEW'), sources)
    assert check(known, header, sources.replace('NEEDLED_MESSAGE_BOND_LOST', ''))
    sys.exit('\n'.join(check(known, header, sources)) or 0)


if __name__ == '__main__':
    main(*sys.argv[1:])
