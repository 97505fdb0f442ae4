#!/usr/bin/env bash
# A real SLURM cluster on this one machine, with two GPU slots that stand-in devices fill, for tests:
#
#     tools/one_node_slurm.sh install   # Debian's or Ubuntu's slurm-wlm and munge
#     tools/one_node_slurm.sh start     # needs root
#     tools/one_node_slurm.sh stop
#
# It writes /etc/slurm/{slurm,gres}.conf, which must not exist yet (the executor plugin drops
# SLURM_CONF, so they cannot lie elsewhere), and removes them again. GPUs are what limits its jobs:
# it claims more processors and memory than the machine may have.
set -euo pipefail

state=/var/lib/augcam-slurm
configs=(/etc/slurm/slurm.conf /etc/slurm/gres.conf)

fail() { echo "one_node_slurm: $*" >&2; exit 1; }

install_packages() {
    if command -v slurmctld && command -v slurmd && command -v munged && command -v sbatch; then
        return
    fi
    [ "$(id -u)" = 0 ] || fail "installing SLURM needs root"
    command -v apt-get >/dev/null || fail "installing SLURM needs apt-get (Debian or Ubuntu)"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends slurm-wlm munge
}

start() {
    [ "$(id -u)" = 0 ] || fail "SLURM's daemons need root"
    for command in munged mungekey slurmctld slurmd sbatch; do
        command -v "$command" >/dev/null || fail "there is no '$command'; install slurm-wlm and munge"
    done
    for config in "${configs[@]}"; do
        [ ! -e "$config" ] || fail "$config is there already; this machine belongs to a cluster"
    done
    mkdir -p "$state"/{ctld,d} /etc/slurm
    trap stop EXIT  # until everything is up

    # Authentication.
    [ -e /etc/munge/munge.key ] || mungekey --create
    chown munge: /etc/munge/munge.key
    install -d -o munge -g munge -m 755 /run/munge
    if ! munge --no-input >/dev/null 2>&1; then
        runuser -u munge -- munged --force
        touch "$state/own-munged"
    fi

    # Two devices that stand in for GPUs: SLURM schedules them and sets CUDA_VISIBLE_DEVICES.
    for number in 0 1; do
        mknod "$state/gpu$number" c 1 3
    done
    local name
    name=$(hostname -s)
    cat > /etc/slurm/gres.conf <<END
NodeName=$name Name=gpu File=$state/gpu[0-1]
END
    cat > /etc/slurm/slurm.conf <<END
ClusterName=augcam
SlurmctldHost=$name(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
GresTypes=gpu
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
KillWait=2
SchedulerParameters=sched_interval=2,batch_sched_delay=0
StateSaveLocation=$state/ctld
SlurmdSpoolDir=$state/d
SlurmctldPidFile=$state/slurmctld.pid
SlurmdPidFile=$state/slurmd.pid
SlurmctldLogFile=$state/slurmctld.log
SlurmdLogFile=$state/slurmd.log
NodeName=$name NodeAddr=127.0.0.1 CPUs=8 RealMemory=64000 Gres=gpu:2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
    slurmctld
    slurmd
    for _ in $(seq 60); do
        if sinfo --noheader --format %t 2>/dev/null | grep -q idle; then
            echo "SLURM is up: $(sinfo --noheader --format '%n, %c processors, %m MB, %G')"
            trap - EXIT
            return
        fi
        sleep 0.5
    done
    tail -n 5 "$state"/*.log >&2
    fail "the node does not become idle"
}

end() {  # the process whose id is in a file, if it runs
    local pid
    pid=$(cat "$1" 2>/dev/null) || return 0
    kill "$pid" 2>/dev/null || return 0
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
}

stop() {
    end "$state/slurmd.pid"
    end "$state/slurmctld.pid"
    if [ -e "$state/own-munged" ]; then
        end /run/munge/munged.pid
    fi
    if [ -d "$state" ]; then
        rm -f "${configs[@]}"
        rm -rf "$state"
    fi
}

case "${1:-}" in
    install) install_packages ;;
    start) start ;;
    stop) stop ;;
    *) fail "install, start or stop?" ;;
esac
