# SPDX-License-Identifier: Apache-2.0
# Which compilers may build this, and how they are called.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    message(FATAL_ERROR
        "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles common coroutine shapes (lambda temporaries with captures inside "
        "co_await expressions, 'if (co_await ...)' in an otherwise empty scope): the program would corrupt memory. "
        "Use clang++-19 (-DCMAKE_CXX_COMPILER=clang++-19) or g++ 13 or later.")
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 17)
    message(FATAL_ERROR "clang ${CMAKE_CXX_COMPILER_VERSION} is too old: this needs clang 17 or later (tried with 19).")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()

# ccache answers for files that use a precompiled header only when told that the header's own time stamp does not matter.
find_program(TRADECORE_CCACHE ccache)
mark_as_advanced(TRADECORE_CCACHE)
if(TRADECORE_CCACHE AND (NOT CMAKE_CXX_COMPILER_LAUNCHER OR CMAKE_CXX_COMPILER_LAUNCHER MATCHES "(^|/)ccache$"))
    set(CMAKE_CXX_COMPILER_LAUNCHER
        "${CMAKE_COMMAND}" -E env "CCACHE_SLOPPINESS=pch_defines,time_macros"
        "${TRADECORE_CCACHE}")
endif()
