#!/bin/sh
# Repairs the agents of a list, over ssh: copies the mover, the certificate and repair.sh to each host, runs it there, and
# removes them. Many hosts at once; a summary at the end says which failed, and why.
#
#   sh repair-all.sh [OPTIONS] [HOSTS]
#
#   HOSTS                  the list: hosts.txt beside this script, or another such file
#   -n NUMBER              so many hosts at once (20)
#   -t SECONDS             so long for each host (300), where the program `timeout` is there
#   -F FILE                configuration of ssh; -l USER: log in as this user
#   -b sudo | -b doas      become root with `sudo -n` or `doas -n`
#   -d FOLDER              where the files are put on the hosts for as long as it takes (the home folder)
#   -w FILE                write the lines of the hosts that failed: the list for the next time
#   --password-file FILE   the unload password, in the first line (else COUNTERSIGN_UNLOAD_PASSWORD_FILE, or the password
#                          itself in COUNTERSIGN_UNLOAD_PASSWORD); --ask: ask for it. Only where one is set
#
# Hosts are known by ssh's known_hosts, and logged into with a key: nobody is asked. The unload password goes through ssh's
# standard input and never is on a command line, there or here. A list may be edited: see its head.
#
# Exit codes: 0 all hosts are repaired; 60 at least one is not; 2 usage; 3 something is not there; 9 interrupted.
set -u
LC_ALL=C
export LC_ALL
umask 077
TAB=$(printf '\t')

usage() {
  sed -n '2,/^set /{/^#/s/^# \{0,1\}//p;}' "$0" >&2
  exit 2
}

fail() {
  echo "repair-all.sh: $2" >&2
  exit "$1"
}

kit=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || fail 3 "the folder of this script cannot be entered"
hosts=$kit/hosts.txt
parallel=20 seconds=300 config='' user='' become='' place=- failed_list='' ask=no
password_file=${COUNTERSIGN_UNLOAD_PASSWORD_FILE:-}
while [ $# -gt 0 ]; do
  case $1 in
    -n | -t | -F | -l | -b | -d | -w | --password-file)
      [ -n "${2:-}" ] || usage
      case $1 in
        -n) parallel=$2 ;;
        -t) seconds=$2 ;;
        -F) config=$2 ;;
        -l) user=$2 ;;
        -b) become=$2 ;;
        -d) place=$2 ;;
        -w) failed_list=$2 ;;
        *) password_file=$2 ;;
      esac
      shift
      ;;
    --ask) ask=yes ;;
    -*) usage ;;
    *)
      [ $# -eq 1 ] || usage
      hosts=$1
      ;;
  esac
  shift
done
for number in "$parallel" "$seconds"; do
  case $number in '' | *[!0-9]* | 0* | ?????*) usage ;; esac
done
case $become in
  '') ;;
  sudo | doas) become="$become -n" ;;
  *) usage ;;
esac
case $user in -* | *[!A-Za-z0-9._@-]*) usage ;; esac
[ -r "$hosts" ] || fail 3 "the list $hosts cannot be read"

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

work=$(mktemp -d "${TMPDIR:-/tmp}/countersign-repair.XXXXXX") || fail 3 "no folder for temporary files"
trap 'rm -rf "$work"' EXIT

# What each host is sent. The two names of the mover are one program: it travels once.
files='repair.sh OfcNTCer.dat'
for file in IpXfer IpXfer_x64; do
  [ -f "$kit/$file" ] || continue
  [ "$file" = IpXfer_x64 ] && [ -f "$kit/IpXfer" ] && cmp -s "$kit/IpXfer" "$kit/IpXfer_x64" && continue
  files="$files $file"
done
# shellcheck disable=SC2086 # these names are ours
tar -C "$kit" -cf "$work/bundle" $files || fail 3 "the kit is not whole"

# The list without comments; numbered lines are dealt to the workers in turn.
tr -d '\r' <"$hosts" | sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' >"$work/list"
total=$(($(wc -l <"$work/list")))
[ "$parallel" -le "$total" ] || parallel=$total

# What runs on a host is this text and nothing else: names, ids and the password come on standard input, before the files.
# No single quote may be in it: the login shell gets it as one word of `sh -c`.
# shellcheck disable=SC2016 # it is expanded there
remote='
umask 077
IFS= read -r password; IFS= read -r place; IFS= read -r folder; IFS= read -r agent; IFS= read -r become
[ "$place" != - ] || place=$HOME
dir=$(mktemp -d "$place/.countersign-repair.XXXXXX") || exit 12
trap "rm -rf \"\$dir\"" EXIT
trap "exit 9" HUP INT TERM
cd "$dir" && tar -xof - || exit 12
set -- --password-stdin
[ "$folder" = - ] || set -- "$@" --agent-folder "$folder"
[ "$agent" = - ] || set -- "$@" --agent "$agent"
$become sh ./repair.sh "$@" <<END
$password
END
'

# wrong_line TARGET AGENT FOLDER: why a line of the list is not taken; nothing if it is fine.
wrong_line() {
  case $1 in -* | *[!A-Za-z0-9._:%@-]*) echo "no name or address of a host" && return ;; esac
  case $2 in
    -) ;;
    *[!0-9a-f-]* | -* | '') echo "the second word is no agent id, and not -" && return ;;
  esac
  case $3 in
    - | /*) ;;
    *) echo "the agent's folder does not begin with /" && return ;;
  esac
}

# visit TARGET AGENT FOLDER: what ssh and repair.sh say goes to standard output; returns repair.sh's exit code, or 255.
visit() {
  set -- "$1" "$2" "$3" -T -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=3 \
    -o Compression=yes -o ForwardAgent=no -o ForwardX11=no -o ClearAllForwardings=yes -o PermitLocalCommand=no -o LogLevel=ERROR
  [ -z "$config" ] || set -- "$@" -F "$config"
  [ -z "$user" ] || set -- "$@" -l "$user"
  target=$1 agent=$2 folder=$3
  shift 3
  set -- ssh "$@" -- "$target" "sh -c '$remote'"
  ! command -v timeout >/dev/null 2>&1 || set -- timeout "$seconds" "$@"
  {
    cat <<END
$password
$place
$folder
$agent
$become
END
    cat "$work/bundle"
  } 2>/dev/null | "$@" 2>&1
}

# worker K: every line whose number is K, counted round and round. One result line for each host.
worker() {
  awk -v n="$parallel" -v k="$1" 'NR % n == k' "$work/list" |
    while read -r target agent folder; do
      agent=${agent:--} folder=${folder:--}
      if [ -e "$work/stop" ]; then
        code=9 said="not tried: interrupted"
      elif said=$(wrong_line "$target" "$agent" "$folder") && [ -n "$said" ]; then
        code=2
      else
        said=$(visit "$target" "$agent" "$folder")
        code=$?
        case $code in
          255) said="ssh: $said" ;;
          124) said="not within $seconds seconds" ;;
        esac
      fi
      # One line, of what a terminal can show: the host may be anybody's.
      line=$(printf '%s' "$code$TAB$target $agent $folder$TAB$said" | tr '\n\r' '  ' | tr -c '\t -~' '?' | cut -c 1-600)
      printf '%s\n' "$line"
      printf '%s\n' "$line" | awk -F '\t' '{ sub(/ .*/, "", $2); print ($1 == 0 ? "ok      " : "FAILED  ") $2 ": " $3 }' >&2
    done >"$work/result.$1"
}

trap ': >"$work/stop"' HUP INT TERM
workers=''
k=0
while [ "$k" -lt "$parallel" ]; do
  worker "$k" &
  workers="$workers $!"
  k=$((k + 1))
done
# A signal ends a wait early: hosts that are being repaired are waited for all the same.
for process in $workers; do
  while kill -0 "$process" 2>/dev/null; do wait "$process"; done
done

: >"$work/results"
k=0
while [ "$k" -lt "$parallel" ]; do
  cat "$work/result.$k" >>"$work/results"
  k=$((k + 1))
done
awk -F '\t' '$1 != 0' "$work/results" | sort >"$work/failed"
failed=$(($(wc -l <"$work/failed")))
[ -z "$failed_list" ] || cut -f 2 "$work/failed" >"$failed_list"
echo "$total hosts: $((total - failed)) repaired, $failed failed"
awk -F '\t' '{ split($2, words, " "); print "  " words[1] " (agent " words[2] "): exit " $1 ": " $3 }' "$work/failed"
[ ! -e "$work/stop" ] || exit 9
[ "$failed" -eq 0 ] || exit 60
