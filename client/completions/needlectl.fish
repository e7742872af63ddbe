# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion of needlectl(1), which is asked itself what may come next.

function __needlectl_complete
    set -l words (commandline -opc)
    needlectl complete -- $words[2..-1] (commandline -ct) 2>/dev/null
end

function __needlectl_takes_files
    not string length -q -- (__needlectl_complete)
end

complete -c needlectl -f -k -a '(__needlectl_complete)'
complete -c needlectl -n __needlectl_takes_files -F
