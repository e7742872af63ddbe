# SPDX-License-Identifier: LGPL-2.1-or-later
"""What docs/admin.md lets everybody type works as printed: the first device, an export and its import. The rest is in tests/vm/test_admin.py."""
import os

from printed import run_document
from stage import at_least, expect


def test_lines_work_as_printed(stage):
    stage.sim('--auto-start', '--procedure=5')
    stage.needled()
    (stage.dir / 'bin').mkdir()
    (stage.dir / 'bin' / 'needlectl').symlink_to(stage.binary('client/needlectl').resolve())
    stage.env['PATH'] = f'{stage.dir}/bin:{os.environ["PATH"]}'
    at_least(run_document(stage, 'admin.md'), 8, 'commands')
    expect(len(stage.sessions()), 1, 'sessions')
