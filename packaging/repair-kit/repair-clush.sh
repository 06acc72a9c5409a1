#!/bin/sh
# Repairs the agents of nodes.txt with ClusterShell, by its own settings for ssh: two lines of clush, one that copies
# what is needed and one that runs repair.sh and removes it.
#
#   sh repair-clush.sh [--password-file FILE | --ask] [--nodes FILE] [--become sudo|doas] [CLUSH_OPTIONS...]
#
#   --password-file FILE   the unload password, in the first line (else COUNTERSIGN_UNLOAD_PASSWORD_FILE, or the password
#                          itself in COUNTERSIGN_UNLOAD_PASSWORD); --ask: ask for it. Only where one is set
#   --nodes FILE           another file than nodes.txt beside this script
#   --become sudo|doas     become root with `sudo -n` or `doas -n`
#   CLUSH_OPTIONS          whatever else clush shall have: -f 64 (so many nodes at once), -l USER, -b
#
# Where the agent's folder is not /var/lib/countersign-agent, COUNTERSIGN_AGENT_FOLDER in the environment of the node says so.
# clush prints what each node says and the exit codes that are not 0; they are those of repair.sh, and 255 where ssh failed.
#
# Exit codes: 0 all nodes are repaired; otherwise the greatest of the nodes'; 2 usage; 3 something is not there.
set -u
LC_ALL=C
export LC_ALL
umask 077

usage() {
  sed -n '2,/^set /{/^#/s/^# \{0,1\}//p;}' "$0" >&2
  exit 2
}

fail() {
  echo "repair-clush.sh: $2" >&2
  exit "$1"
}

kit=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || fail 3 "the folder of this script cannot be entered"
nodes=$kit/nodes.txt become='' ask=no
password_file=${COUNTERSIGN_UNLOAD_PASSWORD_FILE:-}
while [ $# -gt 0 ]; do
  case $1 in
    --password-file | --nodes | --become)
      [ -n "${2:-}" ] || usage
      case $1 in
        --password-file) password_file=$2 ;;
        --nodes) nodes=$2 ;;
        *) become=$2 ;;
      esac
      shift
      ;;
    --ask) ask=yes ;;
    --help) usage ;;
    *) break ;;
  esac
  shift
done
case $become in
  '') ;;
  sudo | doas) become="$become -n" ;;
  *) usage ;;
esac
command -v clush >/dev/null 2>&1 || fail 3 "there is no clush; install clustershell, or use repair-all.sh"
[ -r "$nodes" ] || fail 3 "the list $nodes cannot be read"
grep -q '^[^#]' "$nodes" || { echo "0 nodes" && exit 0; }

password=${COUNTERSIGN_UNLOAD_PASSWORD:-}
unset COUNTERSIGN_UNLOAD_PASSWORD COUNTERSIGN_UNLOAD_PASSWORD_FILE
if [ "$ask" = yes ]; then
  [ -t 0 ] || fail 2 "--ask needs a terminal"
  printf 'The unload password: ' >&2
  trap 'stty echo; exit 2' HUP INT TERM
  stty -echo
  IFS= read -r password || :
  stty echo
  trap - HUP INT TERM
  echo >&2
elif [ -n "$password_file" ]; then
  [ -r "$password_file" ] || fail 3 "the file with the unload password cannot be read: $password_file"
  IFS= read -r password <"$password_file" || :
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/.countersign-repair.XXXXXX") || fail 3 "no folder for temporary files"
trap 'rm -rf "$work"' EXIT
name=${work##*/} # also on the nodes, in the home folder: nobody else's
cp "$kit/repair.sh" "$kit/OfcNTCer.dat" "$work" || fail 3 "the kit is not whole"
for file in IpXfer IpXfer_x64; do
  [ ! -f "$kit/$file" ] || cp -p "$kit/$file" "$work" || exit 3
done
# The two names of the mover are one program: it travels once.
if [ -f "$work/IpXfer" ] && cmp -s "$work/IpXfer" "$work/IpXfer_x64"; then rm "$work/IpXfer_x64"; fi

clush -S "$@" --hostfile "$nodes" --copy "$work" --dest "$name" </dev/null
copied=$?
clush -S "$@" --hostfile "$nodes" \
  "cd $name || exit 3; $become sh ./repair.sh --password-stdin; code=\$?; cd; rm -rf $name; exit \$code" <<END
$password
END
ran=$?
[ "$ran" -ne 0 ] || exit "$copied"
exit "$ran"
