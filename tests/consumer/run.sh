#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh cmake|pkg-config BUILD COMPILER
# Installs BUILD into a folder of its own, builds the consumer project with nothing but that, and runs it.
set -euo pipefail
way=$1 build=$2 compiler=$3
source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/prefix" >"$work/install.log"
case $way in
cmake)
    cmake -S "$source" -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$work/prefix" \
        -DCMAKE_DISABLE_FIND_PACKAGE_spdlog=ON -DCMAKE_DISABLE_FIND_PACKAGE_prometheus-cpp=ON \
        >"$work/configure.log" || { cat "$work/configure.log"; exit 1; }
    cmake --build "$work/build"
    program=$work/build/consumer
    ;;
pkg-config)
    PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name tradecore-pg.pc)")
    export PKG_CONFIG_PATH
    program=$work/consumer
    # Word splitting is how pkg-config's answer is meant to be used.
    # shellcheck disable=SC2046
    "$compiler" -std=c++20 "$source/main.cpp" -o "$program" $(pkg-config --cflags --libs tradecore-pg)
    ;;
esac

folder=${TRADECORE_TEST_POSTGRES:?the folder of the shared server}
printed=$("$program" "$(head -n 1 "$folder/dsn")")
echo "$printed"
[ "$printed" = 'the numbers up to 100 make 5050' ]
