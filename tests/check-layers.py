#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each layer knows what it may know, and nothing else.

The table is the one of docs/architecture.md. What a folder includes must be in its row; what it must never say must not be in its
text. The check proves itself first on planted violations, so that it cannot pass by seeing nothing.
"""
import pathlib
import re
import sys

C = {'assert.h', 'endian.h', 'errno.h', 'inttypes.h', 'limits.h', 'math.h', 'stdarg.h', 'stdbool.h', 'stddef.h', 'stdint.h', 'stdio.h',
     'stdlib.h', 'string.h', 'strings.h', 'sys/types.h'}
GLIB = {'glib.h', 'glib/gstdio.h'}
SYSTEMD = {'systemd/sd-bus.h', 'systemd/sd-event.h', 'systemd/sd-id128.h', 'systemd/sd-daemon.h', 'systemd/sd-journal.h'}

# layer: (C headers beyond those above may be used, libraries, own folders, words that must not occur)
LAYERS = {
    'daemon/codec': (False, set(), {'codec', 'needled'},
                     r'\b(g_[a-z]+_|sd_|sqlite3|clock_gettime|time\(|printf|log_)'),
    'daemon/profiles': (True, GLIB, {'codec', 'profiles', 'needled'}, r'\b(sd_|sqlite3)'),
    'daemon/session': (False, GLIB, {'codec', 'session', 'needled'},
                       r'org\.bluez|\b(sd_|sqlite3|clock_gettime|g_get_|open\(|fopen|log_(error|warning|notice|info|with))'),
    'daemon/store': (True, GLIB | {'sqlite3.h'}, {'store', 'needled', 'clock'}, r'org\.bluez|\b(sd_|omp_|session/|log_(error|warning|notice|info|with))'),
    'daemon/link': (True, GLIB | SYSTEMD, {'link', 'profiles', 'codec', 'needled', 'log', 'autoptr', 'clock', 'finding'}, r'org\.needled\.(?!PairingAgent1)|sqlite3'),
    'daemon/bus': (True, GLIB | SYSTEMD, {'bus', 'link', 'session', 'store', 'profiles', 'needled', 'log', 'autoptr', 'clock', 'finding'},
                   r'org\.bluez|sqlite3|\bSELECT |\bomp_[a-z]+_decode'),
    'client': (True, GLIB | SYSTEMD | {'jansson.h', 'archive.h', 'archive_entry.h', 'cairo.h', 'cairo-pdf.h'}, {'client', 'codec', 'profiles', 'session', 'needled'}, r'org\.bluez|sqlite3'),
}
# What stands beside the layers: as theirs, but that the third are all headers of ours that may be included, by folder or by name.
TOP = {
    'boot-id fdstore watchdog': (True, GLIB | {'systemd/sd-daemon.h', 'systemd/sd-event.h', 'systemd/sd-id128.h'},
                                 {'boot-id', 'fdstore', 'watchdog', 'clock', 'log', 'store'}, r'org\.bluez|\bsd_bus_|sqlite3'),
    'clock': (True, GLIB, {'clock'}, r'org\.bluez|\bsd_'),
    'config config-file': (True, GLIB, {'config', 'config-file'}, r'org\.bluez|\bsd_|sqlite3'),
    'contraindications': (True, GLIB, {'contraindications'}, r'org\.bluez|\bsd_|sqlite3'),
    'finding': (True, GLIB, {'finding'}, r'org\.bluez|\bsd_'),
    'log log-budget log-name': (True, GLIB | {'systemd/sd-event.h', 'systemd/sd-journal.h'}, {'log', 'log-budget', 'clock', 'needled'},
                                r'org\.bluez|\bsd_bus_|sqlite3'),
    'sleep': (True, GLIB | {'systemd/sd-bus.h', 'systemd/sd-event.h'}, {'sleep', 'autoptr', 'log'}, r'org\.bluez|sqlite3'),
    'status-text': (True, GLIB, {'status-text'}, r'org\.bluez|\bsd_|sqlite3'),
    # These join the layers, and say nothing that is one's own.
    'main doctor hub*': (True, GLIB | SYSTEMD, None, r'org\.bluez\.|\bsqlite3_|\bSELECT '),
}
# GLib is a library of containers, strings and key files here: one loop, and it is sd-event.
BANNED = re.compile(r'\b(g_main_|g_timeout_|g_idle_|g_object_|g_dbus_|g_io_|G_DEFINE_TYPE)|<gio/|<glib-object\.h>')
BANNED_IN = ('daemon', 'client')
INCLUDE = re.compile(r'^\s*#\s*include\s*(<([^>]+)>|"([^"]+)")', re.M)
COMMENT = re.compile(r'/\*.*?\*/', re.S)


def check_text(folder, name, text):
    """Returns what is wrong with one file of a folder of LAYERS, or of those of a row of TOP."""
    system, libraries, own, never = LAYERS[folder] if folder in LAYERS else TOP[folder]
    code = COMMENT.sub('', text)
    layer = folder.rsplit('/', 1)[-1] if folder in LAYERS else pathlib.Path(name).stem
    wrong = []
    for match in INCLUDE.finditer(code):
        if match.group(2):
            header = match.group(2)
            known_library = header in libraries or header in C
            if not known_library and (not system or header in GLIB | SYSTEMD | {'sqlite3.h', 'jansson.h'}):
                wrong.append(f'{name}: {layer} must not include <{header}>')
        else:
            header = match.group(3)
            room = header.split('/')[0] if '/' in header else pathlib.Path(header).stem
            if own is None:
                continue
            if ('/' in header or folder in TOP) and room not in own:
                wrong.append(f'{name}: {layer} must not include "{header}"')
            elif '/' not in header and room not in own and not (pathlib.Path(name).parent / header).exists():
                wrong.append(f'{name}: {layer} must not include "{header}"')
    for match in re.finditer(never, INCLUDE.sub('', code)):
        wrong.append(f'{name}: {layer} must not say "{match.group(0)}"')
    return wrong


def prove_itself():
    planted = [
        ('daemon/codec', '#include <glib.h>\n'), ('daemon/codec', 'void f(void) { clock_gettime(0, 0); }\n'),
        ('daemon/session', '#include "store/store.h"\n'), ('daemon/session', '#include <systemd/sd-bus.h>\n'),
        ('daemon/session', 'static const char *a = "org.bluez";\n'), ('daemon/store', '#include "session/session.h"\n'),
        ('daemon/store', '#include <systemd/sd-event.h>\n'), ('daemon/link', '#include "store/store.h"\n'),
        ('daemon/link', '#include <sqlite3.h>\n'), ('daemon/bus', 'static const char *a = "org.bluez.Device1";\n'),
        ('daemon/bus', '#include <sqlite3.h>\n'), ('client', '#include "store/store.h"\n'),
        ('clock', '#include "log.h"\n'), ('status-text', '#include <systemd/sd-daemon.h>\n'), ('sleep', '#include "link/link.h"\n'),
        ('config config-file', '#include "store/store.h"\n'), ('main doctor hub*', 'static const char *a = "org.bluez.Device1";\n'),
    ]
    for folder, text in planted:
        if not check_text(folder, f'{folder}/planted.c', text):
            sys.exit(f'the check is blind: {folder} may say {text!r}')
    if not BANNED.search('g_main_loop_run(loop);'):
        sys.exit('the check is blind to GLib main loops')


def main():
    top = pathlib.Path(__file__).resolve().parent.parent
    wrong = []
    seen = 0
    prove_itself()
    for folder in LAYERS:
        files = sorted((top / folder).glob('*.[ch]'))
        seen += len(files)
        if not files:
            wrong.append(f'{folder}: no sources found')
        for path in files:
            wrong += check_text(folder, str(path), path.read_text())
    rest = {path for path in (top / 'daemon').glob('*.[ch]') if path.stem != 'autoptr'}
    for row in TOP:
        files = {path for name in row.split() for path in (top / 'daemon').glob(f'{name}.[ch]')}
        rest -= files
        seen += len(files)
        for path in sorted(files):
            wrong += check_text(row, str(path), path.read_text())
    wrong += [f'{path}: stands in no row of this check' for path in sorted(rest)]
    for folder in BANNED_IN:
        for path in sorted((top / folder).rglob('*.[ch]')):
            for match in BANNED.finditer(COMMENT.sub('', path.read_text())):
                wrong.append(f'{path}: {match.group(0)} does not belong into {folder}/')
    for path in sorted(top.rglob('*.[ch]')):
        relative = path.relative_to(top)
        if relative.parts[0].startswith(('build', '.')):
            continue
        if 'SPDX-License-Identifier: LGPL-2.1-or-later' not in path.read_text()[:120]:
            wrong.append(f'{relative}: no SPDX line')
    if wrong:
        sys.exit('\n'.join(w.replace(str(top) + '/', '') for w in wrong))
    print(f'{seen} files keep to their layers')


if __name__ == '__main__':
    main()
