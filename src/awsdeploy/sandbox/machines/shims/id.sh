#!/bin/sh
# The machines of the sandbox have no users of their own: one called `app` on this machine is somebody else.
for word in "$@"; do
  if [ "$word" = app ]; then
    echo "id: 'app': no such user" >&2
    exit 1
  fi
done
for program in /usr/bin/id /bin/id; do
  [ ! -x "$program" ] || exec "$program" "$@"
done
exit 127
