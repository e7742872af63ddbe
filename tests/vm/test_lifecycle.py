# SPDX-License-Identifier: LGPL-2.1-or-later
"""The unit as it is installed: how it is confined, that it works so, and what it survives."""

import csv
import json
import re
import shlex
import statistics

import journal
import lib
import product

NEEDS_PRODUCT = True
LONG = ('test_whole_job_without_a_refused_system_call',
        'test_start_and_memory',
        'test_wakeups',
        'test_power_fails',
        'test_watchdog',
        'test_crash_loop',
        'test_clock_jumps',
        'test_full_disk')

DROP_IN = '/run/systemd/system/needled.service.d'
PROGRAM = '/usr/libexec/needled'
EXPOSURE_MAX = 0.3
IDLE_RSS_MAX_KIB = 8 * 1024             # with what libraries share with other processes
IDLE_PSS_MAX_KIB = 5 * 1024
STARTS = 30
START_MAX_SEC = 0.2                     # more than what systemd needs for such a sandbox
HOUR = 3600
WAKEUPS_MAX = 4                         # a minute, of all threads: WatchdogSec=30 is fed twice in it
WAKEUPS_SEC = 180
SETTLED_SEC = 30                        # after a link was lost


def shows(guest, *names, unit='needled'):
    """Properties of the unit by name."""
    output = guest.check(shlex.join(['systemctl', 'show', f'--property={",".join(names)}', unit]))
    return dict(line.split('=', 1) for line in output.splitlines())


def drop_in(guest, *lines, unit='[Service]'):
    guest.check(f'mkdir -p {DROP_IN}; printf "%s\\n" {shlex.join([unit, *lines])} >{DROP_IN}/test.conf; systemctl daemon-reload')


def start(guest, *options):
    sim = product.begin_with(guest, product.BONDED, product.LONG_PROCEDURE, *options)
    return sim, product.begin(guest, sim)


def storage(guest):
    return lib.get(guest, product.SERVICE, product.ROOT, product.MANAGER, 'Storage')


def warnings(guest):
    return [e['MESSAGE'] for e in journal.entries(guest) if int(e['PRIORITY']) <= 4]


def says(guest, *parts):
    """The one line, among the service's warnings and errors, that has all of this."""
    def look():
        return [w for w in warnings(guest) if all(p in w for p in parts)]
    found = lib.wait_for(f'a line with {parts}', look)
    assert len(set(found)) == 1 and '\n' not in found[0], found
    return found[0]


# Confined

def test_exposure(guest):
    guest.check('systemctl start needled')
    said = guest.check('systemd-analyze security --no-pager needled').splitlines()
    overall, = [line for line in said if 'Overall exposure level' in line]
    print(overall.strip())
    assert float(overall.split(': ')[1].split()[0]) <= EXPOSURE_MAX, '\n'.join(line for line in said if line.startswith('✗'))


def test_whole_job_without_a_refused_system_call(guest):
    """What the service is for, with a filter that kills where the unit's gives an error: it asks for nothing that is denied, but whether
    the clock is synchronised, which it can do without."""
    drop_in(guest, 'SystemCallErrorNumber=', 'ProtectClock=no', 'SystemCallFilter=adjtimex clock_adjtime', 'Restart=no')
    sim, session = start(guest, '--records=1')
    pid = shows(guest, 'MainPID')
    clock, = [f for f in product.query(guest, 'doctor')['findings'] if f['check'] == 'clock']
    assert 'cannot be seen' not in clock['finding'], clock      # with what docs/admin.md has for it
    sim.control('drop')
    product.goes_on(guest, session)
    lib.sleep(guest)
    product.goes_on(guest, session)
    sim.control('stop')
    lib.wait_for('stored sessions', lambda: len(product.sessions(guest)) >= 2)
    assert product.query(guest, 'show', session['id'])['owner_name'] == 'root'
    for kind in ('tape', 'json', 'csv'):
        guest.check(f'needlectl export {session["id"]} --format={kind} --output=/run/session.{kind} && test -s /run/session.{kind}')
    guest.check(f'needlectl delete --yes {session["id"]} && needlectl import /run/session.tape', 120)
    guest.check('install -D -m 644 /usr/share/needled/profiles.d/oralb.mnprofile /etc/needled/profiles.d/own.mnprofile || exit\n'
                'printf "[Store]\\nRetention=400d\\n" >/etc/needled/needled.conf; systemctl reload needled')
    lib.wait_for('reading anew', lambda: [e for e in journal.entries(guest) if 'read anew' in e['MESSAGE']])
    assert not journal.entries(guest, 'CONFIG_INVALID')
    product.query(guest, 'profile', 'list')
    assert product.ctl(guest, 'forget', 'pen')[0] == 0
    assert shows(guest, 'ActiveState', 'NRestarts') == {'ActiveState': 'active', 'NRestarts': '0'}
    assert shows(guest, 'MainPID') == pid, 'who asks starts one that was killed'
    guest.check('systemctl stop needled')
    assert shows(guest, 'Result') == {'Result': 'success'}
    assert not [w for w in warnings(guest) if 'not permitted' in w or 'denied' in w], warnings(guest)


def test_start_and_memory(guest):
    """Start to READY=1 against a program that says READY and no more, in the same sandbox, in turns; and what it needs when it has nothing to do."""
    guest.check("sed -e 's,^ExecStart=.*,ExecStart=/usr/bin/systemd-notify --ready,' -e '/^BusName=/d' -e 's/^Restart=.*/RemainAfterExit=yes/' "
                "-e 's/=needled$/=nothing/' -e 's/^\\(User\\|Group\\)=.*/\\1=needled/' /usr/lib/systemd/system/needled.service "
                '>/run/systemd/system/nothing.service || exit\nsystemctl daemon-reload')

    output = guest.check(f'for i in {{1..{STARTS}}}; do for unit in needled nothing; do\n'
                         '        systemctl restart $unit || exit\n'
                         '        for stamp in InactiveExit ActiveEnter; do systemctl show -P ${stamp}TimestampMonotonic $unit; done\n'
                         'done; done', timeout=600)
    stamps = [int(line) / 1e6 for line in output.split()]
    ours, nothing = ([ready - begin for begin, ready in zip(stamps[i::4], stamps[i + 1::4])] for i in (0, 2))
    more = statistics.median(ours) - statistics.median(nothing)
    for name, of in (('median', statistics.median), ('least', min)):
        print(f'start to READY, {name} of {STARTS}: {of(ours) * 1000:.0f} ms, a service that does nothing {of(nothing) * 1000:.0f} ms: '
              f'{(of(ours) - of(nothing)) * 1000:+.0f} ms')
    assert more <= START_MAX_SEC, (ours, nothing)

    lib.wait_for('storage', lambda: storage(guest) == 'ready')
    pid = shows(guest, 'MainPID')['MainPID']
    sizes = dict(line.split(':') for line in guest.check(f'tail -n +2 /proc/{pid}/smaps_rollup').splitlines())
    rss, pss, private = (int(sizes[name].split()[0]) for name in ('Rss', 'Pss', 'Private_Dirty'))
    print(f'idle: RSS {rss} KiB, PSS {pss} KiB, private {private} KiB; {shows(guest, "MemoryCurrent", "TasksCurrent")}')
    assert rss <= IDLE_RSS_MAX_KIB and pss <= IDLE_PSS_MAX_KIB, sizes


def test_wakeups(guest):
    """With a device that is adopted and away: the watchdog is fed, and nothing else happens."""
    guest.check('systemctl start needled')
    sim = product.Sim(guest, '--bluez', 'hci1', '--seed=3')
    product.adopt(guest)
    sim.control('advertise off')
    sim.control('drop')
    lib.wait_for('waiting device', lambda: product.device(guest)['state'] == 'waiting')
    pid = shows(guest, 'MainPID')['MainPID']
    count = f"cat /proc/{pid}/task/*/status | awk '/^voluntary_ctxt_switches/ {{n += $2}} END {{print n}}'"
    woken = guest.check(f'sleep {SETTLED_SEC}; {count}; sleep {WAKEUPS_SEC}; {count}', SETTLED_SEC + WAKEUPS_SEC + lib.PATIENCE_SEC).split()
    a_minute = (int(woken[1]) - int(woken[0])) * 60 / WAKEUPS_SEC
    print(f'wakeups a minute while nothing is connected: {a_minute:.1f}')
    assert 0 < a_minute <= WAKEUPS_MAX, woken           # none at all: that is not the service


# From boot to boot

def test_power_fails(guest):
    """Enabled, it is there after a boot before anybody logs in or asks. A session in the middle of which the power failed is kept, as far
    as it came, and so are the journal and the device. Disabled, it is not started, but still answers who asks."""
    guest.check('mkdir -p /etc/systemd/journald.conf.d /var/log/journal; rm /etc/systemd/journald.conf.d/rig.conf\n'
                'systemctl restart systemd-journald; journalctl --flush; systemctl enable -q needled')
    _, session = start(guest)
    lib.wait_for('commit', lambda: product.rows(
        guest, 'SELECT (SELECT count(*) FROM chunk) + (SELECT count(*) FROM tail) AS n')[0]['n'] > 0)
    guest.cut_power()

    assert shows(guest, 'ActiveState', 'StatusErrno') == {'ActiveState': 'active', 'StatusErrno': '0'}
    assert guest.check('loginctl list-sessions --no-legend') == ''
    kept = product.stored(guest)
    assert (kept['id'], kept['uuid']) == (session['id'], session['uuid']) and kept['strokes'] > 0, kept
    assert kept['end_reason'] == 'shutdown' and kept['duration'] < HOUR * 1_000_000, kept
    pen = product.device(guest)
    assert pen['adopted'] and pen['bonded'], pen
    before = guest.check('journalctl -b -1 -t needled -o verbose --no-pager')
    assert f'MESSAGE_ID={journal.id_of("SESSION_STARTED")}' in before, before
    assert product.rows(guest, 'PRAGMA integrity_check') == [{'integrity_check': 'ok'}]

    guest.check('systemctl disable -q --now needled')
    assert 'needled' not in guest.check('systemctl list-dependencies --plain multi-user.target bluetooth.target')
    # Its name comes first, then what the database has.
    lib.wait_for('devices', lambda: product.query(guest, 'devices')['devices'])
    lib.wait_for('started service', lambda: shows(guest, 'ActiveState')['ActiveState'] == 'active')


# What it survives

def test_watchdog(guest):
    """A process that hangs is killed, and the session goes on in the next one."""
    drop_in(guest, 'WatchdogSec=6')
    sim, session = start(guest)
    pid = shows(guest, 'MainPID')['MainPID']
    limits = guest.check(f'cat /proc/{pid}/limits')
    assert re.search('^Max core file size +0 +0 ', limits, re.M), limits
    guest.check(f'kill -STOP {pid}')
    lib.wait_for('another process', lambda: (now := shows(guest, 'MainPID', 'ActiveState'))['MainPID'] not in (pid, '0') and
                 now['ActiveState'] == 'active')
    product.goes_on(guest, session)
    kept = product.finish(guest, sim, session, gaps=(1, 2))
    assert kept['lost']['live'] == 0, kept
    killed = [e['MESSAGE'] for e in lib.journal(guest, '_PID=1') if 'Watchdog timeout' in e['MESSAGE']]
    assert len(killed) == 1, killed
    assert guest.run("find / /var/lib/systemd/coredump /var/lib/needled -maxdepth 1 -type f -name 'core*' 2>/dev/null")[1] == ''


def test_crash_loop(guest):
    """What fails at once, again and again, rests in the end; who asks again after that gets it started."""
    assert shows(guest, 'StartLimitBurst', 'StartLimitIntervalUSec', 'RestartUSec') == {
        'StartLimitBurst': '100', 'StartLimitIntervalUSec': '10min', 'RestartUSec': '1s'}
    drop_in(guest, 'StartLimitBurst=4', '[Service]', 'ExecStart=', 'ExecStart=/bin/false', 'RestartSec=100ms', unit='[Unit]')
    guest.run('systemctl start needled')
    lib.wait_for('end of the loop', lambda: shows(guest, 'ActiveState')['ActiveState'] == 'failed')
    assert 1 <= int(shows(guest, 'NRestarts')['NRestarts']) <= 4, shows(guest, 'NRestarts', 'Result')
    status, out, _ = product.ctl(guest, 'doctor', '--json')
    service = {f['check']: f for f in json.loads(out)['findings']}['service']
    assert status == 5 and 'failed' in service['finding'], service
    guest.check(f'rm {DROP_IN}/test.conf; systemctl daemon-reload\n{service["remedy"]}')
    lib.wait_for('storage', lambda: storage(guest) == 'ready')


def test_a_wrong_option_is_not_tried_again(guest):
    """It would fail for ever: the unit ends at once, and its one line says what is wrong."""
    drop_in(guest, 'ExecStart=', f'ExecStart={PROGRAM} --no-such-option')
    assert guest.run('systemctl start needled')[0] != 0
    assert shows(guest, 'ActiveState', 'SubState', 'ExecMainStatus', 'NRestarts') == {
        'ActiveState': 'failed', 'SubState': 'failed', 'ExecMainStatus': '64', 'NRestarts': '0'}
    said = [entry['MESSAGE'] for entry in lib.journal(guest, '-u', 'needled', '-t', 'needled')]
    assert len(said) == 1 and '--no-such-option' in said[0], said


def test_clock_jumps(guest):
    """A day ahead and two days back in the middle of a session: its own time does not jump."""
    sim, session = start(guest)
    for jump in ('+1 day', '-2 days'):
        guest.check(f'date -s "{jump}" >/dev/null')
        product.use(guest, product.figures(guest)['strokes'] + 50)
    kept = product.finish(guest, sim, session, gaps=(0, 0))
    assert 0 < kept['duration'] < HOUR * 1_000_000 and kept['lost']['live'] == 0, kept
    guest.check(f'needlectl export {kept["id"]} --format=csv --output=/run/session.csv')
    rows = list(csv.DictReader(line for line in guest.check('cat /run/session.csv').splitlines() if not line.startswith('#')))
    times = [float(row['time_s']) for row in rows if row.get('time_s')]
    assert len(times) > 40 and times == sorted(times) and times[-1] < HOUR, (times[:3], times[-3:])
    assert product.streaming(guest) and not warnings(guest), warnings(guest)


def test_full_disk(guest):
    """Recording goes on in memory; the journal says what to do, once; with room again all of it is written."""
    guest.check(f'install -d -o needled -g needled -m 700 {product.STATE_DIRECTORY}\n'
                f'mount -t tmpfs -o size=3m,mode=700,uid=$(id -u needled),gid=$(id -g needled) room {product.STATE_DIRECTORY}')
    sim, session = start(guest)
    guest.run(f'dd if=/dev/zero of={product.STATE_DIRECTORY}/filler bs=4k 2>/dev/null')
    lib.wait_for('trouble', lambda: storage(guest) == 'degraded')
    told, = journal.entries(guest, 'STORAGE_DEGRADED')
    assert 'Make room' in told['MESSAGE'], told['MESSAGE']
    product.use(guest, product.figures(guest)['strokes'] + 50)
    guest.check(f'rm {product.STATE_DIRECTORY}/filler')
    lib.wait_for('storage', lambda: storage(guest) == 'ready')
    kept = product.finish(guest, sim, session, gaps=(0, 0))
    assert kept['lost']['live'] == 0, kept
    assert len(journal.entries(guest, 'STORAGE_RECOVERED')) == 1


# Bad surroundings: one clear line each (test_authority.py has polkit)

def test_etc_is_read_only_and_has_nothing_of_ours(guest):
    guest.check('rm -r /etc/needled; mount --bind /etc /etc && mount -o remount,bind,ro /etc; systemctl start needled')
    lib.wait_for('storage', lambda: storage(guest) == 'ready')
    assert not warnings(guest), warnings(guest)


def test_wrong_owners(guest):
    """Of the state's folder systemd puts it right; of a file in it the service says what to do."""
    guest.check(f'install -d -o root -g root -m 777 {product.STATE_DIRECTORY}; systemctl start needled')
    lib.wait_for('storage', lambda: storage(guest) == 'ready')
    assert guest.check(f'stat -c "%U %G %a" {product.STATE_DIRECTORY}').strip() == 'needled needled 700'
    assert not warnings(guest), warnings(guest)
    guest.check(f'systemctl stop needled; chown root:root {product.DATABASE}*; systemctl start needled')
    lib.wait_for('trouble', lambda: storage(guest) == 'unavailable')
    said = says(guest, product.DATABASE)
    assert "belong to the service's user" in said, said
    guest.check(f'chown needled:needled {product.DATABASE}*')
    lib.wait_for('storage', lambda: storage(guest) == 'ready')


def test_two_instances(guest):
    """A second one ends and says why; the first does not notice."""
    guest.check('systemctl start needled')
    pid = shows(guest, 'MainPID')['MainPID']
    status, output = guest.run(f'install -d -o needled -m 700 /run/other; timeout 30 runuser -u needled -- {PROGRAM} --state-dir=/run/other')
    lines = [line for line in output.splitlines() if 'taken' in line]
    assert status == 1 and len(lines) == 1 and 'another needled runs on this bus: stop it first' in lines[0], (status, output)
    assert shows(guest, 'MainPID', 'NRestarts') == {'MainPID': pid, 'NRestarts': '0'}


def test_bus_without_our_policy(guest):
    policy = '/usr/share/dbus-1/system.d/org.needled.conf'
    reload = 'busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig'
    guest.check(f'mv {policy} /run/; {reload}; systemctl start --no-block needled')
    said = says(guest, 'policy')
    assert 'org.needled' in said, said
    guest.check(f'mv /run/org.needled.conf {policy}; {reload}')
    lib.wait_for('service', lambda: shows(guest, 'ActiveState')['ActiveState'] == 'active')
    lib.wait_for('storage', lambda: storage(guest) == 'ready')


def test_no_journal(guest):
    """It works all the same, and does not wait for it."""
    guest.check('systemctl stop systemd-journald.socket systemd-journald-dev-log.socket systemd-journald; rm -f /run/systemd/journal/socket\n'
                'systemctl start needled')
    lib.wait_for('storage', lambda: storage(guest) == 'ready')
    guest.check('systemctl start systemd-journald.socket systemd-journald-dev-log.socket systemd-journald; systemctl restart needled')
    lib.wait_for('storage', lambda: storage(guest) == 'ready')
