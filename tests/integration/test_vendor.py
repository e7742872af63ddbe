# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that do not speak the profile: needlesim is made from a vendor file, and needled follows it by the same file."""
import json
import signal

from stage import Failure, at_least, expect, wait_for



def start(stage, name, *options):
    """needlesim and needled with the shipped folder, and the device adopted, bonded or not."""
    sim = stage.sim('--seed=5', f'--profile={stage.shipped_profiles() / name}', *options)
    stage.needled()
    return sim, stage.adopt('--allow-unbonded')


def begin(stage, sim):
    sim.control('start')
    return wait_for('a running session', lambda: (s := stage.live_session()) and s['state'] == 'running' and s)


def end(stage, sim):
    """Stops the device; returns the session as it was stored."""
    sim.control('stop')
    wait_for('the end', lambda: not stage.live_session())
    return wait_for('a stored session', lambda: stage.sessions())[0]


def test_simplepen_streams_and_is_stored(stage):
    sim, device = start(stage, 'simplepen.mnprofile')
    expect(device['profile'], 'example.simplepen', 'profile')
    expect(device['kind'], 'pen', 'kind')
    session = begin(stage, sim)
    sent = sim.status()['sent'].get('data', 0)      # what is still 0 is left out
    wait_for('more packets', lambda: sim.status()['sent'].get('data', 0) >= sent + 60)
    sim.control('stop')
    expect(stage.ctl('finish')[0], 0, 'finish')     # it has no way to say that its session ends
    kept = wait_for('a stored session', lambda: stage.sessions())[0]
    expect(kept['id'], session['id'], 'session')
    at_least(kept['strokes'], 1, 'strokes')
    at_least(kept['force_peak'], 1, 'peak force')
    expect('depth' in kept, False, 'depth, which it cannot tell')
    expect(stage.json('verify', kept['id'])['verified'][0]['differences'], [], 'figures that its record does not give again')
    wait_for('the battery', lambda: 0 <= stage.device('pen').get('battery', -1) <= 100)
    expect(sum(sim.status()['refused'].values()), 0, 'refused by the socket')


def test_oralb_comes_back_in_the_same_session(stage):
    sim, device = start(stage, 'oralb.mnprofile', '--no-bond')
    expect(device['bonded'], False, 'bonded')
    expect(device['profile'], 'com.oralb.brush', 'profile')
    session = begin(stage, sim)
    sim.control('drop 08')
    wait_for('a second link', lambda: stage.daemon.text().count('pen is connected') == 2)
    wait_for('the session to go on', lambda: (s := stage.live_session()) and s['state'] == 'running')
    kept = end(stage, sim)
    expect(stage.json('verify', kept['id'])['verified'][0]['differences'], [], 'figures that its record does not give again')
    expect((kept['id'], kept['gaps'], kept['end_reason']), (session['id'], 1, 'device'), 'session')
    expect([k for k in ('strokes', 'force_peak', 'depth', 'punctures') if k in kept], [], 'figures that it cannot tell')


def test_profile_that_has_gone(stage):
    _, device = start(stage, 'simplepen.mnprofile')
    expect(stage.daemon.stop(), 0, 'exit status')
    stage.env['NEEDLED_PROFILES_PATH'] = str(stage.config_dir)
    stage.needled()
    refused = wait_for('refusal', lambda: (d := stage.device('pen')) and d['state'] == 'refused' and d)
    expect(refused['profile'], device['profile'], 'the profile that is remembered')
    if f'its profile example.simplepen is not loaded; put the file back into {stage.config_dir}' not in stage.daemon.text():
        raise Failure(f'the journal does not say what to do: {stage.daemon.text()}')
    expect(stage.daemon.stop(), 0, 'exit status')

    stage.shipped_profiles()
    stage.needled()
    wait_for('streaming', lambda: stage.streaming('pen'))


def load(stage, folder):
    """The service again, with the profiles of this folder alone; so has needlectl."""
    expect(stage.daemon.stop(), 0, 'exit status')
    stage.env['NEEDLED_PROFILES_PATH'] = str(folder)
    stage.needled()


def taken_away(stage, sim, name):
    """A session that was exported to a file of this name, and is not here any more."""
    begin(stage, sim)
    sent = sim.status()['sent'].get('data', 0)
    wait_for('more packets', lambda: sim.status()['sent'].get('data', 0) >= sent + 60)
    sim.control('stop')
    expect(stage.ctl('finish')[0], 0, 'finish')
    kept = wait_for('a stored session', lambda: stage.sessions())[0]
    path = stage.dir / name
    expect(stage.ctl('export', kept['id'], '--format', path.suffix[1:], '-o', path)[0], 0, 'export')
    expect(stage.ctl('delete', kept['id'], '--yes')[0], 0, 'delete')
    return kept, path


def test_taken_in_without_its_profile(stage):
    sim, _ = start(stage, 'simplepen.mnprofile')
    kept, path = taken_away(stage, sim, 'a.tape')
    load(stage, stage.config_dir)
    back = stage.json('import', path)['imported'][0]['session']
    load(stage, stage.shipped_profiles())

    expect('strokes' in stage.sessions()[0], False, 'a figure, which nobody could compute')
    status, out, _ = stage.ctl('verify', back, '--json')
    verified = json.loads(out)['verified'][0]
    expect((status, verified['equal'], verified['figures']['strokes']), (1, False, kept['strokes']), 'as JSON')
    expect(('figures_version' in verified, [d for d in verified['differences'] if 'stored' in d]), (False, []), 'what is stored')
    status, out, err = stage.ctl('verify', back, '--no-legend')
    expect((status, err), (1, f'Session {back}: none of its figures are stored.\n'), 'in words')
    expect([line.split()[:2] for line in out.splitlines()], [[d['figure'], 'absent'] for d in verified['differences']], 'the same figures')

    expect(stage.ctl('delete', back, '--yes')[0], 0, 'delete')
    back = stage.json('import', path)['imported'][0]['session']
    expect(stage.sessions()[0]['strokes'], kept['strokes'], 'taken in with it')
    expect(stage.json('verify', back)['verified'][0]['figures_version'] > 0, True, 'figures that are stored')


def test_json_comes_back_whatever_the_profile_calls_it(stage):
    sim, _ = start(stage, 'simplepen.mnprofile')
    kept, path = taken_away(stage, sim, 'a.json')
    before = json.loads(path.read_text())
    expect(before['session']['names'], '0=data', 'the name of its channel')
    folder = stage.dir / 'renamed'
    folder.mkdir()
    text = (stage.shipped_profiles() / 'simplepen.mnprofile').read_text()
    (folder / 'simplepen.mnprofile').write_text(text.replace('[Characteristic data]', '[Characteristic values]').replace('Char=data', 'Char=values'))

    load(stage, folder)
    back = stage.json('import', path)['imported'][0]['session']
    expect(stage.sessions()[0]['strokes'], kept['strokes'], 'figures, by the profile that calls it otherwise')
    expect(stage.ctl('delete', back, '--yes')[0], 0, 'delete')

    load(stage, stage.config_dir)
    back = stage.json('import', path)['imported'][0]['session']
    bare = stage.dir / 'b.json'
    expect(stage.ctl('export', back, '--format=json', '-o', bare)[0], 0, 'export without the profile')
    after = json.loads(bare.read_text())
    expect((after['session']['names'], after['session']['channels']), ('0=channel-0', before['session']['channels']), 'its channel')
    expect([(f['t'], f['x']) for f in after['frames']], [(f['t'], f['x']) for f in before['frames']], 'frames')
    expect(stage.ctl('delete', back, '--yes')[0], 0, 'delete')

    load(stage, stage.shipped_profiles())
    expect(stage.ctl('import', bare)[0], 0, 'taken in by the profile')
    expect(stage.sessions()[0]['strokes'], kept['strokes'], 'figures')


def test_contact_is_where_it_is_configured(stage):
    """A gauge tells its force and not its contact: a session of it begins with contact."""
    config = stage.config_dir / 'needled.conf'
    config.write_text('[Limits]\nContactOn=32000\nContactOff=31000\n')
    sim, _ = start(stage, 'tindeq.mnprofile')
    sim.control('start')
    wait_for('packets', lambda: sim.status()['sent'].get('data', 0) >= 30)
    expect(stage.live_session(), None, 'a session without contact')

    config.write_text('[Limits]\nContactOn=1000\nContactOff=500\n')
    stage.daemon.child.send_signal(signal.SIGHUP)
    wait_for('a session', stage.live_session)
    sent = sim.status()['sent']['data']
    wait_for('more packets', lambda: sim.status()['sent']['data'] >= sent + 30)
    expect(stage.ctl('finish')[0], 0, 'finish')
    kept = wait_for('a stored session', lambda: stage.sessions())[0]
    at_least(kept['contact_time'], 1, 'time in contact')
    expect(stage.json('verify', kept['id'])['verified'][0]['differences'], [], 'figures that its record does not give again')
    expect('contact-on=1000 contact-off=500' in stage.ctl('export', str(kept['id']))[1], True, 'the limits on its tape')
