#!/bin/sh
# Makes sure that the browser tests find Chromium: CHROMIUM, or `chromium` on the PATH.
set -eu
[ -n "${CHROMIUM:-}" ] && exit 0
command -v chromium >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing Debian's chromium for the browser tests"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends chromium >/dev/null && exit 0
fi
echo "The browser tests need Chromium. Run: sudo apt-get install chromium" >&2
exit 1
