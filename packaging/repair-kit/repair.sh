#!/bin/sh
# Repairs the agent on this machine: it trusts the certificate beside this script afterwards.
#
#   sudo sh repair.sh [OPTIONS]
#
#   --agent-folder FOLDER   the agent's folder (else COUNTERSIGN_AGENT_FOLDER, /var/lib/countersign-agent)
#   --agent ID              do nothing if the agent here is another one; looked at where countersign-agentd is in the PATH
#   --password-file FILE    the unload password, in the first line (else COUNTERSIGN_UNLOAD_PASSWORD_FILE, or the
#                           password itself in COUNTERSIGN_UNLOAD_PASSWORD); only where one is set
#   --password-stdin        the first line of standard input is the unload password; empty: there is none
#   --ask                   ask for it
#
# Runs the mover with -e, which asks the server before it changes anything. Copies and fetches nothing, and may be run
# again at any time. Prints one line. The unload password never is on a command line.
#
# Exit codes: 0 the server's certificate is there and the server has proved it; 30 it is there, and the server could not
# be asked; 31 a server answered with another key, nothing was changed; 2 usage; 3 something is not there: the mover, the
# certificate, the agent's folder; 7 another agent is here; 35 not root. Any other is the mover's: docs/exit-codes.md.
set -u
LC_ALL=C
export LC_ALL
umask 077

# finish CODE TEXT: the one line, and the end. Nothing in it may move the cursor of a terminal.
finish() {
  tr '\n\t\r' '   ' <<END | tr -c ' -~' '?' | cut -c 1-500
$2
END
  exit "$1"
}

usage() {
  sed -n '2,/^set /{/^#/s/^# \{0,1\}//p;}' "$0" >&2
  exit 2
}

kit=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || finish 3 "failed: the folder of this script cannot be entered"
folder=${COUNTERSIGN_AGENT_FOLDER:-/var/lib/countersign-agent}
agent=''
password_from=environment
password_file=${COUNTERSIGN_UNLOAD_PASSWORD_FILE:-}
while [ $# -gt 0 ]; do
  case $1 in
    --agent-folder | --agent | --password-file)
      [ -n "${2:-}" ] || usage
      case $1 in
        --agent-folder) folder=$2 ;;
        --agent) agent=$2 ;;
        *) password_file=$2 password_from=environment ;;
      esac
      shift
      ;;
    --password-stdin) password_from=stdin ;;
    --ask) password_from=terminal ;;
    *) usage ;;
  esac
  shift
done

# The password first: whoever writes it to standard input is not kept waiting, or cut off.
password=''
case $password_from in
  stdin) IFS= read -r password || : ;;
  terminal)
    [ -t 0 ] || finish 2 "failed: --ask needs a terminal"
    printf 'The unload password: ' >&2
    trap 'stty echo; exit 2' HUP INT TERM
    stty -echo
    IFS= read -r password || :
    stty echo
    trap - HUP INT TERM
    echo >&2
    ;;
  *)
    if [ -n "$password_file" ]; then
      [ -r "$password_file" ] || finish 3 "failed: the file with the unload password cannot be read: $password_file"
      IFS= read -r password <"$password_file" || :
    fi
    ;;
esac

[ "$(id -u)" = 0 ] || finish 35 "failed: this needs root: sudo sh repair.sh"
certificate=$kit/OfcNTCer.dat
[ -r "$certificate" ] || finish 3 "failed: OfcNTCer.dat is not beside this script"
mover=$kit/IpXfer
case $(uname -m) in x86_64 | amd64) [ ! -f "$kit/IpXfer_x64" ] || mover=$kit/IpXfer_x64 ;; esac
[ -f "$mover" ] || finish 3 "failed: the mover (IpXfer) is not beside this script"
[ -x "$mover" ] || finish 3 "failed: the mover may not be run: chmod +x IpXfer IpXfer_x64, on a file system without noexec"
[ -d "$folder" ] || finish 3 "failed: there is no agent folder $folder; --agent-folder names another"

if [ -n "$agent" ] && command -v countersign-agentd >/dev/null 2>&1; then
  here=$(countersign-agentd --agent-folder "$folder" status --json 2>/dev/null </dev/null |
    sed -n 's/.*"agent":"\([0-9a-f-]\{36\}\)".*/\1/p')
  [ -z "$here" ] || [ "$here" = "$agent" ] ||
    finish 7 "failed: agent $here is here, and the list says $agent; nothing was changed. Has the address moved?"
fi

word=repaired
! cmp -s "$certificate" "$folder/OfcNTCer.dat" || word=unchanged
if [ -n "$password" ]; then
  said=$(COUNTERSIGN_UNLOAD_PASSWORD=$password "$mover" -e "$certificate" -agent-folder "$folder" 2>&1 </dev/null)
else
  said=$("$mover" -e "$certificate" -agent-folder "$folder" 2>&1 </dev/null)
fi
code=$?
case $code in
  0) finish 0 "$word: $said" ;;
  30) finish 30 "installed, not verified: $said" ;;
  31) finish 31 "failed: another server answers: $said" ;;
  *) finish "$code" "failed: the mover ended with $code: $said" ;;
esac
