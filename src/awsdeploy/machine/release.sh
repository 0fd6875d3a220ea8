#!/bin/bash
# Puts a release of one service on this machine: builds it beside the one that serves, tries it on a port of its own,
# switches to it without a gap, and goes back if it does not answer then.
#
#   release.sh deploy   STACK SERVICE REGION BUCKET ID    as in: release.sh deploy shop/prod backend ap-northeast-2 b 20…
#   release.sh join     STACK SERVICE REGION BUCKET ID    as deploy, on a further machine: migrations have run already
#   release.sh rollback STACK SERVICE REGION BUCKET ID    a release that is on the machine; built again if it is not
#   release.sh restart  STACK SERVICE REGION BUCKET       the environment is read again, the processes are reloaded
#   release.sh catchup  STACK SERVICE REGION BUCKET       what releases/SERVICE/current.json names; for new machines
#   release.sh exec     STACK SERVICE REGION BUCKET LINE  a command line in the release that serves, with its environment
#   release.sh releases STACK SERVICE REGION BUCKET       one line of JSON: which there are, and which serves
#
# Run as root, as often as you like. An interrupted run leaves the old release serving, and the next one works.
# Lines that begin with @ are for programs: `@step NAME`, and at the end always `@outcome {…}`.
# Bash 3.2 and the tools of Amazon Linux 2 suffice. With ROOT everything happens below that folder.
# shellcheck disable=SC2016 # what stands in single quotes is JavaScript
set -uo pipefail

readonly VERSION=1
readonly COMMAND=${1:-} STACK=${2:-} SERVICE=${3:-} REGION=${4:-} BUCKET=${5:-}
RELEASE=${6:-}

readonly ROOT=${ROOT:-}
readonly PATIENCE=${PATIENCE:-60}          # s until a started release has to answer
readonly LOCK_SECONDS=${LOCK_SECONDS:-600} # s to wait for another release
readonly SHOWN=50                          # lines of a failed step's log
readonly SMALL=4194304                     # kB of memory; below it Node.js is told how much a build may take
readonly SRV=$ROOT/srv/app RECORDS=$ROOT/var/lib/awsdeploy LOGS=$ROOT/var/log/awsdeploy APP_LOGS=$ROOT/var/log/app
readonly RELEASES=$SRV/releases SHARED=$SRV/shared CURRENT=$SRV/current
# exec has a folder of its own and keeps nothing, so that it is in no other run's way.
case $COMMAND in
exec) readonly WORK=$RECORDS/exec.$$ LOG=/dev/null STEP_LOG=/dev/null ;;
*) readonly WORK=$RECORDS/release LOG=$LOGS/release.log STEP_LOG=$RECORDS/release/step.log ;;
esac
readonly LOCK=$RECORDS/release.lock
readonly ACCESS=$SHARED/repository # what opens a repository, while it is fetched from
# What root knows of releases, where nobody else writes: for each its manifest and whether it is complete, and which one
# serves. The folders of releases are the application's, so nothing there decides what root does.
readonly KNOWN=$RECORDS/releases SERVING=$RECORDS/current
readonly DATABASE_CA=$ROOT/opt/awsdeploy/rds-ca.pem # of the region's databases
readonly BUILDS=$RECORDS/build # the variables of an installation and a build, while they run
readonly NAME='^[A-Za-z0-9][A-Za-z0-9._-]*$'
readonly CANDIDATE=$SERVICE-candidate PLACEHOLDER=awsdeploy-placeholder.service UNIT=awsdeploy-application.service
readonly NGINX_UNIT=awsdeploy-nginx.service NGINX_CONFIG=$ROOT/etc/nginx/awsdeploy.conf NGINX_PID=$ROOT/run/nginx.pid
readonly NGINX_LOGS=$ROOT/var/log/nginx
export PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin
umask 022

STEP=begin DIAGNOSIS='' REMEDY='' OUTCOME=ok PREVIOUS='' SWITCHING='' GROUP='' ENDS='' LOCKED='' STATUS=0
DIRECTORY='' PORT='' HEALTH='' MIGRATE='' KEEP='' MEMORY_MB='' DATABASE='' BEHIND=''

# What is known to go wrong. A row: a pattern of the failed step's log (JavaScript, any case, the last line is
# `exit status N`), one sentence of diagnosis, one of remedy. $1 is what the pattern's first group caught. The first
# row that fits is taken, so what is particular comes before what is general.
known_failures() {
  cat <<'TABLE'
^git fetch \S+[^]*(?:Authentication failed|could not read (?:Username|Password)|returned error: 40[13]|Permission denied \(|Access denied|HTTP Basic) @@ git refused: the server does not let this machine read the repository. @@ Connect it with a token or key that may read it: `awsdeploy repository connect`.
^git fetch \S+[^]*Host key verification failed @@ git refused: the repository's server has a different host key than when it was connected. @@ Make sure that it is the right server, then: `awsdeploy repository connect`.
^git fetch (\S+)[^]*(?:repository '[^']*' not found|Repository not found|returned error: 404|does not appear to be a git repository) @@ The repository $1 does not exist, or the stored token or key cannot read it. @@ Correct release.repository in the config, or connect it again: `awsdeploy repository connect`.
^git fetch \S+ (\w{7})[^]*not our ref @@ The repository does not have the commit $1: it was not pushed. @@ Push it (git push), and deploy again.
^git fetch (\S+)[^]*(?:Could not resolve host|Failed to connect|Could not connect|Connection (?:timed out|refused|reset)|Operation too slow) @@ The server of $1 cannot be reached from this machine. @@ Check whether it is reachable from the internet, or set source = "local".
ENOSPC|no space left on device|disk quota exceeded @@ The disk is full. @@ Give the service a larger disk (volume_gb), or keep fewer releases.
heap out of memory|exit status 137|signal:? SIGKILL|^Killed @@ The build ran out of memory. @@ Use a larger instance_type, or limit the memory of the build.
E40[13]\b.*|ERR_PNPM_FETCH_40[13]|Request failed "40[13]|authentication token not provided|YN0041 @@ The package registry denied access to a private package. @@ Store a token for it: `awsdeploy env set SERVICE NPM_TOKEN --build`, and name ${NPM_TOKEN} in .npmrc.
(?:E404|ERR_PNPM_FETCH_404|YN0035)[^]{0,300}?(@[\w.-]+(?:/|%2f)[\w.-]+) @@ The package registry has no package $1: it is private or does not exist. @@ Store a token for it: `awsdeploy env set SERVICE NPM_TOKEN --build`, and name ${NPM_TOKEN} in .npmrc.
E404|ERR_PNPM_FETCH_404|YN0035 @@ The package registry does not know one of the packages. @@ Check its name above. If it is private: `awsdeploy env set SERVICE NPM_TOKEN --build`.
EUSAGE|can only install packages when your package.json and package-lock.json|lockfile needs to be updated|ERR_PNPM_OUTDATED_LOCKFILE|YN0028 @@ The lock file does not match package.json. @@ Install once on your computer, commit the lock file, and deploy again.
EBADENGINE|The engine "node" is incompatible|ERR_PNPM_UNSUPPORTED_ENGINE @@ A package requires a Node.js version that this machine does not have. @@ Change engines.node in package.json, or the platform: "supported" has a newer Node.js.
(?:^|[ :])([\w@./-]+): (?:command )?not found @@ The program `$1` was not found. @@ Add the package that contains it to package.json and commit the lock file.
exit status 127 @@ A program that this step runs was not found. @@ Add the package that contains it to package.json and commit the lock file.
AccessControlListNotSupported @@ An upload sets an ACL, but the bucket does not allow ACLs (AccessControlListNotSupported). @@ Remove the ACL from the upload: the bucket policy already makes uploads/ public.
ER_NO_SUCH_TABLE|P2021|Table '[^']*' doesn't exist|relation "[^"]*" does not exist @@ A table of the database is missing. @@ Set the migration command in config.toml (migrate), so that it runs before the switch.
ER_SECURE_TRANSPORT_REQUIRED|insecure transport are prohibited @@ The database refuses connections without TLS. @@ Pass `ssl: { ca: fs.readFileSync(process.env.DB_SSL_CA) }` to the driver (docs/your-application.md: for each library), or set database.tls = "optional" and run `awsdeploy up`.
HANDSHAKE_SSL_ERROR @@ The driver does not trust the database's certificate. @@ Pass `ssl: { ca: fs.readFileSync(process.env.DB_SSL_CA) }` to it (docs/your-application.md: for each library).
ER_ACCESS_DENIED|Access denied for user|P1000 @@ The database refused the user or the password. @@ Check whether DB_USER, DB_PASSWORD or DATABASE_URL was set manually: `awsdeploy env list`. MariaDB says the same to connections without TLS: see DB_SSL_CA in docs/your-application.md.
ER_BAD_DB_ERROR|Unknown database|P1003 @@ The database server does not have a database of this name. @@ Check whether DB_NAME was set manually: `awsdeploy env list`.
ECONNREFUSED [^ ]*:(?:3306|5432)\b|ECONNREFUSED.*(?:mysql|maria|sequelize|typeorm|prisma)|(?:mysql|maria|sequelize|typeorm|prisma).*ECONNREFUSED @@ The database refused the connection. @@ Read DB_HOST and DB_PORT from the environment, and check whether the database is running: `awsdeploy status`.
ETIMEDOUT [^ ]*:(?:3306|5432)\b|ER_CONN.*TIMEOUT|connect ETIMEDOUT|P1001|Can't reach database server|HandshakeInactivityTimeout @@ The database did not answer in time. @@ Read DB_HOST from the environment, and check the database's security group: `awsdeploy plan`.
(?:ENOTFOUND|EAI_AGAIN) ([\w.-]+) @@ The hostname $1 cannot be resolved. @@ Check whether a variable with this value was set manually: `awsdeploy env list`.
EADDRINUSE[^\n]*?:(\d+)\b @@ Port $1 is taken by another program. @@ Read the port from PORT, and let each process listen on its own.
bind\(\) to [^ ]*:(\d+) failed \((?:98|48): @@ Port $1 is taken by another program. @@ Find it (ss -ltnp) and stop it: nginx needs this port.
EACCES[^\n]*?:(\d+)\b @@ The program has no permission to listen on port $1. @@ Listen on the port in PORT; ports below 1024 are for root.
Cannot find (?:module|package) '([^']+)' @@ The program imports $1, which was not found. @@ Is it built, committed, and in dependencies rather than devDependencies?
Could not find a production build @@ There is no build to start. @@ Give package.json a script named build.
Missing script:? "?([\w:.-]+) @@ package.json has no script named $1. @@ Add it, or correct the command.
TABLE
}

main() {
  case $COMMAND in
  deploy | join | rollback) [[ -n $RELEASE ]] || usage ;;
  exec)
    [[ -n $RELEASE ]] || usage
    LINE=$RELEASE RELEASE=''
    ;;
  restart | catchup | releases) ;;
  *) usage ;;
  esac
  local given
  for given in "$STACK" "$SERVICE" "$REGION" "$BUCKET"; do [[ $given =~ ^[A-Za-z0-9][A-Za-z0-9./_-]*$ ]] || usage; done
  [[ $SERVICE != */* && ( -z $RELEASE || $RELEASE =~ $NAME ) ]] || usage
  whose
  [[ -d $KNOWN ]] || adopt
  if [[ $COMMAND == releases ]]; then
    printf '{"current": %s, "releases": [%s]}\n' "$(json "$(current)")" "$(complete_ones | quoted)"
    exit 0
  fi
  trap finish EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
  trap '' HUP PIPE
  if [[ $COMMAND == exec ]]; then
    execute
    return
  fi
  install -d -m 700 "$WORK" && install -d -m 755 "$LOGS" || exit 1
  say "release.sh $VERSION: $COMMAND ${STACK/\//-} $SERVICE ${RELEASE:-} ($(date -u +%Y-%m-%dT%H:%M:%SZ))"
  lock
  : >"$STEP_LOG"
  ready
  "$COMMAND"
}

usage() {
  sed -n '5,11s/^# *//p' "$0" >&2
  exit 2
}

deploy() {
  fetch_manifest
  if [[ $PREVIOUS == "$RELEASE" ]] && complete "$RELEASE" && serves && { [[ -z $BEHIND ]] || nginx_runs; }; then
    OUTCOME=unchanged
    tell "$RELEASE"
    return
  fi
  local fresh=''
  if ! complete "$RELEASE"; then
    fresh=yes
    fetch_code
  fi
  environment
  need_nginx
  if [[ -n $fresh ]]; then
    install_packages
    build
    migrate
  fi
  put
}

join() {
  MIGRATIONS=no
  deploy
}

rollback() {
  MIGRATIONS=no
  deploy
}

catchup() {
  step fetch
  local named
  if ! aws s3 cp --only-show-errors --region "$REGION" "s3://$BUCKET/releases/$SERVICE/current.json" "$WORK/current.json" \
    >>"$STEP_LOG" 2>&1; then
    # AWS: who may not list a bucket is told 403 of what is not there.
    if grep -Eq '\((404|403)\)|Not Found|NoSuchKey|Forbidden' "$STEP_LOG"; then
      say "No release of $SERVICE yet."
      OUTCOME=unchanged
      return
    fi
    broken 1 "s3://$BUCKET/releases/$SERVICE/current.json could not be read."
  fi
  named=$(node -e 'const c = JSON.parse(require("fs").readFileSync(process.argv[1])); console.log(c.id || c.release)' \
    -- "$WORK/current.json") && [[ $named =~ $NAME ]] ||
    fail "releases/$SERVICE/current.json contains no release." "Deploy again: \`awsdeploy deploy $SERVICE\`."
  RELEASE=$named MIGRATIONS=no
  deploy
}

restart() {
  RELEASE=$PREVIOUS
  [[ -n $RELEASE ]] || fail "This machine has no release yet." "Deploy one: \`awsdeploy deploy $SERVICE\`."
  STEP=environment
  manifest "$KNOWN/$RELEASE/manifest.json"
  environment
  need_nginx
  put
}

# Masked as a deploy's output is, also what runs with older values than are stored now.
execute() {
  STEP='exec'
  local left
  for left in "$RECORDS"/exec.*; do # by a run that was killed
    kill -0 "${left##*.}" 2>/dev/null || rm -rf "$left"
  done
  RELEASE=$(current)
  [[ -n $RELEASE ]] || fail "This machine has no release yet." "Deploy one: \`awsdeploy deploy $SERVICE\`."
  install -d -m 700 "$WORK" "$WORK/parameters" || fail "$WORK cannot be created." "Check the disk: df -h."
  manifest "$KNOWN/$RELEASE/manifest.json"
  (umask 077 && as_app cat "$SHARED/$RELEASE/environment.json" >"$WORK/parameters/running.json")
  variables masks
  run with "$SHARED/$RELEASE/environment.json" "$AT" bash -c "$LINE" ||
    fail "The command ended with $?." "See its output above."
}

# From a built release to one that serves.
put() {
  check
  switch
  verify
  commit
  tidy
}

# --- what is said -----------------------------------------------------------------------------------------------------

say() {
  printf '%s\n' "$*"
  printf '%s\n' "$*" >>"$LOG"
}

step() {
  STEP=$1
  : >"$STEP_LOG"
  say "@step $1"
}

fail() {
  DIAGNOSIS=$1 REMEDY=$2
  exit 1
}

# A command of the step ended with this status: what is known of it is said, else this sentence.
broken() {
  local status=$1 otherwise=$2 remedy=${3:-Read the lines above, mend it, and deploy again.} found
  printf 'exit status %s\n' "$status" >>"$STEP_LOG"
  found=$(diagnosed) || found=''
  if [[ -n $found ]]; then fail "${found%%$'\n'*}" "${found#*$'\n'}"; fi
  fail "$otherwise" "$remedy"
}

diagnosed() {
  known_failures | node -e '
    const fs = require("fs"), log = fs.readFileSync(process.argv[1], "utf8").replace(/\x1b\[[0-9;]*m/g, "").slice(-200000);
    for (const row of fs.readFileSync(0, "utf8").trim().split("\n")) {
      const [pattern, ...said] = row.split(" @@ "), found = new RegExp(pattern, "im").exec(log);
      if (!found) continue;
      console.log(said.map((text) => text.replace("$1", decodeURIComponent(found[1] || "?"))
        .replace("SERVICE", process.argv[2])).join("\n"));
      process.exit();
    }
    process.exit(1);' -- "$STEP_LOG" "$SERVICE"
}

finish() {
  STATUS=$?
  trap - EXIT
  trap '' TERM INT
  if [[ -n $GROUP ]]; then
    [[ $ENDS == wait ]] || kill -KILL -- "-$GROUP" 2>/dev/null
    wait "$GROUP"
  fi
  if ((STATUS != 0)); then
    OUTCOME=failed
    [[ -n $DIAGNOSIS || $COMMAND != exec ]] || DIAGNOSIS="The command was interrupted." REMEDY="Run it again."
    [[ -n $DIAGNOSIS ]] || DIAGNOSIS="The release was interrupted." REMEDY="Deploy again; the release before serves on."
    [[ -z $SWITCHING ]] || go_back
    [[ -z $LOCKED ]] || tail -n "$SHOWN" "$STEP_LOG" 2>/dev/null | sed 's/^/| /' | while IFS= read -r line; do say "$line"; done
    if [[ $COMMAND == catchup && -n $LOCKED ]]; then tell "failed ${RELEASE:-none} $STEP"; fi
  fi
  if [[ $COMMAND == exec ]]; then
    rm -rf "$WORK"
  elif [[ -n $LOCKED ]]; then # else these are another run's
    stop_candidate
    [[ -z ${KEPT:-} ]] || as_app rm -f "$KEPT/candidate.json" "$KEPT/candidate.log" "$KEPT/listens"
    as_app rm -rf "$ACCESS"
    rm -rf "$BUILDS" "$WORK/parameters" "$WORK/masks.json"
  fi
  say "@outcome {\"outcome\": $(json "$OUTCOME"), \"release\": $(json "$RELEASE"), \"step\": $(json "$STEP")," \
    "\"diagnosis\": $(json "$DIAGNOSIS" text), \"remedy\": $(json "$REMEDY" text), \"previous\": $(json "$PREVIOUS")}"
  ((STATUS == 0)) || exit 1
  exit 0
}

# A JSON string; null for nothing, unless it is a text.
json() {
  local text=$1
  if [[ -z $text && -z ${2:-} ]]; then
    printf null
    return
  fi
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  printf '"%s"' "$(printf '%s' "$text" | tr '\000-\037' ' ')"
}

quoted() {
  awk '{ printf "%s\"%s\"", (NR > 1 ? ", " : ""), $0 }'
}

# --- how programs are run ---------------------------------------------------------------------------------------------

# Root makes the application's part as its user; anybody else as who it is. None of them keeps the lock's descriptor.
as_app() {
  as "$APP_USER" "$APP_HOME" "$@"
}

# Packages are installed and built by a user of their own, which has no role and no part in what runs: the programs of
# third parties run here. Where a machine has no such user (it is older) the application's does it.
as_builder() {
  as "$BUILDER" "$BUILDER_HOME" "$@"
}

as() {
  local user=$1 home=$2
  shift 2
  if [[ -n $user ]]; then
    runuser -u "$user" -- env HOME="$home" "$@" 9>&-
  else
    "$@" 9>&-
  fi
}

# Of what the builder has left running nothing is there when its work is given away.
owned_by() {
  [[ -n $BUILDER && $BUILDER != "$APP_USER" ]] || return 0
  pkill -KILL -u "$BUILDER" 2>/dev/null
  chown -hR "$1:$1" "$FOLDER"
}

# A program of the application with the variables of these files (comma between) in this folder. They are in nobody's
# argument list.
with() {
  as_app node -e "$WITH" -- "$@"
}

with_builder() {
  as_builder node -e "$WITH" -- "$@"
}

readonly WITH='
    const [files, cwd, program, ...args] = process.argv.slice(1), env = { ...process.env };
    for (const file of files.split(",").filter(Boolean))
      for (const [name, value] of Object.entries(JSON.parse(require("fs").readFileSync(file))))
        env[name] = name === "NODE_OPTIONS" && env[name] ? `${env[name]} ${value}` : value;
    const limit = env.AWSDEPLOY_HEAP;
    delete env.AWSDEPLOY_HEAP;
    if (limit && !/max.old.space.size/.test(env.NODE_OPTIONS || ""))
      env.NODE_OPTIONS = `${env.NODE_OPTIONS || ""} --max-old-space-size=${limit}`.trim();
    const path = require("path");
    env.PATH = [path.join(cwd, "node_modules/.bin"), env.PATH].join(path.delimiter);
    const done = require("child_process").spawnSync(program, args, { cwd, env, stdio: "inherit" });
    if (done.error) console.error(done.error.code === "ENOENT" ? `${program}: not found` : String(done.error));
    process.exit(done.error ? 127 : done.signal ? 128 + require("os").constants.signals[done.signal] : done.status);
  '

# Runs in a process group of its own, so that nothing of it outlives us; what it says is shown at once and kept, but
# for the values of secret variables. A reload is never broken off.
run() {
  local status ends="kill"
  case $1 in apply | exchange | take_over) ends="wait" ;; esac
  set -m
  { "$@" 2>&1 </dev/null | relay; } &
  GROUP=$!
  set +m
  ENDS=$ends
  printf '%s %s %s\n' "$GROUP" "$ends" "$(started "$GROUP")" >"$WORK/running"
  wait "$GROUP"
  status=$?
  GROUP=''
  rm -f "$WORK/running"
  return "$status"
}

started() {
  ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' _
}

relay() {
  node -e '
    const fs = require("fs"), [masks, ...logs] = process.argv.slice(1);
    let secrets = [];
    try { secrets = JSON.parse(fs.readFileSync(masks)); } catch {}
    process.stdout.on("error", () => {});
    require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
      for (const secret of secrets) line = line.split(secret).join("***");
      for (const log of logs) fs.appendFileSync(log, line + "\n");
      process.stdout.write(line + "\n");
    });' -- "$WORK/masks.json" "$STEP_LOG" "$LOG" 9>&-
}

lock() {
  STEP=lock
  exec 9>>"$LOCK"
  if ! flocked 0; then
    say "Waiting for another run: $(cat "$LOCK.holder" 2>/dev/null)"
    flocked "$LOCK_SECONDS" ||
      fail "Another run is still in progress: $(cat "$LOCK.holder" 2>/dev/null)." "Wait for it to end, then try again."
  fi
  LOCKED=yes
  printf '%s %s, process %s, since %s\n' "$COMMAND" "${RELEASE:-$SERVICE}" "$$" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$LOCK.holder"
}

flocked() {
  if command -v flock >/dev/null; then
    if (($1 == 0)); then flock -n 9; else flock -w "$1" 9; fi
  else # macOS has perl, but no flock
    perl -e 'use Fcntl ":flock"; open(my $l, ">&=", 9); my $end = time + $ARGV[0];
      until (flock($l, LOCK_EX | LOCK_NB)) { exit 1 if time >= $end; sleep 1 }' "$1"
  fi
}

# As whom the application's part is done.
whose() {
  APP_USER='' APP_HOME=${HOME:-$ROOT/home/app}
  if [[ $(id -u) == 0 ]] && id app >/dev/null 2>&1; then
    APP_USER=app
    APP_HOME=$(getent passwd app | cut -d: -f6)
  fi
  BUILDER=$APP_USER BUILDER_HOME=$APP_HOME
  if [[ -n $APP_USER ]] && id app-build >/dev/null 2>&1; then
    BUILDER=app-build
    BUILDER_HOME=$(getent passwd app-build | cut -d: -f6)
  fi
  export PM2_HOME=${PM2_HOME:-$APP_HOME/.pm2}
}

# What a run that was killed may have left: a build under way, a candidate.
ready() {
  STEP=tools
  local tool group ends since end
  for tool in node npm pm2 aws tar; do
    command -v "$tool" >/dev/null ||
      fail "$tool is not on this machine." "Run bash /opt/awsdeploy/bootstrap.sh again, or replace the machine."
  done
  if [[ -f $WORK/running ]] && read -r group ends since <"$WORK/running" && [[ -n $since ]]; then
    end=$((SECONDS + 90))
    while [[ $ends == wait && $(started "$group") == "$since" ]] && ((SECONDS < end)); do sleep 0.2; done
    if [[ $(started "$group") == "$since" ]]; then kill -KILL -- "-$group" 2>/dev/null; fi
  fi
  rm -f "$WORK/running"
  # Where releases are, root alone makes and removes folders; on older machines the application's user could.
  if ! { install -d -m 755 "$SRV" && roots "$SRV" && [[ ! -L $RELEASES && ! -L $SHARED ]] &&
    install -d -m 755 "$RELEASES" && roots "$RELEASES" && own "$APP_USER" 750 "$SHARED" &&
    own "$APP_USER" 755 "$APP_HOME" "$APP_LOGS" && as_app install -d -m 700 "$PM2_HOME" &&
    rm -rf "$BUILDS" && own "$BUILDER" 700 "$BUILDS"; }; then
    fail "The folders of the application cannot be created." "Check $SRV and the disk: df -h."
  fi
  as_app rm -rf "$ACCESS"
  PREVIOUS=$(current)
  stop_candidate
}

# A folder of this user; one that is there keeps its mode. The folder above must be one in which root alone writes.
own() {
  local user=$1 mode=$2 folder
  shift 2
  for folder in "$@"; do
    [[ -d $folder ]] || install -d -m "$mode" ${user:+-o "$user" -g "$user"} "$folder" || return 1
  done
}

roots() {
  [[ -z $APP_USER ]] || chown -h root:root "$1"
}

# --- releases ---------------------------------------------------------------------------------------------------------

current() {
  local id=''
  if [[ -f $SERVING ]]; then IFS= read -r id <"$SERVING"; fi
  if [[ $id =~ $NAME && -d $RELEASES/$id ]]; then printf '%s' "$id"; fi
}

complete() {
  [[ -f $KNOWN/$1/complete && -d $RELEASES/$1 ]]
}

# Newest first: their names begin with the time.
complete_ones() {
  local folder
  for folder in "$KNOWN"/*; do
    if complete "${folder##*/}"; then printf '%s\n' "${folder##*/}"; fi
  done | LC_ALL=C sort -r
}

# Releases of a machine on which an older script kept everything in the application's folders: taken over once.
adopt() {
  local folder id link
  install -d -m 700 "$KNOWN.new" || exit 1
  for folder in "$RELEASES"/*; do
    id=${folder##*/}
    if [[ $id =~ $NAME ]] && as_app test -f "$SHARED/$id/complete"; then
      install -d -m 700 "$KNOWN.new/$id"
      as_app cat "$SHARED/$id/manifest.json" >"$KNOWN.new/$id/manifest.json" && touch "$KNOWN.new/$id/complete"
    fi
  done
  link=$(as_app readlink "$CURRENT" 2>/dev/null)
  if [[ ${link##*/} =~ $NAME ]]; then printf '%s\n' "${link##*/}" >"$SERVING"; fi
  mv "$KNOWN.new" "$KNOWN"
}

# --- steps ------------------------------------------------------------------------------------------------------------

from_bucket() {
  run aws s3 cp --only-show-errors --region "$REGION" "s3://$BUCKET/releases/$SERVICE/$1" "$2" ||
    broken $? "s3://$BUCKET/releases/$SERVICE/$1 could not be read." "Deploy again: \`awsdeploy deploy $SERVICE\`."
}

fetch_manifest() {
  step fetch
  if [[ $COMMAND == rollback && -f $KNOWN/$RELEASE/manifest.json ]]; then
    manifest "$KNOWN/$RELEASE/manifest.json"
    return
  fi
  from_bucket "$RELEASE.json" "$WORK/manifest.json"
  manifest "$WORK/manifest.json"
}

# Reads what the release was sent with. Each field has its type: numbers are counted with, and ports are written into files.
manifest() {
  local fields
  [[ $1 == "$WORK/manifest.json" ]] || cp "$1" "$WORK/manifest.json" ||
    fail "$RELEASE is not on this machine." "Deploy again: \`awsdeploy deploy $SERVICE\`."
  fields=$(node -e '
    const m = JSON.parse(require("fs").readFileSync(process.argv[1]));
    const wrong = (name) => { throw new Error(`${name} is ${JSON.stringify(m[name])}`); };
    const number = (name, most, otherwise) => {
      const value = m[name] ?? otherwise;
      if (value !== "" && !(Number.isInteger(value) && value >= 0 && value <= most)) wrong(name);
      return value;
    };
    const text = (name, pattern, otherwise) => {
      const value = m[name] || otherwise;
      if (typeof value !== "string" || !pattern.test(value)) wrong(name);
      return value.replace(/\s+/g, " ");
    };
    if (m.version !== 1) throw new Error(`version ${m.version} is not known here`);
    const directory = text("directory", /^[^\/\x00-\x1f][^\x00-\x1f]*$/, ".");
    if (directory.split("/").includes("..")) throw new Error("directory leads outside");
    const told = m.environment ?? {};
    if (typeof told !== "object" || !Object.values(told).every((value) => typeof value === "string")) wrong("environment");
    console.log([
      directory, number("port", 65535, ""), text("health", /^\/[\x21-\x7e]*$/, "/"), text("migrate", /^[^\x00]*$/, ""),
      number("keep", 1000, 5) || 5, number("memory_mb", 1e6, 0), m.database === true ? "yes" : "", number("behind", 65535, ""),
    ].join("\n"));
  ' -- "$1" 2>>"$STEP_LOG") ||
    fail "The manifest of $RELEASE cannot be read." "Deploy again with the newest awsdeploy."
  {
    IFS= read -r DIRECTORY
    IFS= read -r PORT
    IFS= read -r HEALTH
    IFS= read -r MIGRATE
    IFS= read -r KEEP
    IFS= read -r MEMORY_MB
    IFS= read -r DATABASE
    IFS= read -r BEHIND
  } <<<"$fields"
  readonly FOLDER=$RELEASES/$RELEASE
  readonly AT=$FOLDER/$DIRECTORY KEPT=$SHARED/$RELEASE
}

fetch_code() {
  local repository commit
  {
    IFS= read -r repository
    IFS= read -r commit
  } < <(node -e '
    const { repository = "", commit = "" } = JSON.parse(require("fs").readFileSync(process.argv[1]));
    const good = /^[^\s-]\S*$/.test(repository) && /^[0-9a-f]{40,64}$/.test(commit);
    console.log(repository && !good ? "unusable" : [repository, commit].join("\n"));' -- "$WORK/manifest.json")
  rm -rf "${KNOWN:?}/$RELEASE" "$FOLDER"
  as_app rm -rf "$KEPT"
  own "$BUILDER" 755 "$FOLDER" || broken 1 "$FOLDER cannot be created."
  case $repository in
  '') fetch_archive ;;
  unusable) fail "The manifest of $RELEASE contains no repository and commit." "Deploy again: \`awsdeploy deploy $SERVICE\`." ;;
  *) fetch_commit ;;
  esac
  [[ -f $AT/package.json ]] || fail "There is no package.json in \`$DIRECTORY\`." "Set the service's directory in the config."
}

fetch_archive() {
  from_bucket "$RELEASE.tar.gz" "$WORK/archive.tar.gz"
  run unpack || broken $? "The archive of $RELEASE cannot be unpacked." "Deploy again: \`awsdeploy deploy $SERVICE\`."
  rm -f "$WORK/archive.tar.gz"
}

unpack() {
  as_builder tar -xzf - -C "$FOLDER" <"$WORK/archive.tar.gz"
}

# From the repository itself. What opens it is in git's environment alone, or for ssh in a file of the application's
# user: in no address, argument or configuration; and it is gone before anything of the release is run.
fetch_commit() {
  local status url='' user='' token='' place=''
  if ! command -v git >/dev/null; then # a machine that was made before bootstrap.sh installed it
    run yum install --assumeyes --quiet git || broken $? "git is not on this machine." "Recreate the machine (\`awsdeploy up --replace KEY\`), or install git on it: \`awsdeploy shell $SERVICE\`."
  fi
  opened
  run fetched --depth=1 "$commit"
  status=$?
  # Not every server hands out a commit by its name.
  if ((status != 0)) && grep -Eq 'unadvertised object|want .* not valid|shallow' "$STEP_LOG"; then
    run fetched --force '+refs/heads/*:refs/heads/*' '+refs/tags/*:refs/tags/*'
    status=$?
  fi
  ((status == 0)) || broken "$status" "git could not fetch the commit ${commit:0:7}."
  as_app rm -rf "$ACCESS/askpass" "$ACCESS/key"
  run checked_out || broken $? "The commit ${commit:0:7} cannot be unpacked."
  as_app rm -rf "$ACCESS"
}

# What `awsdeploy repository connect` has stored for this service; none for a public repository.
opened() {
  if ! { install -d -m 700 "$WORK/parameters" && as_app install -d -m 700 "$ACCESS"; }; then broken 1 "$ACCESS cannot be created."; fi
  parameters access "$SERVICE/repository"
  local name field='
    const fs = require("fs"), [work, which] = process.argv.slice(1);
    const found = JSON.parse(fs.readFileSync(`${work}/parameters/access.json`, "utf8") || "{}").Parameters || [];
    const named = (name) => (found.find((one) => one.Name.endsWith(`/${name}`)) || {}).Value || "";
    const access = JSON.parse(named("access") || "{}"), all = { ...access, known_hosts: named("known_hosts") };
    if (which === "place" && /^http/.test(all.url)) all.place = all.url.split("/")[2];
    process.stdout.write(which === "masks" ? JSON.stringify([access.token].filter(Boolean)) : all[which] || "");'
  if ! { url=$(node -e "$field" -- "$WORK" url) && user=$(node -e "$field" -- "$WORK" user) &&
    token=$(node -e "$field" -- "$WORK" token) && place=$(node -e "$field" -- "$WORK" place); }; then
    fail "The token or key of the repository cannot be read." "Connect it again: \`awsdeploy repository connect\`."
  fi
  if [[ -n $url && $url != "$repository" ]]; then
    fail "The code is in $repository, but $url is connected." "Connect $repository: \`awsdeploy repository connect\`."
  fi
  node -e "$field" -- "$WORK" masks | keep_secret masks
  for name in key known_hosts; do
    node -e "$field" -- "$WORK" "$name" | as_app bash -c 'umask 077 && cat >"$1"' - "$ACCESS/$name"
  done
  rm -rf "$WORK/parameters"
  [[ $repository == http* || -s $ACCESS/key ]] ||
    fail "git refused: no token or key for $repository is stored for $SERVICE." "Connect it: \`awsdeploy repository connect\`."
  # Whoever else asks, after being led elsewhere, is told nothing.
  as_app bash -c 'umask 077 && cat >"$1" && chmod 700 "$1"' - "$ACCESS/askpass" <<'SH'
#!/bin/sh
case $1 in
"Username for '"*"//$AWSDEPLOY_GIT_PLACE': ") printf '%s\n' "$AWSDEPLOY_GIT_USER" ;;
"Password for '"*"@$AWSDEPLOY_GIT_PLACE': ") printf '%s\n' "$AWSDEPLOY_GIT_TOKEN" ;;
*) exit 1 ;;
esac
SH
}

# git as nobody has configured it; a server that says nothing for a minute is given up.
git_alone() {
  local known="-o UserKnownHostsFile='$ACCESS/known_hosts' -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes"
  as_app env LC_ALL=C GIT_TERMINAL_PROMPT=0 GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_DIR="$ACCESS/code.git" \
    GIT_SSH_COMMAND="ssh -F /dev/null -i '$ACCESS/key' -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=30 $known" \
    GIT_ASKPASS="$ACCESS/askpass" git -c http.lowSpeedLimit=1 -c http.lowSpeedTime=60 -c gc.auto=0 "$@"
}

fetched() {
  printf 'git fetch %s %s\n' "$repository" "${commit:0:7}"
  git_alone init --quiet --bare --template= || return
  if [[ -n $token ]]; then export AWSDEPLOY_GIT_PLACE=$place AWSDEPLOY_GIT_USER=$user AWSDEPLOY_GIT_TOKEN=$token; fi
  git_alone fetch --quiet --no-tags "$1" "$repository" "${@:2}" || return
  if ! git_alone cat-file -e "$commit^{commit}" 2>/dev/null; then
    printf 'not our ref %s\n' "$commit"
    return 1
  fi
}

# The same files as where `deploy` runs: no attribute of the commit changes a byte, export-ignore leaves out.
checked_out() {
  as_app bash -c 'mkdir -p "$1/info" && printf "%s\n" "$2" >"$1/info/attributes"' - "$ACCESS/code.git" \
    '* -text -crlf !eol !filter !ident !working-tree-encoding !export-subst' || return
  git_alone archive --format=tar "$commit" | as_builder tar -xf - -C "$FOLDER"
}

# Three sets of variables: for the running program, for the build, and for the installation, which runs the scripts of
# third parties and is told no secrets but its own.
environment() {
  step environment
  as_app install -d -m 700 "$KEPT" || broken 1 "The environment cannot be written."
  variables masks environment build install scripts
  if ! { install -d -m 700 "$KNOWN/$RELEASE" && cp "$WORK/manifest.json" "$KNOWN/$RELEASE/manifest.json"; }; then
    broken 1 "$KNOWN cannot be written."
  fi
  as_app tee "$KEPT/manifest.json" <"$WORK/manifest.json" >/dev/null # for the application's own part
}

# Reads what is stored, and writes these sets of it: a line of JSON for each.
variables() {
  install -d -m 700 "$WORK/parameters" || broken 1 "The environment cannot be written."
  parameters own "$SERVICE"
  parameters build "$SERVICE/build"
  if [[ -n $DATABASE ]]; then parameters database database; fi
  local set line clients=''
  if [[ " $* " == *' environment '* ]] && grep -qs '/database/DB_SSL_CA"' "$WORK/parameters/database.json"; then database_ca; fi
  if [[ -n $DATABASE && -s $DATABASE_CA ]]; then clients=$(database_clients); fi
  for set in "$@"; do
    IFS= read -r line && [[ -n $line ]] || broken 1 "The environment cannot be written."
    printf '%s' "$line" | keep_secret "$set" || broken 1 "The environment cannot be written."
  done < <(node -e '
    const fs = require("fs"), [work, release, ca, clients, ...asked] = process.argv.slice(1);
    const plain = /^(DB_(HOST|PORT|NAME|USER|SSL_CA)|S3_BUCKET)$/;
    const read = (name) => {
      const file = `${work}/parameters/${name}.json`, found = {};
      if (!fs.existsSync(file)) return found;
      for (const one of JSON.parse(fs.readFileSync(file, "utf8") || "{}").Parameters || [])
        found[one.Name.split("/").pop()] = one.Value;
      return found;
    };
    const given = { ...JSON.parse(fs.readFileSync(`${work}/manifest.json`)).environment, RELEASE_ID: release };
    const database = read("database"), own = read("own"), build = read("build");
    if (database.DB_SSL_CA) database.DB_SSL_CA = ca;
    const all = { ...given, ...database, ...own };
    // NODE_EXTRA_CA_CERTS is read when Node.js starts, and PM2 sets the variables of cluster processes later.
    const trust = () => {
      if (!database.DB_SSL_CA || own.DB_HOST || !fs.existsSync(ca)) return "";
      if (clients === "prisma") return `?sslaccept=strict&sslcert=${encodeURIComponent(ca)}`;
      const ssl = { ca: fs.readFileSync(ca, "utf8"), verifyIdentity: true };
      return clients === "mysql2" ? `?ssl=${encodeURIComponent(JSON.stringify(ssl))}` : "";
    };
    if (database.DB_HOST && !own.DATABASE_URL) {
      const [user, password, name] = [all.DB_USER, all.DB_PASSWORD, all.DB_NAME].map((part) => encodeURIComponent(part ?? ""));
      all.DATABASE_URL = `mysql://${user}:${password}@${all.DB_HOST}:${all.DB_PORT || 3306}/${name}${trust()}`;
    }
    let running = {};
    try { running = JSON.parse(fs.readFileSync(`${work}/parameters/running.json`)); } catch {}
    const secret = [all, build, running].flatMap(Object.entries)
      .filter(([name, value]) => value !== given[name] && !plain.test(name)).map(([, value]) => String(value));
    const written = (value) => [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)];
    const hidden = secret.flatMap((value) => [...written(value), ...value.split("\n").flatMap(written)])
      .filter((value) => value.length >= 6).sort((one, other) => other.length - one.length);
    const sets = { masks: [...new Set(hidden)], environment: all, build: { ...all, ...build },
      install: { ...given, ...build }, scripts: given };
    for (const which of asked) console.log(JSON.stringify(sets[which]));
  ' -- "$WORK" "$RELEASE" "$DATABASE_CA" "$clients" "$@" 2>>"$STEP_LOG")
  rm -rf "$WORK/parameters"
}

# AWS: RDS, "Certificate bundles by AWS Region". If the download fails, the previous copy is used.
database_ca() {
  local place=https://truststore.pki.rds.amazonaws.com/$REGION/$REGION-bundle.pem
  if mkdir -p "${DATABASE_CA%/*}" &&
    curl --fail --silent --show-error --location --retry 3 --connect-timeout 10 --max-time 60 --output "$DATABASE_CA.new" \
      "$place" >>"$STEP_LOG" 2>&1 9>&- && grep -q 'BEGIN CERTIFICATE' "$DATABASE_CA.new"; then
    chmod 644 "$DATABASE_CA.new" && mv -f "$DATABASE_CA.new" "$DATABASE_CA"
  fi
  [[ -s $DATABASE_CA ]] || broken 1 "$place cannot be fetched." "Can the machine reach the internet? Deploy again."
}

# How the service's library reads certificates from a URL: prisma, mysql2, or not at all.
database_clients() {
  as_app node -p '
    const { dependencies, devDependencies } = JSON.parse(require("fs").readFileSync(process.argv[1]));
    const has = (...names) => names.some((name) => ({ ...dependencies, ...devDependencies })[name]);
    has("prisma", "@prisma/client") ? "prisma" : has("mysql2", "mysql") && !has("sequelize") ? "mysql2" : "";
  ' -- "$AT/package.json" 2>/dev/null
}

parameters() {
  (umask 077 && aws ssm get-parameters-by-path --region "$REGION" --path "/deploy/$STACK/$2" --with-decryption --output json \
    >"$WORK/parameters/$1.json" 2>>"$STEP_LOG" 9>&-) ||
    broken $? "The parameters below /deploy/$STACK/$2 could not be read." "Check the permissions of the machine's role: \`awsdeploy plan\`."
}

keep_secret() {
  case $1 in
  masks) (umask 077 && cat >"$WORK/masks.json") ;;
  environment) as_app bash -c 'umask 077 && cat >"$1"' - "$KEPT/$1.next.json" ;;
  *) as_builder bash -c 'umask 077 && cat >"$1"' - "$BUILDS/$1.json" ;;
  esac
}

install_packages() {
  step install
  need_node
  heap
  manager
  local place='at the root'
  [[ $LOCKED_AT == "$FOLDER" ]] || place="in ${LOCKED_AT#"$FOLDER"/}"
  say "installed by $TOOL$([[ $LOCKED_AT == "$AT" ]] || echo ", from the lock file $place")"
  local -a arguments quiet again
  case $TOOL in
  npm)
    arguments=(ci --include=dev --no-audit --no-fund --no-progress --no-update-notifier)
    quiet=(--ignore-scripts) again=("${arguments[@]}" --offline)
    ;;
  'npm without a lock file')
    arguments=(install --include=dev --no-audit --no-fund --no-progress --no-package-lock)
    quiet=(--ignore-scripts) again=("${arguments[@]}" --prefer-offline)
    ;;
  yarn)
    arguments=(install --frozen-lockfile --production=false --non-interactive --no-progress)
    quiet=(--ignore-scripts) again=("${arguments[@]}" --offline --force)
    ;;
  'yarn 2') arguments=(install --immutable) quiet=(--mode=skip-build) again=(install --immutable) ;;
  pnpm) arguments=(install --frozen-lockfile --prod=false) quiet=(--ignore-scripts) again=(rebuild) ;;
  esac
  # Packages bring scripts of third parties. Where a token is there to fetch private packages, it is gone when these run.
  if [[ $(as_builder cat "$BUILDS/install.json") == "$(as_builder cat "$BUILDS/scripts.json")" ]]; then quiet=() again=(); fi
  run with_builder "$BUILDS/install.json" "$LOCKED_AT" "${PROGRAM[@]}" "${arguments[@]}" ${quiet[@]+"${quiet[@]}"} ||
    broken $? "\`$TOOL ${arguments[0]}\` failed." "Run it on your computer in a fresh clone, then deploy again."
  as_builder rm -f "$BUILDS/install.json"
  if ((${#again[@]})); then
    run with_builder "$BUILDS/scripts.json" "$LOCKED_AT" "${PROGRAM[@]}" "${again[@]}" ||
      broken $? "The scripts of the packages failed: \`$TOOL ${again[0]}\`." \
        "These scripts do not get the build variables. Run it on your computer in a fresh clone, then deploy again."
  fi
}

# engines.node of package.json, compared by npm's own rules. A dependency's wish is left to npm.
need_node() {
  printf 'node --version: %s\n' "$(node --version)" >>"$STEP_LOG"
  as_app node -e '
    const fs = require("fs"), path = require("path"), [file, npm] = process.argv.slice(1);
    const wanted = (JSON.parse(fs.readFileSync(file)).engines || {}).node;
    let semver;
    try { semver = require(path.join(path.dirname(fs.realpathSync(npm)), "../node_modules/semver")); } catch { process.exit(); }
    if (!wanted || semver.satisfies(process.version, wanted)) process.exit();
    console.log(wanted);
    process.exit(1);' -- "$AT/package.json" "$(command -v npm)" >"$WORK/wanted" 2>>"$STEP_LOG" ||
    fail "package.json requires Node.js $(cat "$WORK/wanted"), but this machine has $(node --version)." \
      'Change engines.node, or the platform in the config: "supported" has Node.js 24.'
}

# Node.js ends itself at half of the memory; with swap there is more to be had.
heap() {
  unset AWSDEPLOY_HEAP
  local memory swap from=$ROOT/proc/meminfo
  if ((MEMORY_MB > 0)); then
    export AWSDEPLOY_HEAP=$MEMORY_MB
    return
  fi
  [[ -r $from ]] || from=/proc/meminfo
  [[ -r $from ]] || return 0
  memory=$(awk '/^MemTotal:/ { print $2 }' "$from")
  swap=$(awk '/^SwapTotal:/ { sum = $2 } END { print sum + 0 }' "$from")
  if ((memory < SMALL)); then export AWSDEPLOY_HEAP=$(((memory + swap) / 2048)); fi
}

# Which program installs, and where the lock file is: in the service's folder, else in the nearest above it (workspaces).
manager() {
  local found
  found=$(as_app node -e '
    const fs = require("fs"), path = require("path"), [at, root] = process.argv.slice(1);
    const text = (...parts) => { try { return fs.readFileSync(path.join(...parts), "utf8"); } catch { return ""; } };
    const locks = { "package-lock.json": "npm", "npm-shrinkwrap.json": "npm", "yarn.lock": "yarn", "pnpm-lock.yaml": "pnpm" };
    const folders = [];
    for (let one = at; one.startsWith(root); one = path.dirname(one)) folders.push(one);
    const asked = folders.map((folder) => JSON.parse(text(folder, "package.json") || "{}").packageManager).find(Boolean) || "";
    const [name, version] = asked.split("+")[0].split("@");
    for (const folder of folders) {
      const here = Object.keys(locks).filter((lock) => fs.existsSync(path.join(folder, lock)));
      if (!here.length) continue;
      const lock = here.find((one) => locks[one] === name) || here[0], content = text(folder, lock);
      let tool = locks[lock], wanted = tool === name ? version : "";
      if (tool === "yarn" && (wanted ? !wanted.startsWith("1.") : content.includes("__metadata:"))) {
        tool = "yarn 2";
        wanted ||= "4";
      }
      if (tool === "pnpm") wanted ||= { 5: "7", 6: "8" }[(/lockfileVersion: .?(\d)/.exec(content) || [])[1]] || "10";
      console.log([folder, tool, wanted].join("\n"));
      process.exit();
    }
    console.log([at, "npm without a lock file", ""].join("\n"));' -- "$AT" "$FOLDER") || broken 1 "package.json cannot be read."
  local version
  {
    IFS= read -r LOCKED_AT
    IFS= read -r TOOL
    IFS= read -r version
  } <<<"$found"
  case $TOOL in
  npm*) PROGRAM=(npm) ;;
  yarn) if command -v yarn >/dev/null; then PROGRAM=(yarn); else PROGRAM=(npm exec --yes --package=yarn@1.22.22 -- yarn); fi ;;
  'yarn 2')
    # Plug'n'Play needs a preload in every process that Node starts.
    PROGRAM=(env YARN_NODE_LINKER=node-modules YARN_ENABLE_TELEMETRY=0 npm exec --yes "--package=@yarnpkg/cli-dist@$version" -- yarn)
    ;;
  pnpm) PROGRAM=(npm exec --yes "--package=pnpm@$version" -- pnpm) ;;
  esac
  export CI=true
}

build() {
  if has_script build; then
    step build
    run with_builder "$BUILDS/build.json" "$AT" "${PROGRAM[@]}" run build ||
      broken $? "\`$TOOL run build\` failed." "Run it on your computer in a fresh clone, then deploy again."
  fi
  as_builder rm -f "$BUILDS/build.json"
  [[ -n $MIGRATE && -z ${MIGRATIONS:-} ]] || completed
}

has_script() {
  as_app node -e 'process.exit((JSON.parse(require("fs").readFileSync(process.argv[1])).scripts || {})[process.argv[2]] ? 0 : 1)' \
    -- "$AT/package.json" "$1"
}

# Migrations may need a program of devDependencies: what is not needed to run goes after them.
migrate() {
  if complete "$RELEASE"; then return; fi
  step migrate
  owned_by "$APP_USER" || broken 1 "$FOLDER cannot be given to the application."
  run with "$KEPT/environment.next.json" "$AT" bash -c "$MIGRATE" ||
    broken $? "The migration \`$MIGRATE\` failed." "Fix it and deploy again. The previous release is still running."
  owned_by "$BUILDER" || broken 1 "$FOLDER cannot be given to the builder."
  completed
}

completed() {
  local -a arguments=()
  case $TOOL in
  npm) if for_development; then arguments=(prune --omit=dev --ignore-scripts --no-audit --no-fund); fi ;;
  yarn) arguments=(install --production --frozen-lockfile --ignore-scripts --non-interactive --no-progress --offline) ;;
  'yarn 2') arguments=(workspaces focus --all --production) ;;
  pnpm) arguments=(prune --prod --ignore-scripts) ;;
  esac
  if ((${#arguments[@]})); then
    with_builder "$BUILDS/scripts.json" "$LOCKED_AT" "${PROGRAM[@]}" "${arguments[@]}" >"$WORK/prune.log" 2>&1 </dev/null ||
      say "devDependencies were not removed: \`$TOOL ${arguments[0]}\` failed."
  fi
  owned_by "$APP_USER" || broken 1 "$FOLDER cannot be given to the application."
  touch "$KNOWN/$RELEASE/complete" || broken 1 "$KNOWN cannot be written."
}

# Does npm's lock file have packages that are not needed to run?
for_development() {
  as_app grep -Eqs '"dev(Optional)?": *true' "$LOCKED_AT/package-lock.json" "$LOCKED_AT/npm-shrinkwrap.json"
}

# --- processes --------------------------------------------------------------------------------------------------------

# What PM2 is to run, in full: the repository's ecosystem file, or one made up. Each program runs in its release's own
# folder (never through the link: it would change under a process that restarts) and with the whole environment, which
# wins over `env`: PM2 forgets the shell's variables once a file names some.
processes() {
  local file=$1 port=${2:-}
  with "$KEPT/environment.next.json" "$AT" node -e '
    const fs = require("fs"), path = require("path");
    const [environment, root, manifest, file, logs, service, port] = process.argv.slice(1), at = process.cwd();
    const given = JSON.parse(fs.readFileSync(environment)), sent = JSON.parse(fs.readFileSync(manifest));
    const exists = (name) => fs.existsSync(path.join(at, name));
    const own = JSON.parse(fs.readFileSync("package.json")), scripts = own.scripts || {};
    const upwards = (script) => { // a workspace has its modules at the root
      for (let folder = at; ; folder = path.dirname(folder)) {
        if (fs.existsSync(path.join(folder, script))) return path.join(folder, script);
        if (folder === root || folder === path.dirname(folder)) return path.join(at, script);
      }
    };
    const NEXT = "node_modules/next/dist/bin/next";
    const isNext = () => Boolean({ ...own.dependencies, ...own.devDependencies }.next);
    function invented() {
      if (isNext()) return { script: upwards(NEXT), args: ["start", "--keepAliveTimeout", "65000"] };
      for (const name of ["start:prod", "start"]) {
        const found = /^node\s+((?:-\S+\s+)*)([^-\s]\S*)((?:\s+[^&|;<>$]+)?)$/.exec((scripts[name] || "").trim());
        if (!found) continue;
        const script = [found[2], `${found[2]}.js`, `${found[2]}/index.js`].find((one) => exists(one) && fs.statSync(one).isFile());
        const words = (text) => text.trim().split(/\s+/).filter(Boolean);
        if (script) return { script, node_args: words(found[1]), args: words(found[3]) };
      }
      const script = [own.main, "dist/main.js", "dist/src/main.js", "dist/index.js", "server.js", "index.js"]
        .find((one) => one && exists(one) && fs.statSync(one).isFile());
      return script ? { script } : null;
    }
    async function repository() {
      const name = ["ecosystem.config.js", "ecosystem.config.cjs", "ecosystem.config.mjs", "ecosystem.config.json"].find(exists);
      if (!name) return null;
      let found;
      if (name.endsWith("json")) found = JSON.parse(fs.readFileSync(name));
      else try { found = require(path.join(at, name)); } catch (error) {
        if (error.code !== "ERR_REQUIRE_ESM" && !name.endsWith(".mjs")) throw error;
        found = await import(path.join(at, name));
      }
      found = found.default || found;
      return { name, apps: [found.apps || found].flat() };
    }
    async function main() {
      const theirs = await repository();
      let apps = theirs && theirs.apps;
      if (!apps) {
        const made = invented();
        if (!made && !scripts.start) throw new Error("There is nothing to start: no ecosystem.config.js, no main, no script named start.");
        apps = [made ? { ...made, exec_mode: "cluster", instances: Number(sent.processes) || 1, wait_ready: false }
          : { script: "npm", args: ["start"], exec_mode: "fork" }];
      }
      const ready = apps.map((app, number) => {
        const { cwd, env, env_production, ...rest } = app, instead = invented();
        const name = (port ? `${service}-candidate` : app.name || service) + (port && number ? `-${app.name}` : "");
        const inside = cwd && !path.isAbsolute(cwd) && exists(cwd) ? path.join(at, cwd) : at;
        let script = app.script;
        if (/^(\.\/)?node_modules\//.test(script) && !fs.existsSync(path.join(inside, script))) script = upwards(script);
        const node = !app.interpreter && !app.exec_interpreter && fs.existsSync(path.resolve(inside, script)) && /\.[cm]?js$|^[^.]*$/.test(script);
        const cluster = /^cluster/.test(app.exec_mode || (app.instances !== undefined && node ? "cluster" : "fork"));
        if (!cluster && sent.port && port && !number) {
          const words = instead ? `script: ${JSON.stringify(path.relative(at, instead.script) || instead.script)}` +
            `${instead.args && instead.args.length ? `, args: ${JSON.stringify(instead.args.join(" "))}` : ""}, ` : "script: the program itself, ";
          console.log(`note: ${app.name || service} runs ${app.script === "npm" ? "through npm" : "in fork mode"}: PM2 cannot reload it without a gap, the time it ` +
            `takes to start. In ecosystem.config.js write ${words}exec_mode: "cluster", instances: 1.`);
        }
        for (const key of Object.keys(rest)) if (/^env_/.test(key)) delete rest[key];
        const log = `${logs}/${service}${number ? `-${app.name || number}` : ""}`;
        const made = {
          kill_timeout: 30000, listen_timeout: 30000, vizion: false, ...rest, name, script, cwd: inside,
          exec_mode: cluster ? "cluster" : "fork",
          out_file: `${log}.log`, error_file: `${log}-error.log`, merge_logs: true,
          env: { ...env, ...env_production, ...given },
        };
        if (given.NODE_OPTIONS && process.env.NODE_OPTIONS) made.env.NODE_OPTIONS = process.env.NODE_OPTIONS;
        const words = (text) => (Array.isArray(text) ? text : String(text || "").split(" ")).filter(Boolean);
        const own = port || String(sent.behind), known = [sent.port, sent.behind].filter(Boolean).map(String);
        const args = words(made.args).map((word, place, all) =>
          known.some((one) => word === `--port=${one}`) ? `--port=${own}` : known.includes(word) && /^(-p|--port)$/.test(all[place - 1]) ? own : word);
        if (sent.behind) { // Next.js reads PORT, but no HOSTNAME
          const next = /(^|\/)next(\/dist\/bin\/next)?$/.test(script) && args[0] === "start";
          if (next && !args.some((word) => /^(-H|--hostname)/.test(word))) args.push("--hostname", given.HOSTNAME || "127.0.0.1");
          made.args = args;
        }
        if (!port) return made;
        for (const key of ["cron_restart", "watch", "max_restarts"]) delete made[key];
        const hook = path.join(path.dirname(file), "../listens.js");
        return {
          ...made, args, instances: 1, autorestart: false, wait_ready: false, kill_timeout: 3000,
          out_file: `${path.dirname(file)}/candidate.log`, error_file: `${path.dirname(file)}/candidate.log`,
          node_args: cluster ? [...words(made.node_args), "--require", hook] : words(made.node_args),
          env: {
            ...made.env, PORT: port, AWSDEPLOY_REAL_PORT: String(sent.behind || sent.port),
            AWSDEPLOY_NGINX_PORT: sent.behind ? String(sent.port) : "", AWSDEPLOY_LISTENS: `${path.dirname(file)}/listens`,
            AWSDEPLOY_LOG: `${path.dirname(file)}/candidate.log`,
            ...(cluster ? {} : { NODE_OPTIONS: `${process.env.NODE_OPTIONS || ""} --require ${hook}`.trim() }),
          },
        };
      });
      fs.rmSync(file, { force: true });
      fs.writeFileSync(file, JSON.stringify({ apps: ready }), { mode: 0o600 });
    }
    main().catch((error) => { console.error(error.code === "MODULE_NOT_FOUND" ? error.message : error.stack); process.exit(1); });
  ' -- "$KEPT/environment.next.json" "$FOLDER" "$KEPT/manifest.json" "$file" "$APP_LOGS" "$SERVICE" "$port"
}

# Loaded into a candidate before its program: says on which addresses it listens, and moves one that names the real port
# itself to the candidate's, so that it takes no requests before it has been tried; one that names nginx's, out of the way.
# And in cluster mode PM2 loses the last words of a process that ends: here they are written at once.
listens() {
  as_app tee "$SHARED/listens.js" <<'JS' >/dev/null
const fs = require('fs'), net = require('net');
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  const { AWSDEPLOY_LISTENS: file, AWSDEPLOY_REAL_PORT: real, AWSDEPLOY_NGINX_PORT: taken, PORT: port } = process.env; // PM2 sets them late
  const first = args[0], object = first && typeof first === 'object' && 'port' in first;
  const asked = object ? first.port : /^\d+$/.test(String(first)) ? Number(first) : undefined;
  if (asked !== undefined && file) {
    const host = object ? first.host : typeof args[1] === 'string' ? args[1] : undefined;
    const moved = String(asked) === real ? Number(port) : String(asked) === taken ? 0 : asked;
    args[0] = object ? { ...first, port: moved } : moved;
    this.once('listening', () => fs.appendFileSync(file, `${moved || asked} ${host || '*'}\n`));
  }
  return listen.apply(this, args);
};
const createWriteStream = fs.createWriteStream;
fs.createWriteStream = function (...args) {
  const stream = createWriteStream.apply(this, args);
  if (args[0] === process.env.AWSDEPLOY_LOG) {
    stream.write = (text, ...more) => {
      fs.appendFileSync(args[0], text);
      const done = more.pop();
      if (typeof done === 'function') process.nextTick(done);
      return true;
    };
  }
  return stream;
};
JS
}

# Brings what runs in line with a file of processes(): reloads, starts, ends what is no longer named. PM2's own command
# line keeps folder, script and variables that went of a process that it reloads; its daemon is told them here.
apply() {
  as_app node --no-deprecation -e '
    const fs = require("fs"), path = require("path"), { promisify } = require("util"), { execFileSync } = require("child_process");
    const [program, file, releases, anew] = process.argv.slice(1), real = fs.realpathSync(program);
    const home = [path.join(path.dirname(real), ".."), path.join(path.dirname(process.execPath), "../lib/node_modules/pm2")]
      .find((folder) => fs.existsSync(path.join(folder, "lib/Common.js")));
    if (!home) throw new Error(`${program} is not a PM2 that is known here`);
    const pm2 = require(home), Common = require(path.join(home, "lib/Common.js"));
    const call = (name) => promisify(pm2[name].bind(pm2));
    const remote = (method, what) => promisify(pm2.Client.executeRemote.bind(pm2.Client))(method, what);
    const { apps } = file ? JSON.parse(fs.readFileSync(file)) : { apps: [] };
    async function reload(app, running) {
      const [checked] = Common.verifyConfs([JSON.parse(JSON.stringify(app))]);
      const wanted = Common.resolveAppAttributes({ cwd: app.cwd, pm2_home: process.env.PM2_HOME }, checked);
      for (const key of ["name", "exec_mode", "instances"]) delete wanted[key];
      for (const one of running) {
        const gone = Object.keys(one.pm2_env.env || {}).filter((name) => !(name in wanted.env));
        const conf = { ...wanted, ...Object.fromEntries(gone.map((name) => [name, "null"])) }; // PM2: null takes it away
        await remote("reloadProcessId", { id: one.pm_id, env: { ...wanted.env, current_conf: conf } });
      }
    }
    // A reload whose run was killed goes on in the daemon, and two at once would lose a process that is still listening:
    // the daemon has children then which it does not list. They are waited for, and ended if they stay.
    async function alone() {
      const god = fs.readFileSync(path.join(process.env.PM2_HOME, "pm2.pid"), "utf8").trim();
      for (const end = Date.now() + 75000; ; await new Promise((resolve) => setTimeout(resolve, 250))) {
        const children = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n")
          .map((line) => line.trim().split(/\s+/)).filter(([, parent]) => parent === god).map(([pid]) => Number(pid));
        const list = await call("list")(), listed = new Set(list.map((one) => one.pid));
        const lost = children.filter((pid) => !listed.has(pid));
        if (!lost.length) return list;
        if (Date.now() > end) for (const pid of lost) process.kill(pid, "SIGKILL");
      }
    }
    async function main() {
      await call("connect")();
      const list = await alone(), mine = list.filter((one) => `${one.pm2_env.pm_cwd}/`.startsWith(`${releases}/`));
      for (const app of apps) {
        let running = list.filter((one) => one.name === app.name);
        const same = (one) => one.pm2_env.exec_mode === `${app.exec_mode}_mode` && one.pm2_env.status === "online";
        if (running.length && (anew || !running.every(same))) {
          await call("delete")(app.name);
          running = [];
        }
        if (!running.length) await call("start")({ apps: [app] });
        else {
          await reload(app, running);
          const count = Number(app.instances || 1);
          if (app.exec_mode === "cluster" && count > 0 && count !== running.length) await call("scale")(app.name, count);
        }
      }
      const named = new Set(apps.map((app) => app.name));
      if (!/candidate/.test([...named][0])) for (const one of mine) if (!named.has(one.name)) await call("delete")(one.pm_id).catch(() => {});
      pm2.disconnect();
      process.exit();
    }
    main().catch((error) => { console.error([error].flat().map((one) => one.message || one).join("; ")); process.exit(1); });
  ' -- "$(command -v pm2)" "$1" "$RELEASES" "${2:-}"
}

# Which processes there are: name, id, status, mode, folder; one a line.
listed() {
  [[ -S $PM2_HOME/rpc.sock ]] || return 0
  as_app pm2 jlist 2>/dev/null | node -e '
    const text = require("fs").readFileSync(0, "utf8");
    for (const one of JSON.parse(text.slice(text.lastIndexOf("\n[{") + 1) || "[]"))
      console.log([one.name, one.pm_id, one.pm2_env.status, one.pm2_env.exec_mode, one.pm2_env.pm_cwd].join("\t"));'
}

# The daemon is started with no variables of the application: its children would inherit them for ever.
daemon() {
  if systemd; then
    boot_unit
    if ! as_app bash -c 'kill -0 "$(cat "$1")"' - "$PM2_HOME/pm2.pid" 2>/dev/null; then systemctl restart "$UNIT"; fi
  else
    as_app pm2 ping </dev/null >/dev/null 2>&1
  fi
}

# Is there a systemd that is meant? With ROOT only one that somebody has put in its place.
systemd() {
  local found
  found=$(command -v systemctl) || return 1
  [[ -z $ROOT || ! $found =~ ^(/usr)?/bin/ ]]
}

boot_unit() {
  local wanted
  wanted=$(
    cat <<UNIT
[Unit]
Description=The application, under PM2
After=network-online.target
Wants=network-online.target

[Service]
Type=forking
User=${APP_USER:-root}
Environment=PATH=$PATH HOME=$APP_HOME PM2_HOME=$PM2_HOME
PIDFile=$PM2_HOME/pm2.pid
LimitNOFILE=65536
Restart=on-failure
ExecStart=$(command -v pm2) resurrect
ExecReload=$(command -v pm2) reload all
ExecStop=$(command -v pm2) kill

[Install]
WantedBy=multi-user.target
UNIT
  )
  if write_unit "$UNIT" "$wanted"; then systemctl enable --quiet "$UNIT"; fi
}

# True if it was not there, or another.
write_unit() {
  local unit=$ROOT/etc/systemd/system/$1 wanted=$2
  if [[ -f $unit && $(cat "$unit") == "$wanted" ]]; then return 1; fi
  mkdir -p "${unit%/*}" && printf '%s\n' "$wanted" >"$unit" && systemctl daemon-reload
}

placeholder() {
  if systemd; then systemctl "$1" "$PLACEHOLDER" >>"$LOG" 2>&1 || true; fi
}

stop_candidate() {
  local name id
  while IFS=$'\t' read -r name id _; do
    if [[ $name == "$CANDIDATE" || $name == "$CANDIDATE"-* ]]; then as_app pm2 delete "$id" >/dev/null 2>&1 </dev/null; fi
  done < <(listed)
}

# The new release beside the old one, on a port of its own.
check() {
  step check
  daemon || broken $? "PM2 cannot be started." "Check $PM2_HOME/pm2.log."
  run processes "$KEPT/pm2.next.json" || broken $? "The program's start configuration is not valid." "Fix ecosystem.config.js or package.json."
  if [[ -z $PORT ]]; then
    say "A new worker is not tested next to the old one: the work would be done twice."
    return
  fi
  local port log=$KEPT/candidate.log since=$SECONDS
  port=$(as_app node -e 'const s = require("net").createServer().listen(0, () => { console.log(s.address().port); s.close(); })')
  [[ $port =~ ^[0-9]+$ ]] || broken 1 "No free port to test the program."
  as_app rm -f "$log" "$KEPT/listens"
  as_app bash -c 'umask 077 && touch "$1"' - "$log" # who crashes often says what is in its environment
  listens
  run processes "$KEPT/candidate.json" "$port" || broken $? "The program cannot be started as its files say."
  apply "$KEPT/candidate.json" >>"$STEP_LOG" 2>&1 || broken $? "PM2 could not start the program." "Check ecosystem.config.js."
  run answers "$port" "$CANDIDATE" "$log"
  local status=$?
  shown_of "$log"
  if ((status != 0)); then unhealthy "$port"; fi
  if [[ -z $BEHIND ]]; then
    reachable "$port" || fail "The program listens on 127.0.0.1 only, where the load balancer cannot reach it." \
      "Listen on every address: leave out the host, or use 0.0.0.0."
  elif [[ -s $KEPT/listens ]] && reachable "$port"; then
    say "note: the program listens on every address. Behind nginx, 127.0.0.1 is enough: make it listen on process.env.HOSTNAME."
  fi
  say "The program answers on port $port after $((SECONDS - since)) s."
  stop_candidate
  as_app rm -f "$KEPT/candidate.json" "$KEPT/listens" "$log"
}

# What the program itself said belongs to the step's log.
shown_of() {
  local file=$1 from=${2:-0}
  as_app tail -c "+$((from + 1))" "$file" 2>/dev/null | tail -n 400 | relay >/dev/null
}

# Asks until it answers as the load balancer wants it; leaves what came of it in $WORK/answer.
answers() {
  as_app node -e '
    const { execFileSync } = require("child_process"), fs = require("fs");
    const [port, health, patience, name, pm2, listens] = process.argv.slice(1), began = Date.now();
    const base = `http://127.0.0.1:${port}`, passed = () => (Date.now() - began) / 1000;
    const headers = (more) => ({ "user-agent": "ELB-HealthChecker/2.0", connection: "close", ...more });
    const get = (url, more) => fetch(url, { redirect: "manual", headers: headers(more), signal: AbortSignal.timeout(5000) });
    async function around(url) { // a redirect is health enough, unless it leads to itself
      const forwarded = { "x-forwarded-proto": "https", "x-forwarded-port": "443" }, seen = new Set();
      for (let hop = 0; hop < 10; hop++) {
        const there = new URL(url);
        if (there.host !== new URL(base).host) return "";
        const key = there.pathname + there.search;
        if (seen.has(key)) return there.href;
        seen.add(key);
        const answer = await get(base + key, forwarded), next = answer.headers.get("location");
        if (answer.status < 300 || answer.status > 399 || !next) return "";
        url = new URL(next, base + key).href;
      }
      return url;
    }
    function state() { // of all its processes the worst
      try {
        const text = execFileSync(pm2, ["jlist"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
        const all = JSON.parse(text.slice(text.lastIndexOf("\n[{") + 1)).filter((one) => one.name === name);
        return all.length && all.every((one) => one.pm2_env.status === "online") ? "online" : "ended";
      } catch { return "online"; }
    }
    async function main() {
      let last, wrong = 0, turn = 0;
      for (;;) {
        try {
          const answer = await get(base + health);
          await answer.arrayBuffer();
          if (answer.status < 300) return "ok";
          if (answer.status < 400) {
            const loop = await around(base + health);
            if (!loop) return "ok";
            last = `loop ${loop}`;
          } else {
            last = `status ${answer.status}`;
            if (answer.status === 404) {
              const bare = "/" + health.split("/").slice(2).join("/");
              if (bare !== health && (await get(base + bare).catch(() => ({ status: 0 }))).status === 200) last = `prefix ${bare}`;
            }
          }
          wrong ||= passed();
        } catch (error) {
          last = `silent ${error.name === "TimeoutError" ? "timeout" : (error.cause && error.cause.code) || error.name}`;
        }
        if (name && turn++ % 3 === 2 && state() === "ended") return "ended";
        if (passed() > patience || (wrong && passed() - wrong > patience / 4)) return last;
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    }
    main().then((said) => { console.log(`health: ${said}`); process.exit(said === "ok" ? 0 : 1); });
  ' -- "$1" "$HEALTH" "$PATIENCE" "$2" "$(command -v pm2)" "$3"
}

# Why it did not answer: what it said itself comes first, then what was seen from outside.
unhealthy() {
  local port=$1 answer found elsewhere
  answer=$(sed -n 's/^health: //p' "$STEP_LOG" | tail -n 1)
  case $answer in
  prefix*) fail "The health path $HEALTH answers 404, but ${answer#* } answers: the prefix is missing." \
    "The load balancer does not remove the prefix: use app.setGlobalPrefix('api') in NestJS, or set the service's health path." ;;
  loop*) fail "The health path $HEALTH redirects to itself (${answer#* }) although the request came by https." \
    "Trust X-Forwarded-Proto (trust proxy: 1), or redirect only at the load balancer." ;;
  esac
  found=$(diagnosed) && fail "${found%%$'\n'*}" "${found#*$'\n'}"
  case $answer in
  'status 404') fail "The health path $HEALTH answers 404." "Answer it with 200, or set the service's health path in the config." ;;
  status*) fail "The health path $HEALTH answers ${answer#* }." "See the program's output above. The answer must be 200 to 399." ;;
  ended) fail "The program ended right after it was started." "See its output above. Start it on your computer with the same variables." ;;
  'silent timeout') fail "The health path $HEALTH did not answer within 5 s." "Answer it without asking the database or another service." ;;
  esac
  elsewhere=$(as_app awk -v port="$port" '$1 != port && $1 ~ /^[0-9]+$/ { print $1 }' "$KEPT/listens" 2>/dev/null | sort -u | head -n 1)
  if [[ -n $elsewhere && -n $BEHIND && $elsewhere == "$PORT" ]]; then
    fail "The program listens on $elsewhere, the port of nginx." "Make it listen on process.env.PORT: nginx forwards requests from $elsewhere."
  fi
  if [[ -n $elsewhere ]]; then
    fail "Nothing listens on the port in PORT; the program listens on $elsewhere." "Make it listen on process.env.PORT, or set the service's port to $elsewhere."
  fi
  fail "Nothing listens on the port in PORT after $PATIENCE s." "Make the program listen on process.env.PORT before it waits for anything else."
}

# Only 127.0.0.1: it answers here, and the load balancer never reaches it.
reachable() {
  [[ -s $KEPT/listens ]] || return 0
  as_app awk -v port="$1" '$1 == port { any = 1 } $1 == port && $2 !~ /^(127\.0\.0\.1|localhost|::1)$/ { found = 1 }
    END { exit (any && !found) ? 1 : 0 }' "$KEPT/listens"
}

switch() {
  LOGGED=$(size "$APP_LOGS/$SERVICE.log") LOGGED_ERRORS=$(size "$APP_LOGS/$SERVICE-error.log")
  step switch
  SWITCHING=yes
  [[ -n $PREVIOUS || -n $BEHIND ]] || placeholder stop
  run exchange "$KEPT/pm2.next.json" "$BEHIND" || broken $? "PM2 could not start the release." "Check $PM2_HOME/pm2.log."
}

size() {
  local bytes
  bytes=$(as_app wc -c "$1" 2>/dev/null)
  bytes=${bytes//[^0-9 ]/}
  read -r bytes _ <<<"$bytes"
  printf '%s' "${bytes:-0}"
}

# The health path on the real port, and the processes from the new folder.
verify() {
  step verify
  if ! serves; then
    say "PM2 kept the old folder: restarting the processes."
    if ! { run apply "$KEPT/pm2.next.json" anew && serves; }; then
      broken 1 "PM2 does not run the program from $FOLDER." "Check $PM2_HOME/pm2.log."
    fi
  fi
  local status=0
  if [[ -n $PORT ]]; then
    run answers "${BEHIND:-$PORT}" "$(first_process)" '' || status=$?
  else
    sleep "$((PATIENCE < 5 ? 1 : 5))"
    serves || status=1
  fi
  if ((status != 0)); then
    shown_of "$APP_LOGS/$SERVICE.log" "$LOGGED"
    shown_of "$APP_LOGS/$SERVICE-error.log" "$LOGGED_ERRORS"
    if [[ -n $PORT ]]; then unhealthy "${BEHIND:-$PORT}"; fi
    broken 1 "The program ended right after it was started." "See its output above."
  fi
  if [[ -z $BEHIND ]]; then return; fi
  run take_over || broken $? "nginx could not be started on port $PORT." "Check $NGINX_LOGS/error.log."
  if ! run answers "$PORT" '' ''; then
    tail -n 400 "$NGINX_LOGS/error.log" 2>/dev/null | relay >/dev/null
    broken 1 "The program answers on port $BEHIND, but not through nginx on port $PORT." "Check $NGINX_LOGS/error.log."
  fi
}

first_process() {
  as_app node -e 'console.log(JSON.parse(require("fs").readFileSync(process.argv[1])).apps[0].name)' -- "$KEPT/pm2.next.json"
}

# Do this release's processes run, and no others of ours?
serves() {
  local name status folder found=''
  while IFS=$'\t' read -r name _ status _ folder; do
    if [[ $folder/ == "$FOLDER"/* && $status == online ]]; then found=yes; elif [[ $folder/ == "$RELEASES"/* ]]; then return 1; fi
  done < <(listed)
  [[ -n $found ]]
}

# From here on it is the release of this machine, after a reboot too.
commit() {
  local set
  for set in environment pm2; do
    as_app mv -f "$KEPT/$set.next.json" "$KEPT/$set.json" || broken 1 "$KEPT cannot be written."
  done
  # It holds the environment of what runs, and the list before it that of what ran.
  as_app bash -c 'umask 077 && pm2 save --force && chmod 600 "$1"/dump.pm2*' - "$PM2_HOME" >/dev/null 2>&1 </dev/null ||
    broken 1 "PM2's list could not be saved." "Check $PM2_HOME/pm2.log."
  keep_nginx
  if ! { rm -f "$CURRENT.new" && ln -s "releases/$RELEASE" "$CURRENT.new" && node -e 'require("fs").renameSync(...process.argv.slice(1))' \
    -- "$CURRENT.new" "$CURRENT"; }; then broken 1 "$CURRENT cannot be written."; fi
  if ! { printf '%s\n' "$RELEASE" >"$SERVING.new" && mv -f "$SERVING.new" "$SERVING"; }; then
    broken 1 "$SERVING cannot be written."
  fi
  SWITCHING=''
  placeholder disable
  tell "$RELEASE"
}

# The release before runs on; without one the placeholder answers again, on a machine that began with it.
go_back() {
  SWITCHING=''
  if [[ -n $PREVIOUS ]] && as_app test -f "$SHARED/$PREVIOUS/pm2.json"; then
    if exchange "$SHARED/$PREVIOUS/pm2.json" "$(behind_of "$KNOWN/$PREVIOUS/manifest.json")" >>"$LOG" 2>&1; then
      say "Went back to $PREVIOUS."
    else
      say "$PREVIOUS could not be started again."
    fi
  else
    exchange '' '' >>"$LOG" 2>&1
    if systemd && systemctl is-enabled --quiet "$PLACEHOLDER" 2>/dev/null; then placeholder start; fi
  fi
}

# --- nginx ------------------------------------------------------------------------------------------------------------
# Where the manifest says `behind`, nginx has the service's port, and the program listens there on 127.0.0.1.

behind_of() {
  node -p 'const port = JSON.parse(require("fs").readFileSync(process.argv[1])).behind; Number.isInteger(port) ? port : ""' -- "$1"
}

# Installed by the first release that wants it: machines that are there already need not be replaced.
need_nginx() {
  [[ -n $BEHIND ]] || return 0
  step nginx
  local pause
  for pause in 0 5 20; do
    sleep "$pause"
    if nginx -v >/dev/null 2>&1; then break; fi
    run install_nginx
  done
  nginx -v >>"$STEP_LOG" 2>&1 || broken $? "nginx could not be installed." "Can the machine reach the internet? Deploy again, or set nginx = false."
  # The CloudWatch agent reads these logs as a user of its own.
  if [[ -f $ROOT/etc/logrotate.d/nginx ]]; then sed -i 's/^\( *create\) .*/\1 0644 nginx root/' "$ROOT/etc/logrotate.d/nginx"; fi
  if ! { mkdir -p "${NGINX_CONFIG%/*}" "${NGINX_PID%/*}" "$NGINX_LOGS" && chmod 755 "$NGINX_LOGS" &&
    nginx_config >"$NGINX_CONFIG.new"; }; then
    broken 1 "nginx's configuration cannot be written."
  fi
  run nginx -t -q -c "$NGINX_CONFIG.new" || broken $? "nginx refuses its configuration." "Check $NGINX_CONFIG.new."
  if systemd; then write_unit "$NGINX_UNIT" "$(nginx_unit)"; fi
  # Only where something differs: a reload hangs up on idle connections, which the load balancer may be about to use.
  if [[ $(cat "$NGINX_CONFIG.new") == "$(cat "$NGINX_CONFIG" 2>/dev/null)" ]]; then
    rm -f "$NGINX_CONFIG.new"
    return
  fi
  mv -f "$NGINX_CONFIG.new" "$NGINX_CONFIG" || broken 1 "nginx's configuration cannot be written."
  if nginx_runs; then run nginx -s reload -c "$NGINX_CONFIG" || broken $? "nginx could not be reloaded."; fi
}

install_nginx() {
  echo "installing nginx"
  if command -v amazon-linux-extras >/dev/null; then
    amazon-linux-extras install -y nginx1
  else
    yum install --assumeyes --quiet nginx
  fi 9>&-
}

# What comes out is what would without it: the application's own limits, compression, streams and addresses.
nginx_config() {
  cat <<NGINX
# Written by a release; what is changed here is gone with the next.
worker_processes auto;
worker_rlimit_nofile 65536;
# A connection that never ends (a WebSocket) holds an old worker no longer than this.
worker_shutdown_timeout 30s;
pid "$NGINX_PID";
error_log "$NGINX_LOGS/error.log" warn;

events {
  worker_connections 8192;
}

http {
  # The load balancer's address says nothing: the sender's is in X-Forwarded-For.
  log_format sent '\$http_x_forwarded_for - [\$time_iso8601] "\$request" \$status \$body_bytes_sent '
                  '"\$http_referer" "\$http_user_agent" \$request_time';
  access_log "$NGINX_LOGS/access.log" sent;
  server_tokens off;

  # Longer than the load balancer's idle timeout (60 s), which would else send on a connection that is being closed.
  keepalive_timeout 75s;
  # How large an upload may be is the application's to say; it goes straight through, not by way of the disk.
  client_max_body_size 0;
  # As large as the load balancer lets through.
  large_client_header_buffers 4 16k;
  # Next.js compresses itself, and what is compressed twice only costs time.
  gzip off;

  map \$http_upgrade \$hop {
    default upgrade;
    '' close;
  }

  server {
    listen $PORT default_server;

    location / {
      # No connection to the application is kept: one that a reloading process closes would lose a request.
      proxy_pass http://127.0.0.1:$BEHIND;
      proxy_http_version 1.1;
      proxy_set_header Host \$http_host;
      proxy_set_header Upgrade \$http_upgrade;
      proxy_set_header Connection \$hop;
      # X-Forwarded-* pass as the load balancer has set them: the application still trusts one proxy, and no more.
      proxy_redirect off;
      proxy_request_buffering off;
      # An answer is sent while it is being written (streams, server-sent events).
      proxy_buffering off;
      proxy_buffer_size 32k;
      proxy_buffers 4 32k;
      # The load balancer gives up first.
      proxy_connect_timeout 5s;
      proxy_read_timeout 120s;
      proxy_send_timeout 120s;
    }
  }
}
NGINX
}

nginx_runs() {
  if systemd; then
    systemctl is-active --quiet "$NGINX_UNIT"
  else
    kill -0 "$(cat "$NGINX_PID" 2>/dev/null)" 2>/dev/null
  fi
}

start_nginx() {
  if systemd; then
    systemctl start "$NGINX_UNIT"
  else
    nginx -c "$NGINX_CONFIG" 9>&-
  fi
}

# The package's own unit and configuration stay as they are, and unused.
nginx_unit() {
  cat <<UNIT
[Unit]
Description=nginx before the application
After=network-online.target
Wants=network-online.target

[Service]
Type=forking
PIDFile=$NGINX_PID
LimitNOFILE=65536
Restart=on-failure
ExecStart=$(command -v nginx) -c $NGINX_CONFIG
ExecReload=$(command -v nginx) -s reload -c $NGINX_CONFIG
KillSignal=SIGQUIT
KillMode=mixed
TimeoutStopSec=5

[Install]
WantedBy=multi-user.target
UNIT
}

stop_nginx() {
  nginx_runs || return 0
  if systemd; then
    systemctl stop "$NGINX_UNIT"
    return
  fi
  local end=$((SECONDS + 5))
  nginx -s quit -c "$NGINX_CONFIG"
  while nginx_runs; do
    if ((SECONDS > end)); then nginx -s stop -c "$NGINX_CONFIG"; fi
    sleep 0.1
  done
}

# After a reboot too. In the moment between PM2's list and this a reboot would find one without the other.
keep_nginx() {
  systemd || return 0
  if [[ -n $BEHIND ]]; then
    systemctl enable --quiet "$NGINX_UNIT"
  elif [[ -f $ROOT/etc/systemd/system/$NGINX_UNIT ]]; then
    systemctl disable --quiet "$NGINX_UNIT"
  fi
}

# What runs becomes what is in the file, and nginx goes or comes. A program that had the port itself lets go of it in the
# middle of its reload: nginx waits for that moment, and does not let it pass.
exchange() {
  local file=$1 behind=$2 taking='' status=0
  if [[ -z $behind ]]; then
    stop_nginx
  elif [[ -n $PREVIOUS ]] && ! nginx_runs; then
    { once_free && start_nginx; } &
    taking=$!
  fi
  apply "$file" || status=$?
  if [[ -n $taking ]]; then
    if ((status != 0)); then kill -KILL "$taking"; fi
    wait "$taking"
  fi
  return "$status"
}

# Ends when nobody has the service's port, or when it is waited for no more.
once_free() {
  node -e '
    const net = require("net"), port = Number(process.argv[1]), parent = process.ppid, end = Date.now() + 75000;
    (function look() {
      if (process.ppid !== parent || Date.now() > end) process.exit(1);
      const server = net.createServer();
      server.once("error", () => setTimeout(look, 20));
      server.listen(port, "0.0.0.0", () => server.close(() => process.exit(0)));
    })();' -- "$PORT" 9>&-
}

# Before the first release the placeholder has the port: it goes when the program answers, and nginx is there at once.
take_over() {
  if nginx_runs; then return; fi
  [[ -n $PREVIOUS ]] || placeholder stop
  start_nginx
}

# --- the end ----------------------------------------------------------------------------------------------------------

tell() {
  local token instance=${INSTANCE_ID:-} pause
  for pause in 0 2 5; do
    sleep "$pause"
    if [[ -z $instance ]]; then
      token=$(curl --fail --silent --max-time 5 --request PUT --header 'X-aws-ec2-metadata-token-ttl-seconds: 60' \
        http://169.254.169.254/latest/api/token) || continue
      instance=$(curl --fail --silent --max-time 5 --header "X-aws-ec2-metadata-token: $token" \
        http://169.254.169.254/latest/meta-data/instance-id) || continue
    fi
    if aws ec2 create-tags --region "$REGION" --resources "$instance" --tags "Key=awsdeploy:release,Value=$1" >>"$LOG" 2>&1 9>&-; then
      return
    fi
  done
  say "The tag awsdeploy:release could not be set."
}

tidy() {
  step tidy
  local folder name kept
  kept=$(complete_ones | head -n "$KEEP")
  for folder in "$RELEASES"/* "$KNOWN"/*; do
    name=${folder##*/}
    if [[ $name == "$RELEASE" || $name == '*' ]] || grep -qxF -- "$name" <<<"$kept"; then continue; fi
    if [[ ! -e $folder ]]; then continue; fi # by its other name
    as_app rm -rf "${SHARED:?}/$name"
    rm -rf "${RELEASES:?}/$name" "${KNOWN:?}/$name"
    say "removed $name"
  done
}

main
