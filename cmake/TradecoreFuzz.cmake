# SPDX-License-Identifier: Apache-2.0
# libFuzzer targets: each fuzz/<name>.cpp is fuzz_<name>, its seeds are fuzz/corpus/<name>/, and the test fuzz.<name> runs
# it for a moment, always over the same inputs. `./dev fuzz` runs them for longer.

if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND NOT TRADECORE_SANITIZE)
    set(fuzz_default ON)
else()
    set(fuzz_default OFF)
endif()
option(TRADECORE_FUZZ "With the tests, build the libFuzzer targets" ${fuzz_default})
if(NOT TRADECORE_FUZZ)
    return()
endif()

set(fuzz_root "${TRADECORE_ROOT}/fuzz")
set(fuzz_output "${CMAKE_BINARY_DIR}/fuzz")
add_custom_target(fuzzers)

# What reads bytes from outside is instrumented: the room once more, with other flags. UBSan's findings end the program, the
# standard library checks its indices.
add_library(tradecore_fuzz_flags INTERFACE)
target_compile_options(tradecore_fuzz_flags INTERFACE -O1 -g1 -fno-omit-frame-pointer
    -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
target_compile_definitions(tradecore_fuzz_flags INTERFACE _GLIBCXX_ASSERTIONS ${TRADECORE_DEFINITIONS})
target_include_directories(tradecore_fuzz_flags INTERFACE "${TRADECORE_ROOT}/include" "${TRADECORE_ROOT}/src"
    "${TRADECORE_ROOT}/tests" "${fuzz_root}")
get_property(fuzz_links GLOBAL PROPERTY tradecore_pg_links)
target_link_libraries(tradecore_fuzz_flags INTERFACE tradecore_warnings ${fuzz_links})

file(GLOB_RECURSE fuzz_room CONFIGURE_DEPENDS "${TRADECORE_ROOT}/src/pg/*.cpp")
file(GLOB_RECURSE fuzz_harness CONFIGURE_DEPENDS "${fuzz_root}/harness/*.cpp")
add_library(tradecore_pg_fuzz STATIC EXCLUDE_FROM_ALL ${fuzz_room} ${fuzz_harness}
    "${TRADECORE_ROOT}/tests/pg/support/scenarios.cpp")
target_link_libraries(tradecore_pg_fuzz PUBLIC tradecore_fuzz_flags)
# clang-tidy reads these sources as part of the room already.
set_target_properties(tradecore_pg_fuzz PROPERTIES EXPORT_COMPILE_COMMANDS OFF)
if(TARGET tradecore_pch)
    get_target_property(headers tradecore_pch PRECOMPILE_HEADERS)
    target_precompile_headers(tradecore_pg_fuzz PRIVATE ${headers})
    target_compile_options(tradecore_pg_fuzz PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
endif()

# tradecore_add_fuzz(<name> [RUNS <number>] [LENGTH <bytes>]): how many inputs the short run tries, and their greatest length.
function(tradecore_add_fuzz name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "RUNS;LENGTH" "")
    set(runs 50000)
    if(arg_RUNS)
        set(runs ${arg_RUNS})
    endif()
    set(length 1024)
    if(arg_LENGTH)
        set(length ${arg_LENGTH})
    endif()
    set(target fuzz_${name})
    add_executable(${target} "${fuzz_root}/${name}.cpp")
    target_link_libraries(${target} PRIVATE tradecore_pg_fuzz)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer,address,undefined)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${fuzz_output}")
    if(TARGET tradecore_pch)
        target_precompile_headers(${target} REUSE_FROM tradecore_pg_fuzz)
        target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
    endif()
    add_dependencies(fuzzers ${target})
    add_test(NAME fuzz.${name} COMMAND "${fuzz_root}/run.sh" "${fuzz_output}" ${name} -seed=1 -runs=${runs}
        -max_len=${length} -max_total_time=20)
    set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT 120 LABELS fuzz)
endfunction()

tradecore_add_fuzz(receive_buffer LENGTH 4096)
tradecore_add_fuzz(backend_messages)
tradecore_add_fuzz(data_row)
tradecore_add_fuzz(sql_scan)
tradecore_add_fuzz(fsm_startup)
tradecore_add_fuzz(fsm_scram)
tradecore_add_fuzz(fsm_query)
tradecore_add_fuzz(fsm_copy)
tradecore_add_fuzz(fsm_portal)
tradecore_add_fuzz(fsm_batch)
tradecore_add_fuzz(dsn RUNS 20000)
tradecore_add_fuzz(passfile)
tradecore_add_fuzz(service_file)
tradecore_add_fuzz(value_binary RUNS 20000)
tradecore_add_fuzz(value_text RUNS 20000)
tradecore_add_fuzz(copy_rows RUNS 20000)
tradecore_add_fuzz(link RUNS 2000)
tradecore_add_fuzz(value_types RUNS 20000)
tradecore_add_fuzz(tls RUNS 3000)
