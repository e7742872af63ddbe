# SPDX-License-Identifier: LGPL-2.1-or-later
"""needlectl profile: what there is, whether it is right, what it makes of a packet. None of it needs the service."""
import json
import pathlib

from stage import Failure, at_least, expect

SHIPPED = sorted((pathlib.Path(__file__).resolve().parents[2] / 'daemon' / 'profiles').glob('*.mnprofile'))

PEN = '''[Profile]
Format=1
Id=example.testpen
Name=Test pen
Kind=pen
Match=name:TestPen*

[Characteristic data]
UUID=0000fff1-0000-1000-8000-00805f9b34fb
Use=notify
MinLength=4
MaxLength=4
Header=a5

[Field contact]
Char=data
Offset=1
Type=u8
Enum=0:off;1:on
Meaning=contact

[Field force]
Char=data
Offset=2
Type=u16
Endian=be
Unit=gf
Scale=1
Meaning=force

[Test good]
Char=data
Hex=a5 01 00 64
Expect=contact=on;force=980.665

[Test header]
Char=data
Hex=a6 01 00 64
Expect=header
'''


def written(stage, name, text):
    path = stage.dir / name
    path.write_text(text)
    return path


def lint(stage, *files):
    status, out, err = stage.ctl('profile', 'lint', *files)
    return status, out.splitlines(), err


def test_what_is_shipped_is_right(stage):
    at_least(len(SHIPPED), 4, 'files')
    status, problems, err = lint(stage, *SHIPPED)
    expect((status, problems), (0, []), f'lint ({err})')
    status, out, _ = stage.ctl('profile', 'lint', '--json', *SHIPPED)
    reply = json.loads(out)
    expect((status, reply['files'], reply['problems']), (0, len(SHIPPED), []), 'lint as JSON')
    at_least(reply['tests'], 2 * len(SHIPPED), 'tests')


def test_each_problem_is_named_with_its_line(stage):
    def line_of(text, what):
        return text[:text.index(what)].count('\n') + 1

    for what, wrong in (('Kind=pen', 'Kindness=pen'), ('Unit=gf', 'Unit=pound'), ('Offset=2', 'Offset=3'), ('Format=1', 'Format=2'),
                        ('Expect=header', 'Expect=check'), ('force=980.665', 'force=980.7')):
        text = PEN.replace(what, wrong)
        path = written(stage, 'wrong.mnprofile', text)
        status, problems, _ = lint(stage, path)
        expect(status, 1, f'status of {wrong}')
        at_least(len(problems), 1, f'problems of {wrong}')
        number = int(problems[0].removeprefix(f'{path}:').split(':')[0])
        near = line_of(text, wrong)
        if not near - 4 <= number <= near + 4:
            raise Failure(f'{wrong} stands in line {near}, and not {problems}')
    status, problems, _ = lint(stage, written(stage, 'large.mnprofile', '#' * (1 << 20)), stage.dir / 'none.mnprofile')
    expect((status, len(problems)), (1, 2), f'a file of 1 MiB and one that is not there: {problems}')


def test_two_files_for_one_device(stage):
    one = written(stage, 'one.mnprofile', PEN)
    two = written(stage, 'two.mnprofile', PEN.replace('example.testpen', 'example.other'))
    expect(lint(stage, one)[:2], (0, []), 'one file')
    status, problems, _ = lint(stage, one, two)
    expect((status, len(problems)), (1, 1), f'two files: {problems}')
    expect(str(two) in problems[0] and str(one) in problems[0], True, f'both are named: {problems}')
    expect(lint(stage, one, written(stage, 'three.mnprofile', PEN))[0], 1, 'one id twice')


def test_list_says_which_file_wins(stage):
    for folder in ('etc', 'usr'):
        (stage.dir / folder).mkdir(exist_ok=True)
        written(stage, f'{folder}/pen.mnprofile', PEN.replace('Test pen', f'Pen of {folder}'))
    stage.env['NEEDLED_PROFILES_PATH'] = f'{stage.dir}/etc:{stage.dir}/usr:{stage.dir}/none'
    profiles = stage.json('profile', 'list')['profiles']
    expect([(p['id'], p['name'], p['used']) for p in profiles],
           [('omp1', 'Open Microneedling Profile 1', True), ('example.testpen', 'Pen of etc', True), ('example.testpen', 'Pen of usr', False)],
           'profiles')
    expect(stage.ctl('profile')[1].count('overridden'), 1, 'overridden')
    expect(stage.json('profile', 'show', 'example.testpen')['name'], 'Pen of etc', 'the one that is shown')
    written(stage, 'etc/broken.mnprofile', 'broken\n')
    status, out, err = stage.ctl('profile', 'list')
    expect((status, 'example.testpen' in out, 'broken.mnprofile:1: ' in err), (0, True, True), f'with a broken file ({err})')


def test_show(stage):
    path = written(stage, 'pen.mnprofile', PEN)
    shown = stage.json('profile', 'show', path)
    expect((shown['id'], shown['kind'], shown['matches'], shown['tests']), ('example.testpen', 'pen', ['name:TestPen*'], ['good', 'header']),
           'the profile')
    expect(shown['fields'][1], {'name': 'force', 'characteristic': 'data', 'offset': 2, 'type': 'u16', 'meaning': 'force', 'unit': 'gf'},
           'a field')
    out = stage.ctl('profile', 'show', path)[1]
    for part in ('name:TestPen*', '0000fff1-0000-1000-8000-00805f9b34fb', 'force', 'gf'):
        expect(part in out, True, f'{part} in {out}')
    expect(stage.ctl('profile', 'show', 'example.nobody')[0], 3, 'an id that is not there')
    expect(stage.ctl('profile', 'show', stage.dir / 'none.mnprofile')[0], 3, 'a file that is not there')
    expect(stage.ctl('profile', 'show', 'omp1')[0], 0, 'the one that is built in')


def test_try_a_packet(stage):
    path = written(stage, 'pen.mnprofile', PEN)
    reply = stage.json('profile', 'try', path, '--hex=a5 01 00 64')
    expect(reply, {'characteristic': 'data', 'values': [
        {'field': 'contact', 'value': 'on', 'unit': '1', 'meaning': 'contact'},
        {'field': 'force', 'value': 980.665, 'unit': 'mN', 'meaning': 'force'}]}, 'values')
    out = stage.ctl('profile', 'try', path, '--char=data', '--hex=a5070064')[1]
    expect('unknown-7' in out and '980.665' in out and 'mN' in out, True, f'a table: {out}')
    for octets, why in (('a6 01 00 64', 'header'), ('a5 01 00', 'length')):
        status, _, err = stage.ctl('profile', 'try', path, f'--hex={octets}')
        expect((status, why in err), (1, True), f'{octets}: {err}')
    for args in ((path,), (path, '--hex=a'), (path, '--hex=a5', '--tape=x'), (path, '--char=else', '--hex=a5'), (), (path, path, '--hex=a5')):
        expect(stage.ctl('profile', 'try', *args)[0], 64, f'usage {args}')
    status, _, err = stage.ctl('profile', 'try', 'omp1', '--hex=00')
    expect((status, 'built in' in err), (3, True), f'the one without a file ({err})')
    expect(stage.ctl('profile', 'frobnicate')[0], 64, 'an action that there is not')
    expect(stage.ctl('profile', 'try', path, f'--hex={"00" * 513}')[0], 64, 'a packet that is too long')


def test_try_a_tape(stage):
    path = written(stage, 'pen.mnprofile', PEN)
    tape = written(stage, 'pen.tape', 'needled-tape 1\nprofile example.older\nchannel 4 stream 0000fff1-0000-1000-8000-00805f9b34fb\n'
                   'channel 5 other 0000fff9-0000-1000-8000-00805f9b34fb\n0 ! up\n0.5 < stream a5 01 00 64\n0.6 < other 01\n'
                   '0.7 < stream a6 01 00 64\n0.8 > stream a5 01 00 64\n')
    status, out, err = stage.ctl('profile', 'try', path, f'--tape={tape}')
    lines = out.splitlines()
    expect((status, len(lines)), (1, 2), f'packets ({err})')
    expect('contact=on;force=980.665' in lines[0] and 'rejected: ' in lines[1], True, f'values: {lines}')
    status, out, _ = stage.ctl('profile', 'try', path, f'--tape={tape}', '--json')
    expect([json.loads(line)['time'] for line in out.splitlines()], [500000, 700000], 'times')
    nothing = written(stage, 'none.tape', 'needled-tape 1\nprofile omp1\n0.1 < live 01\n')
    expect(stage.ctl('profile', 'try', path, f'--tape={nothing}')[0], 2, 'nothing of this profile')
    cut = written(stage, 'cut.tape', tape.read_text().replace('0.6 < other 01', '0.6 < other 0'))
    status, out, err = stage.ctl('profile', 'try', path, f'--tape={cut}')
    expect((status, len(out.splitlines()), f'{cut}:7: ' in err), (1, 1, True), f'a damaged tape ({err})')
