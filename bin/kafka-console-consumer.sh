#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/launch.sh" console-consumer "$@"
