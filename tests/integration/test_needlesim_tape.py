# SPDX-License-Identifier: LGPL-2.1-or-later
"""needlesim plays a tape, and needled follows it as it would follow the device that the tape was made of."""
import struct

from stage import expect, wait_for

STATUS = '03 1f 39 00 00 00 38 01 e4 70 00 00 f4 01 58 1b 01 00'
FEATURE = '01 00 ff 0e 0a 00 03 10 00 20 4e ae 1e e8 03 c4 09 c8 00 ff ff'
PERIOD_SEC = 0.1
FLAGS = 0x1b01                  # a session, the motor, contact; with depth


def live(n):
    """The nth Live value: 12 strokes and 100 ms after the one before."""
    tick = 1000 * (n + 1)
    return struct.pack('<HHIhhIHH', FLAGS, n, tick, 800 + n, 1200 + n, 12 * n, tick & 0xffff, 500).hex(' ')


def write_tape(stage, frames, tail=()):
    lines = ['needled-tape 1', 'profile omp1', '# made by hand', '0 ! up', f'0 < feature {FEATURE}', f'0.05 < status {STATUS}']
    lines += [f'{0.1 + n * PERIOD_SEC:.6f} < live {live(n)}' for n in range(frames)]
    path = stage.dir / 'hand.tape'
    path.write_text('\n'.join([*lines, *tail]) + '\n')
    return path


def play(stage, path, *options):
    """The device with the tape, followed from its first frame on."""
    sim = stage.sim(f'--tape={path}', *options)
    stage.needled()
    stage.adopt()
    return sim


def test_a_tape_is_followed_as_a_device_is(stage):
    frames = 200
    sim = play(stage, write_tape(stage, frames), '--speed=4')
    kept = wait_for('a stored session', lambda: stage.sessions())[0]
    expect(kept['end_reason'], 'device', 'its end: after the tape the device rests')
    expect(kept['strokes'], 12 * (frames - 1), 'strokes')
    expect(kept['force_peak'], 1200 + frames - 1, 'peak force')
    expect(kept['depth_max'], 500, 'depth')
    expect(kept['gaps'], 0, 'gaps')
    expect(sim.status()['sent']['live'], frames, 'Live values')
    # Again, by the button.
    sim.control('start')
    wait_for('a second session', lambda: len(stage.sessions()) == 2)
    expect(sim.status()['sent']['live'], 2 * frames, 'Live values')


def test_a_cut_tape_is_played_up_to_there(stage):
    path = write_tape(stage, 50, ['9 < live 01 1b 0'])
    sim = play(stage, path, '--speed=4')
    wait_for('a stored session', lambda: stage.sessions())
    expect(sim.status()['sent']['live'], 50, 'Live values')
    expect(f'{path}:57: half an octet: a hexadecimal digit is missing' in sim.text(), True, 'what is said of it')
