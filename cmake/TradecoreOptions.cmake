# SPDX-License-Identifier: Apache-2.0
option(TRADECORE_PROGRAM "Build the program tradecore" ${PROJECT_IS_TOP_LEVEL})
option(TRADECORE_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(TRADECORE_BENCH "Build the programs that measure" OFF)
option(TRADECORE_WERROR "Warnings are errors" ${PROJECT_IS_TOP_LEVEL})
option(TRADECORE_PCH "Use precompiled headers" ON)
option(TRADECORE_HEADER_CHECK "With the tests, compile every public header alone" ON)
set(TRADECORE_ONLY_TESTS "" CACHE STRING "Regular expression for the files of the tests that are built, empty for all")
set(TRADECORE_SANITIZE "" CACHE STRING "Value for -fsanitize=, empty for none")
set(TRADECORE_ASIO_RECYCLING_CACHE "" CACHE STRING
    "Blocks of memory Asio keeps per thread (BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE), empty for Asio's own; it changes an \
Asio structure, so everything linked into one program must agree")

add_library(tradecore_warnings INTERFACE)
target_compile_options(tradecore_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor $<$<BOOL:${TRADECORE_WERROR}>:-Werror>)

if(TRADECORE_SANITIZE)
    add_compile_options(-fsanitize=${TRADECORE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${TRADECORE_SANITIZE})
endif()
