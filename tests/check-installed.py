#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-installed.py LIST BUILD PREFIX SYSCONFDIR [with-tests]: what `meson install` installs is what the list says: no file more, none fewer, each with
its mode; and it is of use where it is: pkg-config tells where the interfaces are, presets say which unit starts by itself.

In the list a line is "MODE PATH", as with the prefix /usr; a # begins a remark. What -Dinstalled_tests=true adds is not in it, and is run.
Prints TAP.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile


def read_list(path):
    """{path: mode}; an error if a line is no entry or is there twice."""
    entries = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.partition('#')[0].strip()
        if not line:
            continue
        mode, _, name = line.partition(' ')
        assert name and set(mode) <= set('01234567') and name not in entries, f'{path.name}:{number}: {line}'
        entries[name] = mode
    return entries


def installed(root, prefix, sysconfdir):
    """{path: mode} of the files below root, as if the prefix were /usr."""
    entries = {}
    for path in root.rglob('*'):
        if path.is_dir() and not path.is_symlink():
            continue
        name = f'/{path.relative_to(root)}'
        for place, usual in ((f'{os.path.join(prefix, sysconfdir)}/', 'etc/'), (f'{prefix}/', 'usr/')):
            if name.startswith(place):
                name = usual + name[len(place):]
                break
        entries[name] = f'{path.lstat().st_mode & 0o7777:o}'
    return entries


def differences(wanted, found):
    lines = [f'{name} is not installed' for name in sorted(wanted.keys() - found.keys())]
    lines += [f'{name} is installed, and not in the list' for name in sorted(found.keys() - wanted.keys())]
    lines += [f'{name} has the mode {found[name]}, not {wanted[name]}'
              for name in sorted(wanted.keys() & found.keys()) if wanted[name] != found[name]]
    return lines


def output(*words, **environment):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          env={**os.environ, **environment})
    return done.stdout.strip()


def test_check_sees_differences(_):
    wanted = {'usr/bin/a': '755', 'usr/bin/b': '755', 'usr/bin/c': '755'}
    found = {'usr/bin/a': '755', 'usr/bin/b': '700', 'usr/bin/d': '755'}
    assert differences(wanted, wanted) == []
    assert differences(wanted, found) == ['usr/bin/c is not installed', 'usr/bin/d is installed, and not in the list',
                                          'usr/bin/b has the mode 700, not 755']


def test_nothing_is_missing_and_nothing_too_many(stage):
    found = installed(stage.root, stage.prefix, stage.sysconfdir)
    wrong = differences(stage.wanted, {name: mode for name, mode in found.items() if '/installed-tests/needled/' not in name})
    assert not wrong, '\n'.join(wrong)


def test_pkg_config_tells_where_the_interfaces_are(stage):
    data = f'{stage.prefix}/share'
    ask = {'PKG_CONFIG_PATH': f'{stage.root}{data}/pkgconfig', 'PKG_CONFIG_LIBDIR': ''}
    assert output('pkg-config', '--variable=interfaces_dir', 'needled', **ask) == f'{data}/dbus-1/interfaces'
    assert list(pathlib.Path(f'{stage.root}{data}/dbus-1/interfaces').glob('org.needled.*1.xml'))
    source = '#include <needled/stream.h>\n#include <needled/message-ids.h>\n'
    flags = output('pkg-config', '--cflags', 'needled', **ask, PKG_CONFIG_SYSROOT_DIR=str(stage.root),
                   PKG_CONFIG_ALLOW_SYSTEM_CFLAGS='1')
    done = subprocess.run(['cc', '-fsyntax-only', '-xc', *flags.split(), '-'], input=source, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert flags and done.returncode == 0, f'{flags}: {done.stdout}'


def test_texts_name_the_program_where_it_is(stage):
    """It is in nobody's PATH: what is to be typed has its folder."""
    data = f'{stage.prefix}/share/man'
    for path in (f'{os.path.join(stage.prefix, stage.sysconfdir)}/needled/needled.conf', f'{stage.prefix}/lib/systemd/catalog/needled.catalog',
                 f'{data}/man5/needled.conf.5', f'{data}/man7/needled-events.7'):
        text = pathlib.Path(f'{stage.root}{path}').read_text().replace('\\-', '-').replace('\\(lq', '"')
        found = set(re.findall(r'[^\s"\'(]*needled +--check-config', text))
        assert found == {f'{stage.prefix}/libexec/needled --check-config'}, f'{path}: {found}'


def test_presets_start_the_service_and_no_exports(stage):
    for scope, unit, state in (('--system', 'needled.service', 'enabled'), ('--global', 'needled-export.service', 'disabled')):
        said = output('systemctl', scope, f'--root={stage.root}', 'preset', unit)
        assert output('systemctl', scope, f'--root={stage.root}', 'is-enabled', unit) == state, said


def test_installed_tests_pass(stage):
    """As gnome-desktop-testing-runner would run them, if this were the root."""
    described = [line for file in sorted(stage.root.rglob('installed-tests/needled/*.test')) for line in file.read_text().splitlines()]
    commands = [line.partition('=')[2].split() for line in described if line.startswith('Exec=')]
    assert commands, 'there are none'
    programs = {word for words in commands for word in words if '/installed-tests/' in word}
    found = {f'/{path.relative_to(stage.root)}' for path in stage.root.rglob('libexec/installed-tests/needled/*')}
    assert programs == found, programs ^ found
    for words in commands:
        there = [re.sub(f'(^|=){stage.prefix}/', rf'\1{stage.root}{stage.prefix}/', word) for word in words]
        done = subprocess.run(there, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              env={**os.environ, 'PATH': f'{stage.root}{stage.prefix}/bin:{os.environ["PATH"]}'})
        assert done.returncode == 0, f'{" ".join(words)}: status {done.returncode}:\n{done.stdout[-3000:]}'


class Stage:
    def __init__(self, root, wanted, build, prefix, sysconfdir):
        self.root, self.wanted, self.prefix, self.sysconfdir = pathlib.Path(root), read_list(pathlib.Path(wanted)), prefix, sysconfdir
        done = subprocess.run(['meson', 'install', '-C', build, '--no-rebuild', '--destdir', root], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f'Bail out! meson install failed: {done.stdout[-2000:]}')


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith('test_')]
    if sys.argv[5:] != ['with-tests']:
        tests.remove(('test_installed_tests_pass', test_installed_tests_pass))
    print(f'1..{len(tests)}')
    failed = 0
    with tempfile.TemporaryDirectory(prefix='needled-installed-') as root:
        stage = Stage(root, *sys.argv[1:5])
        for number, (name, test) in enumerate(tests, 1):
            try:
                test(stage)
                print(f'ok {number} - {name}')
            except AssertionError as error:
                failed += 1
                print(f'not ok {number} - {name}')
                print('\n'.join(f'# {line}' for line in str(error).splitlines()))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
