#!/bin/sh
# In the sandbox a machine's programs all run as whoever runs the sandbox: `runuser -u app -- command` runs the command.
while [ $# -gt 0 ]; do
  case $1 in
  -u | --user | -g | --group | -G | --supp-group) shift 2 ;;
  --) shift && break ;;
  -*) shift ;;
  *) break ;;
  esac
done
exec "$@"
