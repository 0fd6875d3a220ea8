#!/bin/bash
# Makes a fresh Amazon Linux machine ready for its first release: Node.js with PM2, the user and the folders of the
# application, swap where memory is small, logrotate and the CloudWatch agent. The placeholder goes on running meanwhile.
#
#   bootstrap.sh STACK SERVICE SYSTEM REGION BUCKET     as in: bootstrap.sh shop/prod backend al2023 ap-northeast-2 b
#
# Run as root, as often as you like: what is there already is left alone. It ends with its outcome in
# /var/lib/awsdeploy/bootstrap.json and in the machine's tag awsdeploy:bootstrap: `ok VERSION` or `failed VERSION STEP`.
# Then it puts on the machine the release that is current, if there is one; how that went is another tag (release.sh).
# Tests set ROOT (everything happens below that folder) and OUTSIDE (a program that plays the rest of the world).
set -euo pipefail

readonly VERSION=6
readonly NODE_AL2=v18.20.8 # the last of its line; built for AL2's glibc 2.17 and later
readonly NODE_AL2023=24
readonly PM2=6.0.8
readonly YARN=1.22.22
readonly SWAP_BELOW=2097152 # kB of memory; `next build` dies in 1 GB
readonly SWAP_MB=2048

readonly STACK=$1 SERVICE=$2 SYSTEM=$3 REGION=$4 BUCKET=${5:-}
readonly ROOT=${ROOT:-} OUTSIDE=${OUTSIDE:-}
export PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin
umask 022

step=begin

main() {
  trap finish EXIT
  step=account
  account app
  account app-build
  step=folders
  folders
  step=swap
  swap
  step=metadata
  metadata
  step=node
  "node_$SYSTEM"
  step=pm2
  process_manager
  step=git
  version_control
  step=logs
  log_rotation
  step=agent
  agent
  step=
}

# The one point at which anything comes from the world outside or goes there.
outside() {
  if [[ -n $OUTSIDE ]]; then
    "$OUTSIDE" "$@"
    return $? # said in full: inside the exit trap a bare return means the status before it
  fi
  local what=$1 token instance
  shift
  case $what in
  packages) yum install --assumeyes --quiet "$@" ;;
  tools) aws s3 cp --only-show-errors --region "$REGION" "s3://$BUCKET/bootstrap/tools-lock.json" "$1/package-lock.json" ;;
  npm) npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund --loglevel=error ;;
  download) curl --fail --silent --show-error --location --max-time 300 --output "$2" "$1" ;;
  release)
    aws s3 cp --only-show-errors --region "$REGION" "s3://$BUCKET/bootstrap/release.sh" /opt/awsdeploy/release.sh &&
      bash /opt/awsdeploy/release.sh catchup "$STACK" "$SERVICE" "$REGION" "$BUCKET"
    ;;
  tag)
    token=$(curl --fail --silent --max-time 5 --request PUT --header 'X-aws-ec2-metadata-token-ttl-seconds: 60' \
      http://169.254.169.254/latest/api/token) || return 1
    instance=$(curl --fail --silent --max-time 5 --header "X-aws-ec2-metadata-token: $token" \
      http://169.254.169.254/latest/meta-data/instance-id) || return 1
    aws ec2 create-tags --region "$REGION" --resources "$instance" --tags "Key=awsdeploy:bootstrap,Value=$1"
    ;;
  esac
}

# Another process may hold the package manager's lock, a mirror may be away for a moment.
patiently() {
  local pause
  for pause in 0 5 15 45 90; do
    sleep "$pause"
    if "$@"; then return 0; fi
  done
  return 1
}

# A link that already leads there is left alone.
link() {
  local target=$1 path=$ROOT$2
  if [[ $(readlink "$path" || true) == "$target" ]]; then return 0; fi
  mkdir -p "$(dirname "$path")"
  ln -sfn "$target" "$path"
}

# Programs run as `app`. Packages are installed and built by `app-build`, since they bring scripts of third parties.
account() {
  if id "$1" >/dev/null 2>&1; then return 0; fi
  useradd --system --create-home --home-dir "/home/$1" --shell /bin/bash "$1"
}

# Root alone makes and removes the folders of releases: what is in them may be anything.
folders() {
  local owner mode folder
  while read -r owner mode folder; do
    if [[ -d $ROOT$folder ]]; then continue; fi
    mkdir -p "$ROOT$folder"
    chmod "$mode" "$ROOT$folder"
    chown "$owner:$owner" "$ROOT$folder"
  done <<'LIST'
root 755 /srv/app
root 755 /srv/app/releases
app 750 /srv/app/shared
app 755 /var/log/app
LIST
}

# The builder gets no credentials of the machine's role.
# AWS: the instance metadata service answers at 169.254.169.254 ("Limit access to the instance metadata service").
metadata() {
  local rule='OUTPUT -d 169.254.169.254 -m owner --uid-owner app-build -j REJECT' package=iptables
  if [[ $SYSTEM == al2023 ]]; then package=iptables-nft; fi
  if [[ ! -x $ROOT/usr/sbin/iptables ]]; then patiently outside packages "$package"; fi
  put /etc/systemd/system/awsdeploy-metadata.service <<UNIT
[Unit]
Description=No credentials of the machine for what is installed and built
Before=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c '/usr/sbin/iptables -w -C $rule || /usr/sbin/iptables -w -I $rule'

[Install]
WantedBy=multi-user.target
UNIT
  systemctl daemon-reload
  systemctl enable --quiet --now awsdeploy-metadata.service
}

swap() {
  local memory
  memory=$(awk '/^MemTotal:/ { print $2 }' "$ROOT/proc/meminfo")
  if ((memory >= SWAP_BELOW)); then return 0; fi
  if [[ ! -f $ROOT/swapfile ]]; then
    # XFS has no swap on what fallocate makes.
    dd if=/dev/zero of="$ROOT/swapfile.new" bs=1M count="$SWAP_MB" status=none
    chmod 600 "$ROOT/swapfile.new"
    mkswap "$ROOT/swapfile.new" >/dev/null
    mv "$ROOT/swapfile.new" "$ROOT/swapfile"
  fi
  if ! grep -qs '^/swapfile ' "$ROOT/etc/fstab"; then
    mkdir -p "$ROOT/etc"
    echo '/swapfile none swap defaults 0 0' >>"$ROOT/etc/fstab"
  fi
  if ! grep -q '^/swapfile ' "$ROOT/proc/swaps"; then swapon "$ROOT/swapfile"; fi
}

node_al2023() {
  local node=/usr/bin/node-$NODE_AL2023
  if [[ ! -x $ROOT$node ]]; then
    patiently outside packages "nodejs$NODE_AL2023" "nodejs$NODE_AL2023-npm"
  fi
  if [[ $(readlink -f "$ROOT/usr/bin/node") != "$ROOT$node" ]]; then alternatives --set node "$node"; fi
}

# No official Node.js 18 runs on AL2: they want glibc 2.28.
node_al2() {
  local name=node-$NODE_AL2-linux-x64-glibc-217 program work
  local place=https://unofficial-builds.nodejs.org/download/release/$NODE_AL2
  if [[ ! -x $ROOT/opt/$name/bin/node ]]; then
    mkdir -p "$ROOT/opt"
    work=$(mktemp -d "$ROOT/opt/node.XXXXXX")
    patiently outside download "$place/SHASUMS256.txt" "$work/SHASUMS256.txt"
    patiently outside download "$place/$name.tar.xz" "$work/$name.tar.xz"
    (cd "$work" && grep " $name.tar.xz\$" SHASUMS256.txt | sha256sum --check --status)
    tar --extract --file "$work/$name.tar.xz" --directory "$work" --no-same-owner
    rm -rf "$ROOT/opt/${name:?}"
    mv "$work/$name" "$ROOT/opt/$name"
    rm -r "$work"
  fi
  for program in node npm npx; do link "/opt/$name/bin/$program" "/usr/local/bin/$program"; done
}

# By a lock file with hashes, and without the scripts of packages.
process_manager() {
  local tools=$ROOT/opt/awsdeploy/tools program
  if ! { grep -qs "\"version\": \"$PM2\"" "$tools/node_modules/pm2/package.json" &&
    grep -qs "\"version\": \"$YARN\"" "$tools/node_modules/yarn/package.json"; }; then
    mkdir -p "$tools"
    printf '{"name": "tools", "private": true, "dependencies": {"pm2": "%s", "yarn": "%s"}}\n' "$PM2" "$YARN" \
      >"$tools/package.json"
    patiently outside tools "$tools"
    patiently outside npm "$tools"
  fi
  for program in pm2 yarn; do link "/opt/awsdeploy/tools/node_modules/.bin/$program" "/usr/local/bin/$program"; done
}

# For releases that the machine fetches from their repository.
version_control() {
  if [[ ! -x $ROOT/usr/bin/git ]]; then patiently outside packages git; fi
}

# Writes what comes in, unless the file has it already.
put() {
  local path=$ROOT$1 wanted
  wanted=$(cat)
  if [[ -f $path && $(cat "$path") == "$wanted" ]]; then return 0; fi
  mkdir -p "$(dirname "$path")"
  printf '%s\n' "$wanted" >"$path.new"
  mv -f "$path.new" "$path"
}

# The release agent configures it.
log_rotation() {
  if [[ ! -x $ROOT/usr/sbin/logrotate ]]; then patiently outside packages logrotate; fi
}

agent() {
  local folder=$ROOT/opt/aws/amazon-cloudwatch-agent config wanted
  if [[ ! -x $folder/bin/amazon-cloudwatch-agent-ctl ]]; then patiently outside packages amazon-cloudwatch-agent; fi
  config=$folder/etc/awsdeploy.json
  wanted=$(agent_config)
  if [[ -f $config && $(cat "$config") == "$wanted" ]] &&
    systemctl is-active --quiet amazon-cloudwatch-agent; then return 0; fi
  mkdir -p "$folder/etc"
  printf '%s\n' "$wanted" >"$config.new"
  mv -f "$config.new" "$config"
  "$folder/bin/amazon-cloudwatch-agent-ctl" -a fetch-config -m ec2 -s -c "file:$config"
}

# The agent's own user (its package makes it) cannot be led by a link in the application's folder to a file of root's.
# Of several files that fit a pattern the agent sends the newest only, unless told otherwise. A machine of a group says
# everything once more under the name of the group alone; one that has no group has no such dimension.
agent_config() {
  cat <<JSON
{
  "agent": {"metrics_collection_interval": 60, "region": "$REGION", "run_as_user": "cwagent"},
  "metrics": {
    "namespace": "CWAgent",
    "append_dimensions": {
      "InstanceId": "\${aws:InstanceId}", "AutoScalingGroupName": "\${aws:AutoScalingGroupName}"
    },
    "aggregation_dimensions": [["AutoScalingGroupName"]],
    "metrics_collected": {
      "mem": {"measurement": ["mem_used_percent"]},
      "swap": {"measurement": ["swap_used_percent"]},
      "disk": {"measurement": ["used_percent"], "resources": ["/"], "drop_device": true}
    }
  },
  "logs": {
    "logs_collected": {
      "files": {
        "collect_list": [
          {"file_path": "/var/log/app/*.log", "log_group_name": "/deploy/$STACK/$SERVICE",
           "log_stream_name": "{instance_id}", "publish_multi_logs": true},
          {"file_path": "/var/log/nginx/*.log", "log_group_name": "/deploy/$STACK/nginx",
           "log_stream_name": "{instance_id}", "publish_multi_logs": true},
          {"file_path": "/var/log/awsdeploy/bootstrap.log", "log_group_name": "/deploy/$STACK/bootstrap",
           "log_stream_name": "{instance_id}"}
        ]
      }
    }
  }
}
JSON
}

finish() {
  local status=$?
  trap - EXIT
  set +e
  if ((status == 0)); then
    report ok || exit 1
    echo "ready"
    if [[ -n $BUCKET ]] && ! outside release; then echo "the current release could not be put here"; fi
  else
    report failed
    echo "failed at: $step"
  fi
  exit "$status"
}

# An outcome that is on record already keeps its time.
report() {
  local outcome=$1 record=$ROOT/var/lib/awsdeploy/bootstrap.json said
  said=$(printf '{"version": %s, "outcome": "%s", "step": "%s", "at":' "$VERSION" "$outcome" "$step")
  if ! grep -qsF "$said" "$record"; then
    mkdir -p "$(dirname "$record")"
    printf '%s "%s"}\n' "$said" "$(date --utc +%Y-%m-%dT%H:%M:%SZ)" >"$record.new"
    mv -f "$record.new" "$record"
  fi
  patiently outside tag "$outcome $VERSION${step:+ $step}"
}

main
