#!/usr/bin/env bash
# install.sh BUILD COMPILER [FLAGS]: installs a build into an empty prefix, then compiles, links and
# runs a program of a user against it: by pkg-config, and by find_package of CMake.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1 compiler=$2 flags=${3:-}
prefix=$(mktemp -d "${TMPDIR:-/tmp}/stemma-install.XXXXXX")
trap 'rm -rf "$prefix"' EXIT

cmake --install "$build" --prefix "$prefix" >/dev/null
"$prefix/bin/stemma" --version

pc=$(find "$prefix" -name stemma.pc)
export PKG_CONFIG_PATH="${pc%/*}"
# shellcheck disable=SC2086,SC2046 # lists of words
"$compiler" -std=c17 -Wall -Wextra -Wpedantic -Werror $flags $(pkg-config --cflags stemma) \
  "$here/user.c" -o "$prefix/user" $(pkg-config --static --libs stemma)
"$prefix/user"

mkdir "$prefix/user-cmake"
cp "$here/user.c" "$prefix/user-cmake/"
cat >"$prefix/user-cmake/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(stemma 0.1 REQUIRED)
add_executable(user user.c)
target_link_libraries(user PRIVATE stemma::stemma)
END
cmake -S "$prefix/user-cmake" -B "$prefix/user-cmake/build" -G Ninja -DCMAKE_C_COMPILER="$compiler" \
  -DCMAKE_C_FLAGS="$flags" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build "$prefix/user-cmake/build" >/dev/null
"$prefix/user-cmake/build/user"
