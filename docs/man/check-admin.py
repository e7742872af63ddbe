#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tables of docs/admin.md are the catalog's events and polkit's actions, and its Removal names what it had written elsewhere in /etc:
check-admin.py PAGE CATALOG POLICY."""
import pathlib
import re
import sys
import xml.etree.ElementTree

import events

WORDS = {'yes': 'yes', 'auth_admin': "an administrator's password", 'auth_admin_keep': "an administrator's password"}


def rows(page, cells):
    """Rows of so many cells, of which the first is a name in code."""
    return [row for line in re.findall(r'^\| (`.+) \|$', page, re.M) if len(row := line.split(' | ')) == cells]


def differences(page, catalog, actions):
    """What the one has and the other has not."""
    wanted = [[f'`{e["name"]}`', ' or '.join(e['levels']), e['subject'], f'`{e["id"]}`'] for e in catalog]
    told = [row for row in rows(page, 4) if row[0].isupper()]
    lines = [f'{row} is not in the page' for row in wanted if row not in told] + [f'{row} is in the page alone' for row in told if row not in wanted]
    if not lines and told != wanted:
        lines.append('the page has another order, or something twice')
    told = [(row[0].strip('`'), row[2], row[3]) for row in rows(page, 4) if row[0].startswith('`org.needled.')]
    removal = page.partition('\n## Removal\n')[2]
    lines += [f'{path} is not in the removal' for path in re.findall(r'^`(/etc/[\w./-]+)`:?$', page, re.M)
              if not path.startswith('/etc/needled/') and path not in removal]
    return lines + [f'{action} in the policy or in the page alone' for action in set(told) ^ set(actions)]


def main(page, catalog, policy):
    text, catalog = pathlib.Path(page).read_text(), events.read(catalog)
    actions = [(a.get('id'), WORDS[a.findtext('defaults/allow_active')], WORDS[a.findtext('defaults/allow_any')])
               for a in xml.etree.ElementTree.parse(policy).iter('action')]
    # It sees what it is there for.
    assert differences(text, catalog[1:], actions) and differences(text, catalog, actions[1:])
    assert differences(text.replace(catalog[3]['id'], '0' * 32), catalog, actions) and differences(text.replace('| warning |', '| info |', 1), catalog, actions)
    assert differences(text.partition('\n## Removal\n')[0], catalog, actions)
    sys.exit('\n'.join(differences(text, catalog, actions)) or 0)


if __name__ == '__main__':
    main(*sys.argv[1:])
