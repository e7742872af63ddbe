# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people say of a session and what it warns of: set, told, found again after the service was killed, and in the record."""
import json
import os
import pathlib
import signal
import struct
import time

from stage import Failure, at_least, expect, wait_for
from test_forged import busctl
from test_pipeline import committed, finished

SOMEBODY = 65534 if os.geteuid() == 0 else None
HISTORY = 'org.needled.History1'
SESSION = 'org.needled.Session1'
FEATURE = '01 00 ff 0e 0a 00 03 10 00 20 4e ae 1e e8 03 c4 09 c8 00 ff ff'
STATUS = '03 1f 39 00 00 00 38 01 e4 70 00 00 f4 01 58 1b 01 00'
CONTACT, LIFTED, OVER = 0x1b01, 0x1201, 0x1f01      # a session; the motor and contact, neither, overpressure too
PERIOD_SEC = 0.1


def used(stage, *options, config=None):
    """A pen that is in use; its simulator and the live session."""
    sim = stage.sim('--kind=pen', '--seed=3', '--live-period=50', '--procedure=3600', *options)
    configure(stage, config)
    stage.needled()
    stage.adopt()
    sim.control('start')
    return sim, wait_for('a session', stage.live_session)


def configure(stage, text):
    if text:
        (stage.config_dir / 'needled.conf').write_text(text)


def write_tape(stage, values):
    """One Live value each 100 ms: (flags, mean force, strokes since the one before) each."""
    lines, strokes = ['needled-tape 1', 'profile omp1', '0 ! up', f'0 < feature {FEATURE}', f'0.05 < status {STATUS}'], 0
    for n, (flags, force, more) in enumerate(values):
        tick = 1000 * (n + 1)
        strokes += more
        octets = struct.pack('<HHIhhIHH', flags, n, tick, force, force + 100, strokes, tick & 0xffff, 500).hex(' ')
        lines.append(f'{0.1 + n * PERIOD_SEC:.6f} < live {octets}')
    path = stage.dir / 'hand.tape'
    path.write_text('\n'.join(lines) + '\n')
    return path


def play(stage, values, config=None):
    sim = stage.sim(f'--tape={write_tape(stage, values)}')
    configure(stage, config)
    stage.needled()
    stage.adopt()
    return sim


def used_without_areas(stage):
    """As used(), a device that does not tell areas by itself; the session."""
    play(stage, [(CONTACT, 900, 12)] * 1800)
    return wait_for('a session', stage.live_session)


def figures(stage):
    """Of the live session; None: there is none."""
    session = stage.live_session()
    return stage.json('show', session['id']) if session else None


def events(stage, session_id, user=None, check=True):
    """History1.GetEvents, without the variants' types; None: refused."""
    done = busctl(stage, 'call', 'org.needled', '/org/needled', HISTORY, 'GetEvents', 'ta{sv}', session_id, 0, user=user, check=check)
    if done.returncode != 0:
        return None
    return [{key: value['data'] for key, value in event.items()} for event in json.loads(done.stdout)['data'][0]]


def names(stage, session_id, kind):
    return [event['name'] for event in events(stage, session_id) if event['kind'] == kind]


def alerts(stage, code):
    return [alert for alert in figures(stage)['alerts'] if alert['code'] == code]


def watching(stage):
    watch = stage.start('watch', [stage.binary('client/needlectl'), 'watch', '--json', '--until-end'])
    wait_for('the stream', lambda: '"hello"' in watch.text())
    return watch


def records(watch, kind):
    """Only whole lines: the last one may be half written."""
    lines = [json.loads(line) for line in watch.text().rpartition('\n')[0].splitlines()]
    return [record for record in lines if record['type'] == kind]


def assert_said(shown, what):
    expect(shown['stage'], 'needling', f'stage {what}')
    expect(sorted(shown['stages']), ['cleanse', 'needling'], f'stages {what}')
    expect(shown['not_cleansed'], False, f'cleansed {what}')
    expect(shown['area'], 'chin', f'area {what}')
    expect('nose' in shown['areas'] and 'chin' in shown['areas'], True, f'areas {what}: {sorted(shown["areas"])}')


def test_stages_areas_and_marks_outlive_the_service(stage):
    session = used_without_areas(stage)
    watch = watching(stage)
    for words in (['stage', 'cleanse'], ['stage', 'needling'], ['area', 'nose'], ['mark', 'changed the head']):
        expect(stage.ctl(*words)[0], 0, ' '.join(words))
    wait_for('use of the nose', lambda: figures(stage)['areas'].get('nose', {}).get('strokes', 0) > 20)
    expect(stage.ctl('area', 'chin')[0], 0, 'another area')
    wait_for('use of the chin', lambda: figures(stage)['areas'].get('chin', {}).get('strokes', 0) > 20)
    assert_said(figures(stage), 'as they were set')
    wait_for('the area in the stream', lambda: any(r.get('area') == 'chin' for r in records(watch, 'live')))
    expect([r['text'] for r in records(watch, 'mark')], ['changed the head'], 'marks in the stream')
    expect([r.get('stage') for r in records(watch, 'state')][-1], 'needling', 'stage in the stream')
    # What is not committed when the service is killed is gone: 100 ms of it at most, or more where a disk is slow. The use of the nose is
    # committed with the area that comes after it, or before.
    before = figures(stage)
    wait_for('a commit', lambda: names(stage, session['id'], 'area') == ['nose', 'chin'] and names(stage, session['id'], 'mark') and
             committed(stage, session['id']) > 40)
    watch.stop(signal.SIGINT)
    expect(stage.daemon.stop(signal.SIGKILL), -signal.SIGKILL, 'exit status')
    stage.processes.remove(stage.daemon)
    stage.needled()
    wait_for('the same session going on', lambda: (stage.live_session() or {}).get('state') == 'running')
    assert_said(figures(stage), 'after the restart')
    at_least(figures(stage)['areas']['nose']['strokes'], before['areas']['nose']['strokes'], 'strokes of the nose')
    done = stage.json('finish')
    expect((done['session'], done['uuid']), (session['id'], session['uuid']), 'finish')
    finished(stage)
    expect(names(stage, session['id'], 'stage'), ['cleanse', 'needling'], 'stages in the record')
    expect(names(stage, session['id'], 'area'), ['nose', 'chin'], 'areas in the record')
    expect([e['text'] for e in events(stage, session['id']) if e['kind'] == 'mark'], ['changed the head'], 'marks in the record')
    expect(names(stage, session['id'], 'state')[-1], 'finished', 'the last state')
    times = [event['id'] for event in events(stage, session['id'])]
    expect(times, sorted(times), 'order of events')
    expect(stage.ctl('verify', session['id'])[:2], (0, ''), 'figures computed again')


def test_a_device_that_does_not_come_back(stage):
    """Its session ends when Window= is over; what comes after that is another one."""
    sim, session = used(stage, config='[Session]\nWindow=2\n')
    sim.control('advertise off')
    sim.control('drop 08')
    kept = finished(stage)[0]
    expect((kept['id'], kept['end_reason']), (session['id'], 'window'), 'the end')
    sim.control('advertise on')
    another = wait_for('another session', stage.live_session)
    expect(another['id'] > session['id'], True, 'another one')


def test_it_is_laid_aside(stage):
    """A session ends when there was no contact for IdleTimeout=, whatever the device says."""
    play(stage, [(CONTACT, 900, 12)] * 10 + [(LIFTED, 0, 0)] * 50, config='[Session]\nIdleTimeout=2\n')
    kept = finished(stage)[0]
    expect((kept['end_reason'], kept['strokes'] > 50), ('idle', True), 'the end')


def test_needling_without_cleanse_is_noted(stage):
    used(stage)
    expect(stage.ctl('stage', 'needling')[0], 0, 'stage')
    expect(figures(stage)['not_cleansed'], True, 'noted')
    expect(stage.live_session()['state'], 'running', 'and not blocked')


def test_overpressure_is_told_once(stage):
    """Two episodes within half a minute: both are counted, and one alert is raised and cleared."""
    calm, hard = [(CONTACT, 900, 12)] * 30, [(OVER, 3400, 12)] * 10
    play(stage, calm + hard + calm + hard + calm)
    watch = watching(stage)
    wait_for('the end', lambda: watch.child.poll() is not None)
    session = finished(stage)[0]
    expect(session['over_count'], 2, 'times over')
    shown = [r for r in records(watch, 'alert') if r['code'] == 'overpressure']
    told = [(r['code'], r['level'], r['raised']) for r in shown]
    expect(told, [('overpressure', 'warning', True), ('overpressure', 'warning', False)], 'alerts of the stream')
    expect([r['value'] for r in shown], [3500, 3500], 'the peak')
    kept = [event for event in events(stage, session['id']) if event['kind'] == 'alert' and event['name'] == 'overpressure']
    expect([(e['name'], e['level'], e['raised']) for e in kept], told, 'alerts of the record')
    if not all(e['text'] and e['value'] == 3500 for e in kept):
        raise Failure(f'alerts without text or value: {kept}')
    lines = [line for line in stage.daemon.text().splitlines() if 'the force went over its limit' in line]
    expect(len(lines), 1, 'entries in the journal')
    expect(any(word in lines[0] for word in ('3400', '3500', '3.4', '3.5')), False, f'what was measured in the journal: {lines[0]}')


def test_paused_when_it_is_lifted_and_resumed_by_use(stage):
    """15 s without contact make a pause, which is within the duration and no time in use."""
    play(stage, [(CONTACT, 900, 12)] * 20 + [(LIFTED, 0, 0)] * 200 + [(CONTACT, 900, 12)] * 100)
    wait_for('a pause', lambda: (stage.live_session() or {}).get('state') == 'paused')
    wait_for('use again', lambda: (stage.live_session() or {}).get('state') == 'running')
    shown = figures(stage)
    at_least(shown['paused_time'], 1_000_000, 'paused time')
    at_least(shown['duration'], shown['paused_time'], 'duration')
    session = finished(stage)[0]
    states = names(stage, session['id'], 'state')
    expect(states[states.index('paused'):], ['paused', 'running', 'finished'], 'states of the record')
    expect(stage.ctl('verify', session['id'])[:2], (0, ''), 'figures computed again')


def test_the_time_limit_warns_once(stage):
    """Of a device that is not told of it: it would stop by itself."""
    _, session = used(stage, config='[Session]\nTimeLimit=2\n[Bluetooth]\nSetParameters=no\n')
    wait_for('the alert', lambda: alerts(stage, 'time-limit'))
    shown = figures(stage)
    expect((shown['limit'], shown['remaining']), (2_000_000, 0), 'limit and what remains of it')
    expect(stage.live_session()['state'], 'running', 'the session, which goes on')
    before = shown['duration']
    wait_for('more use', lambda: figures(stage)['duration'] > before + 2_000_000)
    expect(len(alerts(stage, 'time-limit')), 1, 'alerts')
    expect(names(stage, session['id'], 'alert').count('time-limit'), 1, 'alerts of the record')
    expect(stage.daemon.text().count('the time limit is reached'), 1, 'entries in the journal')


def test_figures_come_while_much_happens(stage):
    """Once a second, although the state changes more often than that."""
    used(stage)
    watch = stage.start('watch', [stage.binary('client/needlectl'), 'watch', '--json'])

    def told():
        records = [json.loads(line) for line in watch.text().rpartition('\n')[0].splitlines()]
        return [record['type'] for record in records].count('figures')

    wait_for('the first figures', told)
    before, end = told(), time.monotonic() + 60
    while told() < before + 4:
        for verb in ('pause', 'resume'):
            stage.ctl(verb)             # use resumes it, too
        if time.monotonic() > end:
            raise Failure(f'{told() - before} figures in a minute')


def test_no_time_limit(stage):
    used(stage, config='[Session]\nTimeLimit=0\n')
    wait_for('figures', lambda: figures(stage).get('duration', 0) > 1_000_000)
    expect([key for key in ('limit', 'remaining') if key in figures(stage)], [], 'a limit that is none')


def test_zones_are_those_of_the_configuration(stage):
    used(stage, config='[Limits]\nZoneLow=100\nZoneHigh=400\nOverpressure=900\n')
    watch = watching(stage)
    wait_for('a state', lambda: records(watch, 'state'))
    expect(records(watch, 'state')[0]['zones'], {'good': 100, 'high': 400, 'over': 900}, 'zones of the stream')
    expect(watch.stop(signal.SIGINT), 0, 'watch')


def test_what_is_too_much_stands_where_only_that_is_configured(stage):
    used(stage, config='[Limits]\nOverpressure=1500\n')
    watch = watching(stage)
    wait_for('a state', lambda: records(watch, 'state'))
    expect(records(watch, 'state')[0]['zones'], {'good': 300, 'high': 1500, 'over': 1500}, 'zones end at it')
    expect(watch.stop(signal.SIGINT), 0, 'watch')


def test_zones_are_those_of_the_device_where_nothing_is_configured(stage):
    used(stage)
    watch = watching(stage)
    wait_for('its Control Point', lambda: stage.ctl('get')[0] == 0)
    expect(stage.ctl('set', 'zone_low_mn=250', 'zone_high_mn=1500')[0], 0, 'set')
    wait_for('the zones of the device', lambda: any((r['zones']['good'], r['zones']['high']) == (250, 1500) for r in records(watch, 'state')))
    expect(watch.stop(signal.SIGINT), 0, 'watch')


def test_labels_of_a_live_and_of_a_stored_session(stage):
    sim, session = used(stage)
    expect(stage.json('annotate', session['id'], 'subject=Ada', 'rating=3')['uuid'], session['uuid'], 'annotate a live one')
    sim.control('stop')
    expect(finished(stage)[0]['subject'], 'Ada', 'subject')
    wait_for('the end', lambda: stage.json('show', session['id']).get('end_reason'))
    expect(stage.json('annotate', session['id'], 'product=serum', 'subject=', 'rating=5'),
           {'session': session['id'], 'uuid': session['uuid']}, 'annotate a stored one')
    shown = stage.json('sessions')['sessions'][0]
    expect(shown.get('subject'), None, 'a label that was taken away')
    got = json.loads(busctl(stage, 'call', 'org.needled', '/org/needled', HISTORY, 'Get', 't', session['id']).stdout)['data'][0]
    expect((got['product']['data'], got['rating']['data']), ('serum', 5), 'product and rating')
    expect(stage.ctl('annotate', session['id'], 'colour=red')[0], 64, 'no such label')
    expect(stage.ctl('annotate', session['id'], 'rating=')[0], 0, 'a rating that is taken away')
    expect('Rating' in stage.ctl('show', session['id'])[1], False, 'a rating')
    expect([stage.ctl('annotate', session['id'], f'rating={rating}')[0] for rating in ('6', '0', ' ')], [64] * 3, 'no such rating')
    expect(stage.ctl('annotate', 4711, 'rating=5')[0], 3, 'no such session')


def test_another_user_is_refused(stage):
    _, session = used(stage)
    path = stage.live_session()['path']
    stage.dir.chmod(0o711)
    if SOMEBODY is None:        # nobody else to be: then at least oneself is let in
        busctl(stage, 'call', 'org.needled', path, SESSION, 'SetStage', 's', 'numb')
        return
    for method, arguments in (('SetStage', ['s', 'numb']), ('SetArea', ['s', 'nose']), ('Mark', ['s', 'mine']),
                              ('Annotate', ['a{sv}', 0]), ('GetFigures', [])):
        done = busctl(stage, 'call', 'org.needled', path, SESSION, method, *arguments, user=SOMEBODY, check=False)
        if done.returncode == 0 or 'belongs to another user' not in done.stderr:
            raise Failure(f'{method} by another user: {done.stdout} {done.stderr}')
    expect(events(stage, session['id'], user=SOMEBODY, check=False), None, 'events for another user')
    expect(stage.live_session().get('stage'), None, 'the stage')
    expect(names(stage, session['id'], 'mark'), [], 'marks')


def test_verbs_without_a_session_and_with_wrong_words(stage):
    stage.sim('--kind=pen')
    stage.needled()
    status, out, _ = stage.ctl('stage')
    expect((status, all(word in out for word in ('cleanse', 'numb', 'needling', 'aftercare', 'Source: '))), (0, True), 'what stages ask for')
    expect([s['stage'] for s in stage.json('stage')['stages']], ['cleanse', 'numb', 'needling', 'aftercare'], 'stages')
    at_least(len(stage.json('area')['areas']), 38, 'areas')
    for words, wanted in ((['stage', 'numb'], 2), (['area', 'nose'], 2), (['mark', 'x'], 2), (['stage', 'rinse'], 64), (['area', 'elbow'], 64),
                          (['mark', ''], 64), (['mark'], 64), (['annotate', '1'], 64), (['annotate', 'x', 'rating=1'], 3)):
        status, _, err = stage.ctl(*words)
        expect((status, bool(err)), (wanted, True), f'{words}: {err}')


def test_verbs_say_what_they_did(stage):
    used_without_areas(stage)
    expect(stage.json('stage', 'numb')['stage'], 'numb', 'stage')
    expect(stage.ctl('stage', 'numb')[0], 2, 'a stage that it is in already')
    expect('* numb' in stage.ctl('stage')[1], True, 'the current stage')
    expect(stage.json('area', 'chin')['area'], 'chin', 'area')
    expect(stage.ctl('area', 'chin')[0], 2, 'an area that it is in already')
    expect('* chin' in stage.ctl('area')[1], True, 'the current area')
    expect(stage.json('mark', 'it hurt')['mark'], 'it hurt', 'mark')
    expect('stage numb' in stage.ctl('status')[1], True, 'the stage in status')


def taken_in(stage, uuid, day):
    """A stored session of this UUID and day; its number."""
    tape = write_tape(stage, [(CONTACT, 900, 12)] * 30)
    tape.write_text(tape.read_text().replace('profile omp1\n', f'profile omp1\nsession {uuid}\nclock 2026-02-0{day}T14:05:00Z\n') + '3.5 = device\n')
    return stage.json('import', tape)['imported'][0]['session']


def test_stored_ones_by_number_uuid_or_latest(stage):
    tail = '-6a52-4f8e-9d0b-4d8c1f0a7e21'
    stage.needled()
    status, _, err = stage.ctl('show', 'latest')
    expect((status, 'there is no latest one' in err), (3, True), err)
    first, second, digits = (taken_in(stage, head + tail, day)
                             for day, head in enumerate(('cafe0001', 'cafe0002', '12345678'), 1))
    for typed, number in ((first, first), ('cafe0001', first), ('CAFE0002-6A', second), ('cafe0002' + tail, second), ('12345678-', digits),
                          ('last', digits), ('latest', digits)):
        expect(stage.json('show', typed)['id'], number, f'show {typed}')
    expect(stage.json('annotate', 'cafe0001', 'rating=4')['session'], first, 'annotate')
    expect(stage.json('verify', 'cafe0001')['verified'][0]['session'], first, 'verify')
    page, tape = stage.dir / 'page.html', stage.dir / 'one.tape'
    expect((stage.ctl('report', 'cafe0002', '-o', page)[0], f'cafe0002{tail}' in page.read_text()), (0, True), 'report')
    expect((stage.ctl('export', 'cafe0002', '-o', tape)[0], f'session cafe0002{tail}\n' in tape.read_text()), (0, True), 'export')
    expect([s['session'] for s in stage.json('verify', first, 'cafe0002')['verified']], [first, second], 'several')

    # Of what fits several, those are named; digits alone are a number, and three letters are none.
    several = f"'cafe' fits more than one session: {second} (cafe0002{tail}), {first} (cafe0001{tail}). Name one.\n"
    for words in (['show'], ['annotate', 'rating=1'], ['verify'], ['report'], ['export'], ['log'], ['delete', '--yes']):
        verb, *more = words
        expect(stage.ctl(verb, 'cafe', *more), (64, '', several), verb)
        for typed in ('cafe0003', *(('12345678', 'caf') if verb == 'delete' else ())):
            status, out, err = stage.ctl(verb, typed, *more)
            if verb == 'log':
                expect(status != 0 and not out, True, f'log {typed}: {status}')
            else:
                expect((status, out, err.count('\n')), (3, '', 1), f'{verb} {typed}: {err}')
    expect((stage.ctl('log', 'yesterday')[0], stage.ctl('log', 'latest')[0] in (1, 3, 4)), (64, True), 'log')

    # A file that is there comes before a beginning of a UUID.
    (stage.dir / 'cafe0001').write_text(tape.read_text())
    os.chdir(stage.dir)
    expect(list(stage.json('verify', 'cafe0001')['verified'][0])[0], 'file', 'a file')
    expect(stage.ctl('delete', 'cafe0001', str(first), '12345678-', '--yes', '-q'), (0, '', ''), 'delete, each once')
    expect([s['id'] for s in stage.sessions()], [second], 'what is left')
    expect(stage.ctl('delete', 'last')[0], 64, 'nobody is asked here, and nobody has said yes')
    expect((stage.ctl('delete', 'last', '--yes')[0], stage.sessions()), (0, []), 'the last')


def test_the_edge_of_a_page_is_deleted(stage):
    """A page goes on from the last session of the one before, which somebody may have deleted: those that are left are all listed."""
    history = stage.start('history', ['/usr/bin/python3', pathlib.Path(__file__).with_name('fake-history.py'), 1400])
    wait_for('history', lambda: 'ready' in history.text())
    ids = [s['id'] for s in stage.json('sessions', '--all')['sessions']]
    expect(sorted(set(range(1, 1401)) - set(ids)), [401, 901], 'sessions that are gone')
    expect(ids == sorted(set(ids), reverse=True), True, 'each once, the newest first')
    expect(len(stage.json('sessions', '--limit=1000')['sessions']), 1000, 'as many as were asked for')
