#!/bin/bash
# Makes sure that a Docker Engine answers on this machine: installs Debian's and starts it where that is needed.
#
#   usage: .ci/ensure-docker.sh           exit 0: an engine answers; 77: none can be had here (the reason is printed)
#
# Runs as root without systemd; may be run again and by several at once. DOCKER_HOST is honoured: an engine that it
# names is asked, never started (so DOCKER_HOST=unix:///nonexistent means "no Docker here").
set -u

SOCKET=/var/run/docker.sock
EXEC_ROOT=/var/run/docker
PID_FILE=/var/run/docker.pid
LOG_FILE=${CN_DOCKERD_LOG:-/var/log/dockerd.log}
PACKAGES="docker.io iptables iproute2 cgroupfs-mount ca-certificates"

say() { echo "ensure-docker: $*"; }
cannot() { say "$*"; exit 77; }

# Node is there in any case (the project needs it); curl may not be.
answers() {
  node -e '
    const host = process.env.DOCKER_HOST || "unix:///var/run/docker.sock"
    const where = host.startsWith("unix://") ? { socketPath: host.slice(7) }
      : { host: new URL(host).hostname, port: new URL(host).port || 2375 }
    const request = require("node:http").get({ ...where, path: "/_ping", timeout: 3000 }, (r) => process.exit(r.statusCode === 200 ? 0 : 1))
    request.on("error", () => process.exit(1)).on("timeout", () => process.exit(1))
  ' 2>/dev/null
}

apt() { DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -o DPkg::Lock::Timeout=180 -o Acquire::Retries=3 -qq -y "$@"; }

# Recommends are left out: they pull git and needrestart, which stops for questions.
# RUNLEVEL=1 keeps the package from starting its own daemon in the middle of the installation.
install_docker() {
  command -v apt-get >/dev/null || cannot "no apt-get here: install a Docker Engine by hand"
  say "installing $PACKAGES"
  apt install --no-upgrade --no-install-recommends $PACKAGES >/dev/null 2>&1 && return
  apt update && apt install --no-upgrade --no-install-recommends $PACKAGES >/dev/null || cannot "apt-get could not install $PACKAGES"
}

mount_cgroups() {
  mountpoint -q /sys/fs/cgroup && return
  if [ -e /proc/cgroups ] && command -v cgroupfs-mount >/dev/null && cgroupfs-mount; then return; fi
  mount -t cgroup2 none /sys/fs/cgroup || cannot "no control groups can be mounted here"
}

# A pid file whose process is gone, or now something else, keeps dockerd from starting (or makes it wait 15 s).
drop_stale_pid_file() {
  local file=$1 program=$2
  [ -s "$file" ] || return 0
  grep -qa "$program" "/proc/$(cat "$file")/cmdline" 2>/dev/null || rm -f "$file"
}

start_docker() {
  drop_stale_pid_file "$PID_FILE" dockerd
  drop_stale_pid_file "$EXEC_ROOT/containerd/containerd.pid" containerd
  say "starting dockerd (log: $LOG_FILE)"
  # shellcheck disable=SC2086 — CN_DOCKERD_ARGS is a list of words
  setsid dockerd --exec-root "$EXEC_ROOT" -H "unix://$SOCKET" --pidfile "$PID_FILE" --log-level warn \
    ${CN_DOCKERD_ARGS:-} >>"$LOG_FILE" 2>&1 </dev/null 9>&- &
  local pid=$!
  for _ in $(seq 300); do
    answers && { say "dockerd answers"; return 0; }
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  tail -20 "$LOG_FILE" >&2
  cannot "dockerd did not start"
}

if answers; then say "an engine answers already"; exit 0; fi
[ -z "${DOCKER_HOST:-}" ] || [ "$DOCKER_HOST" = "unix://$SOCKET" ] || cannot "no engine answers at DOCKER_HOST=$DOCKER_HOST"
[ "$(id -u)" = 0 ] || cannot "starting one takes root"

exec 9>/run/cn-ensure-docker.lock
flock -w 300 9 || cannot "another installation is still under way"
if answers; then exit 0; fi # another run started it meanwhile

command -v dockerd >/dev/null || install_docker
if answers; then exit 0; fi
mount_cgroups
start_docker
