#!/bin/sh
# Cuts a run into parts with GNU parallel and with a real Slurm of one node, joins
# them, and compares the bytes with a run that was not cut. Both come from Debian;
# Slurm's three programs are this script's own, on ports and files of its own, and
# need root.
set -eu

cd "$(dirname "$0")/../.."
TOOL=$(realpath "${TOOL:-.build/release/dmamatrix}")
root=$PWD
job=$(realpath Tests/Shards/array.sh)
work=$(mktemp -d)
pids=
finish() {
  for pid in $pids; do kill "$pid" 2>/dev/null || true; done
  for pid in $pids; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 2' INT TERM

fail() {
  echo "shards: $1" >&2
  exit "${2:-1}"
}

missing=
command -v parallel >/dev/null || missing="$missing parallel"
for program in slurmctld slurmd sbatch; do
  command -v "$program" >/dev/null || missing="$missing slurm-wlm"
done
command -v munged >/dev/null || missing="$missing munge"
# shellcheck disable=SC2086
sh Tests/install.sh $missing
[ "$(id -u)" -eq 0 ] || fail "Slurm's programs need root" 2

mkdir "$work/bin"
ln -s "$TOOL" "$work/bin/dmamatrix"
PATH="$work/bin:$PATH"
export PATH
cd "$work"
dmamatrix generate --quiet -d whole.db

joined() {
  (cd "$1" && dmamatrix merge --quiet -o ../"$1".db part-*.db)
  cmp whole.db "$1.db" || fail "$1: the merged parts differ from the whole"
  echo "$1: $2 parts, merged, byte for byte the whole ($(wc -c <whole.db) bytes)"
}

# A kernel's own code in parts, where "make verify-kernels" unpacked one.
if [ -d "$root/.kernels/6.1" ]; then
  verify() { dmamatrix verify --tree "$root/.kernels/6.1" --name tree --against 6.1 --yes "$@"; }
  sum() { awk '/^[0-9]+ scenarios exist on both: .* 0 differ\.$/ { n += $1 } END { print n }' "$@"; }
  mkdir trees
  cp whole.db tree.db
  verify --store tree.db >tree.txt
  for part in 1 2 3; do
    dmamatrix generate --quiet -d trees/$part.db --shard $part/3
    verify --shard $part/3 --store trees/$part.db >trees/$part.txt
  done
  [ "$(sum trees/?.txt)" = "$(sum tree.txt)" ] || fail "the parts of a tree are not the whole"
  dmamatrix merge --quiet -o trees.db trees/3.db trees/1.db trees/2.db
  for database in tree trees; do
    dmamatrix info --check -d $database.db | sed 's/.*: //' >$database.digest
  done
  cmp tree.digest trees.digest || fail "the merged parts of a tree differ from the whole"
  echo "tree: 3 parts, $(sum tree.txt) scenarios, merged, row for row the whole"
else
  echo "tree: left out, .kernels/6.1 is missing (make verify-kernels)"
fi

mkdir parallel
(cd parallel && parallel --will-cite -j 2 \
  dmamatrix generate --quiet -d part-{}.db --shard {}/8 --jobs 1 ::: 1 2 3 4 5 6 7 8)
joined parallel 8

# Slurm: an authentication service, a controller, a node.
mkdir -p slurm state spool munge
dd if=/dev/urandom of=munge/key bs=1024 count=1 2>/dev/null
chmod 700 munge
chmod 400 munge/key
chmod 711 "$work"
node=$(hostname -s)
cat >slurm.conf <<EOF
ClusterName=dmamatrix
SlurmctldHost=$node
SlurmUser=root
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CryptoType=crypto/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
MpiDefault=none
NodeName=$node NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=$node Default=YES MaxTime=INFINITE State=UP
EOF
export SLURM_CONF="$work/slurm.conf"
munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" \
  --pid-file="$work/munge/pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed" \
  >munge.out 2>&1 &
pids="$! $pids"
slurmctld -D >slurmctld.out 2>&1 &
pids="$! $pids"
slurmd -D -N "$node" >slurmd.out 2>&1 &
pids="$! $pids"
tries=0
until sinfo -h -o %T 2>/dev/null | grep -q idle; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || {
    tail -n 5 munge.out slurmctld.out slurmd.out slurmctld.log slurmd.log >&2 || true
    fail "Slurm's node does not become idle"
  }
  sleep 1
done
(cd slurm && sbatch --wait "$job") || { cat slurm/*.log >&2; fail "the Slurm array failed"; }
joined slurm 4
echo "$(sbatch --version), $(parallel --version | head -n 1)"
