#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a fuzz target over its seeds and beyond.
# usage: run.sh FOLDER_OF_PROGRAMS TARGET [LIBFUZZER_OPTION...]
# What is found new goes to FOLDER/found/TARGET, what makes it fail to FOLDER/crashes/TARGET. With GROW=1 the former is kept and
# read again by the next run; without, it begins with the seeds alone, so that equal programs do the same.
set -euo pipefail
sources=$(dirname "$(readlink -f "$0")")
programs=$1
target=$2
shift 2

found=$programs/found/$target
crashes=$programs/crashes/$target
mkdir -p "$crashes" "$sources/corpus/$target"
folders=("$sources/corpus/$target")
if [ "${GROW:-0}" = 1 ]; then
    mkdir -p "$found"
    folders=("$found" "${folders[@]}")
else
    # libFuzzer writes to the first folder.
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    folders=("$scratch" "${folders[@]}")
fi
options=()
for dictionary in "$sources/dictionaries/$target.dict" "$sources/dictionaries/messages.dict"; do
    if [ -f "$dictionary" ]; then
        options+=("-dict=$dictionary")
        break
    fi
done

# Counts and lengths that the bytes announce must not be believed: no allocation beyond 2 MiB, for inputs of some kilobytes.
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:detect_leaks=1:quarantine_size_mb=16:allocator_may_return_null=0
for symbolizer in llvm-symbolizer-19 llvm-symbolizer; do
    command -v "$symbolizer" >/dev/null && { export ASAN_SYMBOLIZER_PATH; ASAN_SYMBOLIZER_PATH=$(command -v "$symbolizer"); break; }
done
export UBSAN_OPTIONS=print_stacktrace=1
export TMPDIR=${TMPDIR:-/tmp}
status=0
"$programs/fuzz_$target" -malloc_limit_mb=2 -rss_limit_mb=512 -timeout=20 -artifact_prefix="$crashes/" -print_final_stats=1 \
    "${options[@]}" "$@" "${folders[@]}" || status=$?
if [ "$status" != 0 ]; then
    echo "fuzz.$target failed; again with: $sources/run.sh $programs $target -runs=1 $crashes/<the file named above>" >&2
fi
exit "$status"
