#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone, with every warning.
set -eu
cd "$1"
bad=0
for header in $(find src -name '*.h' ! -name 'shape_struct.h' ! -name 'shape_desc.h' ! -name 'shape_undef.h'); do
    printf '#include "%s"\ntypedef int gj_header_check;\n' "${header#*/}" |
        cc -std=c17 -D_POSIX_C_SOURCE=200809L -Isrc -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
            -Wstrict-prototypes -Wundef -Werror -fsyntax-only -x c - || { echo "$header does not compile alone"; bad=1; }
done
exit $bad
