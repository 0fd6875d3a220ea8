#!/bin/sh
# In the sandbox a machine has no init: what is started, stopped, enabled and disabled is written down, nothing more.
# One file a unit below run/systemd: `active` and `enabled` stand for the states of the same name.
now=
quiet=
command=
units=
for word in "$@"; do
  case $word in
  --now) now=yes ;;
  -q | --quiet) quiet=yes ;;
  -*) ;;
  *) if [ -z "$command" ]; then command=$word; else units="$units ${word%.service}"; fi ;;
  esac
done
state=$ROOT/run/systemd
mkdir -p "$state/active" "$state/enabled"

change() { # what, yes or no
  for unit in $units; do
    if [ "$2" = yes ]; then : >"$state/$1/$unit"; else rm -f "$state/$1/$unit"; fi
  done
}

is() { # what, the word for yes, the word for no
  status=0
  for unit in $units; do
    if [ -e "$state/$1/$unit" ]; then word=$2; else word=$3 status=3; fi
    [ -n "$quiet" ] || echo "$word"
  done
  return $status
}

case $command in
start | restart | reload | reload-or-restart | try-restart) change active yes ;;
stop | kill) change active no ;;
enable)
  change enabled yes
  [ -z "$now" ] || change active yes
  ;;
disable | mask)
  change enabled no
  [ -z "$now" ] || change active no
  ;;
is-active) is active active inactive ;;
is-enabled) is enabled enabled disabled ;;
is-failed) exit 1 ;;
status) is active active inactive ;;
daemon-reload | reset-failed | unmask | '') ;;
*)
  echo "systemctl: the sandbox does not know $command" >&2
  exit 1
  ;;
esac
