# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/admin.md in the guest: its files, put where it says, do what it says, and root's lines work as printed."""

import pathlib
import re
import shlex
import sys

import journal
import lib
import product

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(TOP / 'tests' / 'integration'))      # behind this folder, which has modules of the same names
import printed                                          # noqa: E402

NEEDS_PRODUCT = True
LONG = ('test_a_rule_lets_a_group_in', 'test_a_host_of_its_own', 'test_journal_configuration_and_backup')

PAGE = (TOP / 'docs' / 'admin.md').read_text()
FILES = dict(re.findall(r'^(?:.* )?`(/etc/[\w./-]+)`:?\n\n```\w+\n(.*?)^```$', PAGE, re.S | re.M))
BLUEZ = 'org.bluez'


def section(title):
    return re.search(rf'^## {title}\n(.*?)(?=^## |\Z)', PAGE, re.S | re.M)[1]


def type_all(guest, title):
    """Root's lines of a section. What is printed below one must come; one without must succeed."""
    lines = printed.commands(section(title), 'console guest', '# ')
    assert lines, title
    for _, typed, wanted in lines:
        status, output = guest.run(typed, 120)
        assert status == 0 and (not wanted or printed.matches(wanted, output.splitlines())), (typed, status, output)


def write(guest, path):
    guest.check(f'install -d {pathlib.PurePath(path).parent}\ncat >{path} <<"END OF FILE"\n{FILES[path]}END OF FILE')


def add_people(guest, **people):
    for name, group in people.items():
        guest.check(f'useradd --no-create-home --shell /bin/sh {name}' +
                    (f'; groupadd -f {group}; usermod -aG {group} {name}' if group else ''))


def test_a_rule_lets_a_group_in(guest):
    add_people(guest, anna='practice', berta=None)
    guest.check('systemctl start needled')
    questions = (['search', '--seconds=1'], ['sessions', '--owner=all'])
    for user in ('anna', 'berta'):
        for words in questions:
            assert product.ctl(guest, *words, user=user)[0] == 4, (user, words)
    write(guest, '/etc/polkit-1/rules.d/50-needled.rules')
    lib.wait_for('the rule', lambda: product.ctl(guest, 'sessions', '--owner=all', user='anna')[0] != 4)
    for words in questions:
        status, _, errors = product.ctl(guest, *words, user='anna')
        assert status in (0, 2, 3) and 'uthori' not in errors, (words, status, errors)
        assert product.ctl(guest, *words, user='berta')[0] == 4, words
    assert product.ctl(guest, 'erase', '--owner=all', '--yes', user='anna')[0] == 4


class Listener:
    """What a user hears of bluetoothd."""

    def __init__(self, guest, user):
        self._guest, self._output = guest, f'/run/heard-{user}'
        # The shell opens the file, the user writes to it.
        lib.start(guest, f'listen-{user}', 'bash', '-c', f'exec runuser -u {user} -- stdbuf -oL gdbus monitor --system --dest {BLUEZ} >{self._output}')
        lib.wait_for('a listener', lambda: 'Monitoring' in guest.run(f'cat {self._output}')[1])

    def heard(self, text):
        return text in self._guest.check(f'cat {self._output}')


def rename(guest, name):
    guest.check(f'busctl set-property {BLUEZ} /org/bluez/hci0 org.bluez.Adapter1 Alias s {name}')


def asks_bluetoothd(guest, user, destination=BLUEZ):
    """(whether bluetoothd answers a user, what came)"""
    status, output = guest.run(shlex.join(['runuser', '-u', user, '--', 'gdbus', 'call', '--system', '--dest', destination, '--object-path', '/',
                                           '--method', 'org.freedesktop.DBus.ObjectManager.GetManagedObjects']))
    return status == 0, output


def test_a_host_of_its_own(guest):
    """Others are kept from bluetoothd, needled is not, with LE alone and long keys."""
    add_people(guest, stranger=None, member='bluetooth')
    guest.check('systemctl start needled')
    stranger, root = Listener(guest, 'stranger'), Listener(guest, 'root')
    rename(guest, 'before')
    lib.wait_for('the signal', lambda: stranger.heard('before') and root.heard('before'))
    assert asks_bluetoothd(guest, 'stranger')[0]

    for path in ('/etc/dbus-1/system-local.conf', '/etc/bluetooth/main.conf'):
        write(guest, path)
    type_all(guest, 'A host of its own')
    lib.wait_for('bluetoothd', lambda: asks_bluetoothd(guest, 'root')[0] and '/org/bluez/hci0' in lib.managed_objects(guest, BLUEZ))
    unique, = lib.call(guest, 'org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'GetNameOwner', 's', BLUEZ)
    for destination in (BLUEZ, unique):
        answered, output = asks_bluetoothd(guest, 'stranger', destination)
        assert not answered and 'org.freedesktop.DBus.Error.AccessDenied' in output, output
    assert asks_bluetoothd(guest, 'needled')[0] and asks_bluetoothd(guest, 'member')[0]
    rename(guest, 'afterwards')
    lib.wait_for('the signal', lambda: root.heard('afterwards'))
    assert not stranger.heard('afterwards')
    complaints = [e['MESSAGE'] for e in lib.journal(guest, '-u', 'bluetooth') if 'main.conf' in e['MESSAGE']]
    assert not complaints, complaints
    assert 'le' in lib.adapter_settings(guest, 0)[1]

    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=50')
    pen = product.adopt(guest)
    assert pen['bonded'] is True, pen
    product.finish(guest, sim, product.begin(guest, sim), gaps=(0, 0))


def test_journal_configuration_and_backup(guest):
    """A session is stored, another is live while root reads, reloads and copies; then the copy takes the place of the database."""
    sim = product.begin_with(guest, product.BONDED, product.LONG_PROCEDURE)
    first = product.finish(guest, sim, product.begin(guest, sim), gaps=(0, 0))
    second = product.begin(guest, sim)
    type_all(guest, 'The journal')
    for words in ('-u needled NEEDLED_SESSION=1', '-u needled MESSAGE_ID=f98e83f9dabc4632b1066d145c659c46', '-u needled NEEDLED_DEVICE=pen'):
        assert words in section('The journal') and lib.journal(guest, *words.split()), words

    write(guest, '/etc/needled/needled.conf.d/practice.conf')
    type_all(guest, 'Configuration')
    lib.wait_for('the reload', lambda: [e for e in journal.entries(guest) if 'read anew' in e['MESSAGE']])
    assert not journal.entries(guest, 'CONFIG_INVALID')
    type_all(guest, 'How it is')

    type_all(guest, 'Backup and restore')
    assert guest.check(f'stat -c "%U %a" {product.DATABASE}') == 'needled 600\n'
    lib.wait_for('storage', lambda: lib.get(guest, product.SERVICE, product.ROOT, product.MANAGER, 'Storage') == 'ready')
    assert guest.check('stat -c %a /root/needled-backup.db') == '600\n'
    product.goes_on(guest, second)
    sim.control('stop')
    product.stored(guest, 2)
    for session in (first, second):
        status, _, errors = product.ctl(guest, 'verify', session['id'])
        assert status == 0, errors
    troubles = [e['MESSAGE'] for e in journal.entries(guest) if int(e['PRIORITY']) <= 4]
    assert not troubles, troubles
