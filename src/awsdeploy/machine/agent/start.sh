#!/bin/bash
# Puts a release of one service on this machine: builds it next to the one that is running, tests it on a port of its own,
# switches to it without a gap, and goes back if it does not answer then. Run it as root; without arguments it lists its
# commands. An interrupted run leaves the previous release running, and the next run works.
#
# This is the start of the agent: its files (awsdeploy/machine/agent) follow below, and Node.js reads them from here.
set -uo pipefail
export PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin
umask 022

if ! command -v node >/dev/null; then
  release=null
  case ${1:-} in deploy | join | rollback) release="\"${6:-}\"" ;; esac
  printf '@outcome {"outcome": "failed", "release": %s, "step": "tools", "diagnosis": "%s", "remedy": "%s", "previous": null}\n' \
    "$release" "node is not on this machine." "Run bash /opt/awsdeploy/bootstrap.sh again, or replace the machine."
  exit 1
fi

# shellcheck disable=SC2016 # JavaScript in single quotes
exec node -e '
  const files = {}
  const parts = require("fs").readFileSync(process.argv[1], "utf8").split(/^\/\/ === (\S+) ===\n/m)
  for (let at = 1; at < parts.length; at += 2) files[parts[at]] = parts[at + 1]
  const loader = { exports: null }
  new Function("module", "require", files["loader.js"])(loader, require)
  loader.exports(files, "main.js").main(process.argv.slice(2))' -- "$0" "$@"
