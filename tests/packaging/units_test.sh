#!/usr/bin/env bash
# The systemd units are well-formed, and as tightly sandboxed as they claim. A real systemd never runs them here.
#   units_test.sh BIN_FOLDER SOURCE_FOLDER
set -euo pipefail
bin=$1 source=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0
for program in countersignd countersign-agentd; do
  # The programs are where this build has them; users are made at installation.
  sed -e "s#/usr/bin/$program#$bin/$program#" -e 's/^User=.*/User=root/; s/^Group=.*/Group=root/' \
    "$source/packaging/systemd/$program.service" >"$scratch/$program.service"
  if ! output=$(systemd-analyze verify --man=no "$scratch/$program.service" 2>&1) || [[ -n $output ]]; then
    echo "FAILED: $program.service: $output"
    status=1
  fi
  # Exposure of 2.0 or less, of 10.
  if ! output=$(systemd-analyze security --offline=yes --threshold=20 --no-pager \
    "$source/packaging/systemd/$program.service" 2>&1); then
    echo "FAILED: $program.service is exposed: $(tail -n 1 <<<"$output")"
    status=1
  fi
done
exit $status
