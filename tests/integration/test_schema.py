# SPDX-License-Identifier: LGPL-2.1-or-later
"""What needlectl --json prints is what docs/needlectl.schema.json says: each verb, without the service, without a device, with
live and stored sessions. A verb that is in no list here fails."""
import json
import pathlib
import re
import shutil

import jsonschema

from stage import Failure, at_least, expect, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / 'docs/needlectl.schema.json').read_text())
PROFILE = ROOT / 'daemon/profiles/simplepen.mnprofile'

# Verbs that print no data of their own: why.
NO_DATA = {
    'help': 'text for people',
    'setup': 'a conversation, on a terminal alone; each of its steps is a verb of its own',
}
# Those that have a schema but cannot be seen to print here: why.
NOT_SEEN = {
    'log': 'journalctl prints it, and a stage has no journal; test_journal in the guest reads it',
}

# Without the service: what follows the verb where something must, and the exit code where it is not 5.
ARGUMENTS = {
    'adopt': ['pen'], 'forget': ['pen'], 'alias': ['pen', 'new'], 'autoconnect': ['on'], 'set': ['live_period_ms=50'],
    'mark': ['here'], 'show': ['1'], 'annotate': ['1', 'rating=4'], 'export': ['--all'], 'delete': ['1', '--yes'],
    'erase': ['--yes'], 'verify': ['1'],
    'record': ['-o', 'away.tape'], 'import': ['no-such-file'], 'report': ['1'], 'replay': ['no-such-file'], 'profile': ['list'],
}
WITHOUT_SERVICE = {'help': 0, 'setup': None, 'profile': 0, 'replay': 3, 'import': 3, 'log': None}
# On a service that has no device and no session.
WITHOUT_DEVICE = {
    **dict.fromkeys(('help', 'profile', 'status', 'devices', 'sessions', 'plan', 'version', 'stage', 'area', 'export'), 0),
    **dict.fromkeys(('pause', 'resume', 'finish', 'discard', 'mark', 'export', 'erase'), 2),
    **dict.fromkeys(('search', 'adopt', 'forget', 'alias', 'connect', 'release', 'autoconnect', 'identify', 'tare', 'stop-motor',
                     'get', 'set',
                     'sync', 'start', 'show', 'annotate', 'delete', 'verify', 'import', 'replay'), 3),
    'acknowledge': 64, 'setup': None, 'report': None, 'doctor': None, 'log': None,
}
WAITING = ('watch', 'record')           # for a session

# These say something beside the one sentence, or instead of it.
SAYS_MORE = ('search', 'doctor', 'watch', 'log', 'acknowledge', 'setup')


def is_sentence(err):
    """One line, or two of which the second only says what the first was about."""
    lines = err.splitlines()
    about = len(lines) == 2 and lines[1].startswith('This was about ')
    return len(lines) == 1 + about and re.fullmatch(r'\S.*[.?]|Usage: .*', lines[0])


def validator(verb):
    return jsonschema.Draft202012Validator({**SCHEMA, '$ref': f'#/$defs/{verb}'})


class Asking:
    """needlectl --json, whose output is looked at."""

    def __init__(self, stage):
        self.stage = stage
        self.seen = set()

    def check(self, verb, out, what):
        """The objects of an output, one a line, each as the schema has it."""
        if out and not out.endswith('\n'):
            raise Failure(f'{what}: half a line: {out!r}')
        try:
            objects = [json.loads(line) for line in out.splitlines()]
            for one in objects:
                wrong = jsonschema.exceptions.best_match(validator(verb).iter_errors(one))
                if wrong:
                    raise Failure(f'{what}: {wrong.json_path}: {wrong.message}; in {json.dumps(one)[:2000]}')
        except ValueError as e:
            raise Failure(f'{what}: {e}: {out[:2000]!r}') from None
        if objects:
            self.seen.add(verb)
        return objects

    def __call__(self, verb, *args, status=0):
        """The only object, or all that came; None if there was none. `status` None: any."""
        got, out, err = self.stage.ctl(verb, *args, '--json')
        what = f'needlectl {verb} {" ".join(map(str, args))}'
        if status is not None:
            expect(got, status, f'{what}: exit code ({err})')
        if verb in NO_DATA:
            return None
        objects = self.check(verb, out, what)
        said = is_sentence(err) or (err and verb in SAYS_MORE) or verb == 'doctor'     # which has its findings
        if got not in (0, 2) and not said:
            raise Failure(f'{what}: status {got}, and not one sentence: {err!r}')
        return objects[0] if len(objects) == 1 else objects or None


def every_verb(stage):
    status, out, _ = stage.ctl('complete', '--', '')
    expect(status, 0, 'complete')
    return [line.split('\t')[0] for line in out.splitlines()]


def test_the_schema_has_every_verb(stage):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    verbs = {name for name in SCHEMA['$defs'] if name[0].islower()}
    expect(sorted(every_verb(stage)), sorted(verbs | set(NO_DATA)),
           'verbs of needlectl, and those of docs/needlectl.schema.json and NO_DATA')
    expect(verbs & set(NO_DATA), set(), 'both')
    # Closed: what is not named is noticed, at any depth.
    version = {'needlectl': '1', 'needled': '1', 'features': []}
    session = {'id': 1, 'uuid': '0b8f5c1e-6a52-4f8e-9d0b-4d8c1f0a7e21', 'start': 1, 'owner': 0, 'source': 'live',
               'acknowledged': False}
    for verb, right, wrong in (('version', version, {'more': 1}), ('sessions', {'sessions': [session]},
                                                                   {'sessions': [{**session, 'more': 1}]}),
                               ('sessions', {'sessions': [session]}, {'sessions': [{**session, 'start': '1'}]}),
                               ('show', session, {'areas': {'chin': {'more': 1}}}), ('show', session, {'lost': {'more': 1}})):
        expect(validator(verb).is_valid(right), True, f'{verb} {right}')
        expect(validator(verb).is_valid({**right, **wrong}), False, f'{verb} {wrong}')


def test_without_the_service(stage):
    ask = Asking(stage)
    for verb in every_verb(stage):
        ask(verb, *ARGUMENTS.get(verb, []), status=WITHOUT_SERVICE.get(verb, 5))
    expect(ask.seen, {'version', 'doctor', 'profile', 'import', 'verify'}, 'verbs that say something all the same')


def without_a_device(stage, ask):
    for verb in every_verb(stage):
        if verb not in WAITING:
            args = ['--seconds=1'] if verb == 'search' else ARGUMENTS.get(verb, [])
            ask(verb, *args, status=WITHOUT_DEVICE[verb])
    ask('acknowledge', ask('plan')['contraindications_version'])
    ask('acknowledge', status=2)


def with_a_device(stage, ask, sim):
    def found():
        return ask('search', '--seconds=1', status=None)['devices']
    address = wait_for('a found device', found)[0]['address']
    ask('adopt', address, '--alias=pen')
    wait_for('streaming', lambda: ask('devices')['devices'][0]['state'] == 'streaming')
    for verb, *args in (('alias', 'pen', 'p2'), ('alias', 'p2', 'pen'), ('autoconnect', 'off'), ('autoconnect', 'on'),
                        ('release', '--for=1h'), ('connect',)):
        ask(verb, *args)
    wait_for('what else it is asked for', lambda: stage.ctl('get')[0] == 0)     # its Control Point comes behind its values
    for verb, *args in (('identify',), ('tare',), ('stop-motor',), ('get',), ('get', 'live_period_ms'), ('set', 'live_period_ms=50')):
        ask(verb, *args)
    wait_for('what it had stored', lambda: ask('sessions')['sessions'])
    wait_for('the end of it', lambda: ask('devices')['devices'][0]['sync']['phase'] == 'idle')
    ask('sync', status=2)
    ask('doctor', status=None)


def live(stage, ask, sim):
    watching = stage.start('watch', [stage.binary('client/needlectl'), 'watch', '--json'])
    taping = stage.start('record', [stage.binary('client/needlectl'), 'record', '--json', '-o', stage.dir / 'live.tape'])
    ask('start', '--subject=me', '--area=chin', '--note=a note')
    ask('pause')
    ask('resume')
    sim.control('start')
    wait_for('use', lambda: ask('status')['sessions'][0]['state'] == 'running')
    before = sim.status()['sent']['live']
    for verb, *args in (('stage',), ('stage', 'needling'), ('area',), ('area', 'chin'), ('mark', 'here'), ('stage', 'none'),
                        ('status',)):
        ask(verb, *args, status=None if verb == 'area' else 0)
    number = ask('status')['sessions'][0]['id']
    for verb, *args in (('show', number), ('annotate', number, 'rating=3')):
        ask(verb, *args)
    sim.control('drop 08')
    wait_for('the gap', lambda: '"gap"' in watching.text())
    wait_for('more of it', lambda: sim.status()['sent']['live'] > before + 60)
    ask('finish')
    wait_for('the end', lambda: '"end"' in watching.text() and not taping.running())
    expect((watching.stop(), taping.stop()), (0, 0), 'watch and record')
    expect({r['type'] for r in ask.check('watch', watching.text(), 'watch')} >= {'hello', 'live', 'state', 'mark', 'gap',
                                                                                 'figures', 'end'}, True, 'records')
    ask.check('record', '\n'.join(line for line in taping.text().splitlines() if line[0] == '{') + '\n', 'record')
    ask('start')
    ask('discard')
    ask('finish', status=2)
    return number


def stored(stage, ask, number):
    at_least(len(ask('sessions', '--all')['sessions']), 2, 'sessions')
    for verb, *args in (('show', number), ('annotate', number, 'product=none'), ('plan',), ('verify', number),
                        ('verify', stage.dir / 'live.tape')):
        ask(verb, *args)
    at_least(len(ask('show', number)['events']), 3, 'events')
    ask('export', number, '-o', stage.dir / 'one.json', '--format=json')
    ask('export', '--all', '--format=json', '-o', stage.dir / 'all.zip')
    ask('export', number, status=64)
    ask('report', number)
    ask('report', '--all')
    for args in ([number], ['--all']):
        ask('report', *args, '--redact')
    ask('report', number, '-o', stage.dir / 'page.html')
    ask('import', stage.dir / 'all.zip', status=2)
    at_least(len(ask('replay', stage.dir / 'live.tape', '--speed=0')), 20, 'records of the tape')
    shutil.copy(PROFILE, stage.dir / 'p.mnprofile')
    for args in (['list'], ['show', PROFILE], ['show', 'omp1'], ['lint', PROFILE], ['lint', PROFILE, stage.dir / 'p.mnprofile'],
                 ['try', PROFILE, f'--hex={"00 " * 3}'.rstrip()]):
        ask('profile', *args, status=None)
    ask('delete', number, '--yes')
    ask('import', stage.dir / 'one.json')
    ask('show', number, status=3)
    ask('erase', '--yes')
    ask('forget', 'pen')


def test_every_verb(stage):
    ask = Asking(stage)
    sim = stage.sim('--kind=pen', '--records=1', '--crc', '--live-period=50', '--procedure=3600')
    sim.control('advertise off')
    stage.needled()
    without_a_device(stage, ask)
    sim.control('advertise on')
    with_a_device(stage, ask, sim)
    stored(stage, ask, live(stage, ask, sim))
    expect(set(every_verb(stage)) - ask.seen, {*NO_DATA, *NOT_SEEN}, 'verbs that were not seen to print')
