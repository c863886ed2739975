#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/launch.sh" src/cli/run.ts configs "$@"
