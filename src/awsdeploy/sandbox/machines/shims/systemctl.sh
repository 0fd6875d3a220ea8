#!/bin/sh
# In the sandbox a machine has no systemd: this is what remains of it. Units in the machine's folder are really started
# and stopped; of all others (what user data started) it is only written down which are active and which enabled.
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- # what a service has inherited it would hold for ever
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
active=$ROOT/run/systemd
enabled=$ROOT/etc/systemd/enabled
mkdir -p "$active" "$enabled"

of() { # unit, what
  sed -n "s/^$2=//p" "$ROOT/etc/systemd/system/$1.service" 2>/dev/null
}

carried_out() { # unit, which line
  line=$(of "$1" "$2")
  [ -n "$line" ] || return 0
  # shellcheck disable=SC2046 # each word of Environment is a variable
  env $(of "$1" Environment) sh -c "$line"
}

start() {
  case $(of "$1" Type) in
  forking | oneshot) carried_out "$1" ExecStart </dev/null >/dev/null 2>&1 ;;
  *)
    carried_out "$1" ExecStart </dev/null >/dev/null 2>&1 &
    echo $! >"$active/$1.pid"
    ;;
  esac || {
    echo "Job for $1.service failed." >&2
    return 1
  }
  : >"$active/$1"
}

signalled() { # unit; with the signal it names, and killed after five seconds
  pid=$(cat "$(of "$1" PIDFile)" 2>/dev/null) || return 0
  signal=$(of "$1" KillSignal)
  signal=${signal:-SIGTERM}
  kill -s "${signal#SIG}" "$pid" 2>/dev/null
  for _ in $(seq 50); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL "$pid"
}

stop() {
  carried_out "$1" ExecStop </dev/null >/dev/null 2>&1
  [ -n "$(of "$1" ExecStop)" ] || signalled "$1"
  if [ -e "$active/$1.pid" ]; then
    pid=$(cat "$active/$1.pid")
    # The program stands below the shell that has started it.
    for one in $(ps -A -o pid= -o ppid= | awk -v top="$pid" '{ up[$1] = $2 }
      END { for (one in up) for (at = one; at > 1; at = up[at]) if (at == top) { print one; break } }'); do
      kill "$one" 2>/dev/null
    done
  fi
  rm -f "$active/$1" "$active/$1.pid"
}

is() { # the folder, the word for yes, the word for no
  status=0
  for unit in $units; do
    if [ -e "$1/$unit" ]; then word=$2; else word=$3 status=3; fi
    [ -n "$quiet" ] || echo "$word"
  done
  return "$status"
}

status=0
case $command in
is-active | status) is "$active" active inactive && exit 0 || exit 3 ;;
is-enabled) is "$enabled" enabled disabled && exit 0 || exit 1 ;;
is-failed) exit 1 ;;
daemon-reload | reset-failed | unmask | '') exit 0 ;;
esac
for unit in $units; do
  case $command in
  start) [ -e "$active/$unit" ] || start "$unit" || status=1 ;;
  restart | reload-or-restart | try-restart)
    [ ! -e "$active/$unit" ] || stop "$unit"
    start "$unit" || status=1
    ;;
  reload) carried_out "$unit" ExecReload || status=1 ;;
  stop | kill) stop "$unit" ;;
  enable)
    : >"$enabled/$unit"
    [ -z "$now" ] || start "$unit" || status=1
    ;;
  disable | mask)
    rm -f "$enabled/$unit"
    [ -z "$now" ] || stop "$unit"
    ;;
  *)
    echo "systemctl: the sandbox does not know $command" >&2
    exit 1
    ;;
  esac
done
exit "$status"
