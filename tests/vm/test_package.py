# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian packages: installed, upgraded in the middle of a session, removed, purged."""

import pathlib
import re

import journal
import lib
import product

NEEDS_PACKAGES = True
LONG = ('test_install', 'test_upgrade_in_the_middle_of_a_session', 'test_remove_install_again_and_purge')

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
DATABASES = TOP / 'tests/data/databases'
PACKAGES = ['needlectl', 'needled', 'needled-dev', 'needlesim']
DPKG_SEC = 300          # it syncs and reloads a lot, which on a busy host takes its time
CONFIG = '/etc/needled/needled.conf'
# What those who make, change and remove users, units and packages note for themselves, and the logs.
NOTES = re.compile(r'/var/log/|/var/lib/dpkg/|/var/lib/systemd/(catalog/database|deb-systemd-(user-)?helper-)|/var/cache/|/var/backups/'
                   r'|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|/etc/\.pwd\.lock$')
ROWS = 'SELECT id, uuid, owner, ended, strokes, start_realtime, end_realtime, end_reason FROM session ORDER BY id'
CHUNKS = 'SELECT session, seq, hex(data) AS data FROM chunk ORDER BY session, seq'


def install(guest, folder='.'):
    """As an administrator who has the files. Returns what dpkg said."""
    debs = [guest.put(deb) for deb in sorted((pathlib.Path(guest.packages) / folder).glob('*.deb')) if '-dbgsym_' not in deb.name]
    assert len(debs) == len(PACKAGES), debs
    said = guest.check(f'DEBIAN_FRONTEND=noninteractive dpkg -i {" ".join(debs)}', DPKG_SEC)
    assert 'rror' not in said and 'arning' not in said, said
    return said


def remove(guest, how):
    said = guest.check(f'dpkg {how} {" ".join(PACKAGES)}', DPKG_SEC)
    assert 'rror' not in said and 'not empty' not in said, said


def version(guest, package='needled'):
    return guest.check(f"dpkg-query -W -f '${{Version}}' {package}").strip()


def property_of(guest, name):
    return guest.check(f'systemctl show -P {name} needled').strip()


def ready(guest):
    lib.wait_for('service', lambda: property_of(guest, 'ActiveState') == 'active')
    lib.wait_for('storage', lambda: lib.get(guest, product.SERVICE, product.ROOT, product.MANAGER, 'Storage') == 'ready')


def files(guest):
    """All of the root file system."""
    return set(guest.check("find / -xdev \\( -path /host -o -path /tmp -o -path /var/tmp \\) -prune -o -printf '%p\\n'").splitlines())


def have_record(guest, version):
    """Put the database that this version of the tables has left in place of the service's. Returns what it has once it is open."""
    guest.check('systemctl stop needled')
    file = guest.put(DATABASES / f'v{version}.db')
    guest.check(f'rm -f {product.DATABASE}*; install -o needled -g needled -m 600 {file} {product.DATABASE}; systemctl start needled')
    ready(guest)
    # One was not over when the database was made, and ends with the start.
    lib.wait_for('end of all', lambda: all(row['ended'] == 1 for row in product.rows(guest, ROWS)))
    return record(guest)


def record(guest):
    return product.rows(guest, ROWS), product.rows(guest, CHUNKS)


def current_version():
    """Of the tables, as the packages make them."""
    return int(re.search(r'^#define SCHEMA_VERSION (\d+)$', (TOP / 'daemon/store/schema.h').read_text(), re.M)[1])


def database_before():
    """The version of the newest database that was written by an older version: there may be one of the current tables beside it."""
    return max(version for version in (int(path.stem[1:]) for path in DATABASES.glob('v*.db')) if version < current_version())


def test_install(guest):
    before = files(guest)
    install(guest)
    owned = {name for p in PACKAGES for name in guest.check(f'dpkg -L {p}').splitlines()}
    owned |= {f'/usr{name}' for name in owned if name.startswith('/lib/')}      # /lib is a link
    home = guest.check('getent passwd needled').split(':')[5]
    assert home == product.STATE_DIRECTORY, home
    ready(guest)
    assert guest.check('systemctl is-enabled needled') == 'enabled\n'
    assert property_of(guest, 'NRestarts') == '0', guest.journal('-u needled')
    faults = [e['MESSAGE'] for e in journal.entries(guest) if int(e['PRIORITY']) <= 4]
    assert not faults, faults

    actions = re.findall(r'<action id="([^"]+)"', (TOP / 'dbus/org.needled.policy').read_text())
    known = guest.check('pkaction').split()
    assert actions and set(actions) <= set(known), (actions, known)
    ids = [event['id'] for event in journal.CATALOG.values()]
    catalog = guest.check(f'journalctl --list-catalog {" ".join(ids)}')
    assert len(catalog.splitlines()) == len(ids), catalog
    done = guest.check('bash -c "source /usr/share/bash-completion/completions/needlectl; complete -p needlectl"')
    assert 'needlectl' in done, done

    # Nothing has come that no package knows of, but for what the service itself makes. The guest leaves out manuals.
    own = re.compile(rf'{product.STATE_DIRECTORY}(/|$)|/etc/systemd/system/[a-z-]+\.target\.wants(/needled\.service)?$')
    unowned = sorted(n for n in files(guest) - before - owned if not own.match(n) and not NOTES.match(n))
    assert not unowned, unowned

    said = guest.check(f'sh {guest.put(TOP / "debian/tests/smoke")} 2>&1', 120)
    assert 'gave up' not in said, said
    # On its own bus: nothing of it has reached the service of the system.
    assert product.rows(guest, ROWS) == []


def test_upgrade_in_the_middle_of_a_session(guest):
    """The older package has a record of the older version's tables, and leaves such when it is stopped."""
    install(guest, 'older')
    assert version(guest) == '0~older'
    old = database_before()
    sessions, chunks = have_record(guest, old)
    assert len(sessions) == 3 and chunks, sessions
    empty = guest.put(DATABASES / f'v{old}.db', '/run/empty.db')
    script = lib.put_script(guest, 'make-older')
    guest.check(f'''rm {product.DATABASE}.backup-v{old}
mkdir -p /run/systemd/system/needled.service.d
printf '[Service]\\nExecStopPost=+{script} {empty} {product.DATABASE}\\nTimeoutStopSec=300\\n' >/run/systemd/system/needled.service.d/older.conf
systemctl daemon-reload''')

    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3', '--live-period=50', '--procedure=3600')
    product.adopt(guest)
    session = product.begin(guest, sim)
    pid = property_of(guest, 'MainPID')
    install(guest)
    assert version(guest) != '0~older' and property_of(guest, 'MainPID') != pid
    ready(guest)
    # It was the new one that has made new tables of old ones: each step leaves a copy from before.
    guest.check(f'test -f {product.DATABASE}.backup-v{old}')
    product.goes_on(guest, session)
    guest.check('rm /run/systemd/system/needled.service.d/older.conf; systemctl daemon-reload')

    sim.control('stop')
    kept = product.stored(guest, len(sessions) + 1)         # root is shown those of others too
    assert (kept['id'], kept['end_reason']) == (session['id'], 'device') and kept['gaps'] <= 1, kept
    status, _, errors = product.ctl(guest, 'verify', kept['id'])
    assert status == 0, errors
    now, parts = record(guest)
    assert [row for row in now if row['id'] != kept['id']] == sessions, (sessions, now)
    assert [part for part in parts if part['session'] != kept['id']] == chunks
    assert guest.check(f'sqlite3 -readonly {product.DATABASE} "PRAGMA user_version"').strip() == str(current_version())


def test_remove_install_again_and_purge(guest):
    before = files(guest)
    install(guest)
    kept = have_record(guest, database_before())
    guest.check(f'echo "# of the administrator" >>{CONFIG}\n'
                f'mkdir {CONFIG}.d; echo "[Session]" >{CONFIG}.d/here.conf')
    owner = guest.check(f'stat -c %u {product.DATABASE}')

    remove(guest, '-r')
    assert guest.run('systemctl is-active needled')[1] == 'inactive\n'
    assert guest.run('pgrep -x needled')[0] == 1
    status, said = guest.run('busctl call org.needled /org/needled org.freedesktop.DBus.Peer Ping')
    assert status != 0 and 'not provided' in said, said
    left = {n for n in files(guest) - before if not NOTES.match(n)}
    assert product.DATABASE in left and CONFIG in left, left
    assert all(n.startswith((product.STATE_DIRECTORY, '/etc/')) for n in left), left

    install(guest)
    ready(guest)
    assert record(guest) == kept
    assert guest.check(f'stat -c %u {product.DATABASE}') == owner
    assert 'administrator' in guest.check(f'cat {CONFIG}')

    remove(guest, '-P')
    assert guest.run('getent passwd needled')[0] == 2 and guest.run('getent group needled')[0] == 2
    assert guest.run(f'pgrep -u {owner.strip()}')[0] == 1
    left = sorted(n for n in files(guest) - before if not NOTES.match(n))
    assert not left, left
    assert not before - files(guest)
    noted = guest.check("ls /var/lib/dpkg/info /var/lib/systemd/deb-systemd-* | grep needle || :")
    assert not noted, noted
