# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plan1 and needlectl plan, acknowledge: when the minimum rest is over, what was acknowledged, and sessions that begin early."""
import json
import os
import pty
import sqlite3
import subprocess
import time

from stage import DEADLINE_SEC, Failure, expect, wait_for

DAY_USEC = 86400 * 10**6
PLAN = '/org/needled', 'org.needled.Plan1'


def call(stage, path, interface, member, *args):
    """The reply's only value; None with an error, whose name comes second."""
    done = subprocess.run(['busctl', '--address', stage.env['DBUS_SYSTEM_BUS_ADDRESS'], '--json=short', 'call', 'org.needled', path,
                           interface, member, *map(str, args)], capture_output=True, text=True, check=False, timeout=DEADLINE_SEC)
    if done.returncode != 0:
        return None, done.stderr
    return (json.loads(done.stdout)['data'] or [None])[0] if done.stdout.strip() else None, None


def configure(stage, *args):
    count = len(args) // 3
    return call(stage, *PLAN, 'Configure', 'a{sv}', count, *args)[1]


def plan(stage, *options):
    return stage.json('plan', *options)


def events(stage, session):
    """Alerts of a session, as names."""
    value, error = call(stage, '/org/needled', 'org.needled.History1', 'GetEvents', 'ta{sv}', session, 0)
    if error:
        raise Failure(error)
    return [e['name']['data'] for e in value if e['kind']['data'] == 'alert']


def session(stage, sim, *options):
    """One by hand, used for a moment; returns what the history has of it."""
    known = {s['id'] for s in stage.sessions()}
    status, _, err = stage.ctl('start', 'pen', *options)
    expect(status, 0, f'start ({err})')
    sim.control('start')
    before = sim.status()['sent']['live']
    wait_for('use', lambda: sim.status()['sent']['live'] > before + 20)
    sim.control('stop')
    wait_for('the device at rest', lambda: sim.status()['running'] is False)
    if stage.live_session():
        stage.ctl('finish')
    return wait_for('the session in the record', lambda: [s for s in stage.sessions() if s['id'] not in known])[0]


def test_a_rest_begins_with_a_session(stage):
    sim = stage.sim('--kind=pen', '--live-period=50')
    stage.needled()
    first = plan(stage)
    expect((first['reason_code'], first['week_count'], 'rest' in first), ('now', 0, False), 'an empty record')
    expect(stage.ctl('plan')[1].split()[:3], ['Next', 'earliest', 'now'], 'the table')
    stage.adopt()
    done = session(stage, sim)
    after = plan(stage)
    expect(after['reason_code'], 'rest', 'reason')
    expect(after['next_earliest'], after['last_session'] + after['rest'], 'when it is over')
    depth = done.get('depth_max', 0)
    expect(after.get('depth', 0), depth, 'depth')
    days = 28 if depth == 0 else 3 if depth <= 300 else 14 if depth <= 500 else 28 if depth <= 1000 else 42
    expect(after['rest'], days * DAY_USEC, 'rest')
    expect('rest-not-over' in events(stage, done['id']), False, 'the first session warns of nothing')
    status, out, _ = stage.ctl('plan')
    expect(status, 0, 'status')
    for word in ('Next earliest', 'Reason', 'Last session', 'Minimum rest', 'no: '):
        if word not in out:
            raise Failure(f'no {word} in {out}')
    expect(plan(stage, '--subject=somebody else')['reason_code'], 'now', 'another subject')
    expect(stage.ctl('plan', '--area=moon')[0], 64, 'no such area')


def test_a_session_before_it_is_over(stage):
    sim = stage.sim('--kind=pen', '--live-period=50')
    daemon = stage.needled()
    stage.adopt()
    session(stage, sim)
    early = session(stage, sim)
    expect(events(stage, early['id']).count('rest-not-over'), 1, 'an alert, once')
    if 'minimum rest' not in daemon.text():
        raise Failure('the journal does not say it')
    other = session(stage, sim, '--subject=somebody else')
    expect('rest-not-over' in events(stage, other['id']), False, 'their first')
    expect(configure(stage, 'subject', 's', 'patient', *[x for key in ('300um', '500um', '1000um', 'deeper') for x in (f'rest_{key}', 't', 0)],
                     'weekly_max', 'u', 0), None, 'Configure')
    for _ in range(2):
        done = session(stage, sim, '--subject=patient')
        expect('rest-not-over' in events(stage, done['id']), False, 'without a rest')


def test_areas(stage):
    sim = stage.sim('--kind=pen', '--live-period=50')
    stage.needled()
    stage.adopt()
    session(stage, sim, '--area=chin') # and the device says: forehead
    codes = {area: plan(stage, f'--area={area}')['reason_code'] for area in ('chin', 'forehead', 'abdomen')}
    expect(codes, {'chin': 'rest', 'forehead': 'rest', 'abdomen': 'now'}, 'by area')
    done = session(stage, sim, '--area=abdomen')
    expect('rest-not-over' in events(stage, done['id']), False, 'another area')


def test_rules_of_ones_own(stage):
    stage.needled()
    (stage.config_dir / 'needled.conf').write_text('[Plan]\nRest0300um=4d\nWeeklyMax=3\n')
    stage.daemon.stop()
    stage.needled()
    rules = plan(stage)['rules']
    expect(rules, {'rest_300um': 4 * DAY_USEC, 'rest_500um': 14 * DAY_USEC, 'rest_1000um': 28 * DAY_USEC, 'rest_deeper': 42 * DAY_USEC,
                   'weekly_max': 3, 'course_weeks': 12}, 'configured')
    expect(configure(stage, 'rest_500um', 't', 5 * DAY_USEC, 'weekly_max', 'u', 1), None, 'Configure')
    expect(configure(stage, 'weekly_max', 'u', 0), None, 'Configure again')
    mine = {**rules, 'rest_500um': 5 * DAY_USEC, 'weekly_max': 0}
    expect(plan(stage)['rules'], mine, 'set')
    expect(plan(stage, '--subject=another')['rules'], rules, 'for another subject')
    stage.daemon.stop()
    stage.needled()
    expect(plan(stage)['rules'], mine, 'after a restart')
    expect(configure(stage, 'reset', 'b', 'true', 'course_weeks', 'u', 6), None, 'reset')
    expect(plan(stage)['rules'], {**rules, 'course_weeks': 6}, 'reset but for one')
    for i in range(63):
        expect(configure(stage, 'subject', 's', f'subject {i}'), None, 'so many')
    for _ in range(2):
        error = configure(stage, 'subject', 's', 'one more')
        if 'as many subjects as one may have' not in error:
            raise Failure(error)
        stage.daemon.stop()
        stage.needled()
    expect(configure(stage, 'subject', 's', 'subject 7', 'weekly_max', 'u', 2), None, 'one that is there')


def test_acknowledging(stage):
    sim = stage.sim('--kind=pen', '--live-period=50')
    stage.needled()
    stage.adopt()
    expect(session(stage, sim)['acknowledged'], False, 'before')
    status, out, err = stage.ctl('acknowledge')
    version = plan(stage)['contraindications_version']
    expect((status, err.strip()), (64, f'Name the version that was read: needlectl acknowledge {version}'), 'no terminal')
    for text in plan(stage)['contraindications']:
        if text not in ' '.join(out.split()):
            raise Failure(f'{text} is not shown')
    expect(stage.ctl('acknowledge', '--json')[0], 64, 'with --json')
    status, _, err = stage.ctl('acknowledge', 'an older one')
    expect((status, f'"{version}"' in err), (64, True), 'another version')
    expect('acknowledged_at' in plan(stage), False, 'still not')
    said = stage.json('acknowledge', version)
    expect(said['contraindications_version'], version, 'version')
    at = said['acknowledged_at']
    expect(abs(at / 1e6 - time.time()) < 3600, True, 'when')
    expect(stage.ctl('acknowledge')[0], 2, 'nothing to do')
    expect(stage.ctl('acknowledge', version)[0], 2, 'by name likewise')
    expect(plan(stage)['acknowledged_at'], at, 'the first time counts')
    expect(session(stage, sim)['acknowledged'], True, 'after')
    stage.daemon.stop()
    stage.needled()
    expect(plan(stage)['acknowledged_at'], at, 'after a restart')
    wait_for('streaming', stage.streaming)
    expect(session(stage, sim)['acknowledged'], True, 'after a restart')


def test_a_new_list_is_acknowledged_anew(stage):
    lists = stage.dir / 'lists'
    stage.env['NEEDLED_CONTRAINDICATIONS'] = str(lists)
    lists.write_text('[Contraindications]\nVersion=1\n[a]\nText=Wounds are named.\nText[de]=Wunden sind genannt.\nSource=s\n')
    stage.needled()
    stage.json('acknowledge', '1')
    stage.env['LANGUAGE'] = 'de'
    stage.env['LANG'] = 'de_DE.UTF-8'
    expect(plan(stage)['contraindications'], ['Wunden sind genannt.'], 'translated')
    lists.write_text(lists.read_text().replace('Version=1', 'Version=2'))
    stage.daemon.stop()
    stage.needled()
    expect('acknowledged_at' in plan(stage), False, 'another version')
    stage.json('acknowledge', '2')
    stage.daemon.stop()
    expect(sqlite3.connect(stage.state_dir / 'needled.db').execute('SELECT version FROM acknowledgement').fetchall(), [('2',)], 'kept')


def test_without_a_list(stage):
    stage.env['NEEDLED_CONTRAINDICATIONS'] = str(stage.dir / 'none')
    sim = stage.sim('--kind=pen', '--live-period=50')
    daemon = stage.needled()
    if 'nothing can be acknowledged' not in daemon.text():
        raise Failure('no warning')
    stage.adopt()
    expect(session(stage, sim)['acknowledged'], False, 'runs')
    expect('contraindications_version' in plan(stage), False, 'no list')
    error = call(stage, *PLAN, 'Acknowledge', 'a{sv}', 1, 'version', 's', '1')[1]
    if 'no list of contraindications' not in error:
        raise Failure(error)
    expect(stage.ctl('acknowledge')[0], 1, 'needlectl')


def on_terminal(stage, answer):
    """needlectl acknowledge on a terminal of its own; returns its exit status and what it showed."""
    child, fd = pty.fork()
    if child == 0:
        os.execve(str(stage.binary('client/needlectl')), ['needlectl', 'acknowledge'], {**os.environ, **stage.env, 'TERM': 'dumb'})
    shown = b''
    answered = False
    while True:
        try:
            octets = os.read(fd, 4096)
        except OSError: # the terminal has no other end any more
            break
        if not octets:
            break
        shown += octets
        if shown.endswith(b'Enter shows the rest: '):
            os.write(fd, b'\n')
        if not answered and b'Type yes' in shown:
            os.write(fd, answer)
            answered = True
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_asked_on_a_terminal(stage):
    stage.needled()
    for answer in (b'no\n', b'y\n', b'\n', b'\x04'):
        status, shown = on_terminal(stage, answer)
        expect((status, 'Nothing was acknowledged' in shown), (1, True), repr(answer))
    expect('acknowledged_at' in plan(stage), False, 'not acknowledged')
    status, shown = on_terminal(stage, b'yes\n')
    expect((status, 'Acknowledged' in shown), (0, True), shown)
    expect('acknowledged_at' in plan(stage), True, 'acknowledged')
