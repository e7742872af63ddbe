# SPDX-License-Identifier: LGPL-2.1-or-later
"""A second client, which shares nothing with needlectl, does a whole job from the search to the forgetting: client.py."""
import pathlib

from stage import expect, wait_for

CLIENT = pathlib.Path(__file__).resolve().parent / 'client.py'


def test_a_whole_job(stage):
    sim = stage.sim('--kind=pen', '--seed=7', '--live-period=50', '--waveform=500')
    stage.needled()
    client = stage.start('client', [CLIENT])
    wait_for('the client', lambda: 'use it' in client.text() or not client.running())
    sim.control('start')
    expect(client.child.wait(300), 0, f'the client ({client.text()})')
    expect(client.text().split('\n'), ['use it', 'done', ''], 'what it says')
    expect((stage.device('mine'), stage.sessions()), (None, []), 'what is left')
