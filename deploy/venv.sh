#!/bin/sh
# Usage: venv.sh PYTHON DIR. Makes a virtual environment, or says the one command that lets it.
set -eu
python=$1 dir=$2
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "streamd needs Python 3.11 or newer; $python is $("$python" -V). Say: make PYTHON=/path/to/python3.11" >&2
    exit 1
}
[ -x "$dir/bin/pip" ] && exit 0
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian and Ubuntu split these two modules off the interpreter.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    else
        echo "Python's venv module is missing. Run: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi
rm -rf "$dir"
"$python" -m venv "$dir"
