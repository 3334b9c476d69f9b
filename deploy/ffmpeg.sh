#!/bin/sh
# Makes sure that the RTMP tests find an encoder that is not ours: `ffmpeg` on the PATH.
set -eu
command -v ffmpeg >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing Debian's ffmpeg for the RTMP tests"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends ffmpeg >/dev/null && exit 0
fi
echo "The RTMP tests need ffmpeg. Run: sudo apt-get install ffmpeg" >&2
exit 1
