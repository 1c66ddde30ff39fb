# SPDX-License-Identifier: Apache-2.0
# Programs that measure: one folder of bench/ for each, one program bench_<folder>. What only they need may be missing: the
# scripts that run them name a program they do not find.

set(bench_root "${TRADECORE_ROOT}/bench")
add_custom_target(bench_programs)

function(tradecore_add_bench name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
    list(TRANSFORM arg_SOURCES PREPEND "${bench_root}/")
    add_executable(bench_${name} ${arg_SOURCES})
    target_include_directories(bench_${name} PRIVATE "${bench_root}")
    target_link_libraries(bench_${name} PRIVATE tradecore_warnings ${arg_LINK})
    set_target_properties(bench_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bench")
    add_dependencies(bench_programs bench_${name})
endfunction()

tradecore_add_bench(server SOURCES server.cpp LINK tradecore::embedded)
tradecore_add_bench(null SOURCES null/main.cpp null/session.cpp)
tradecore_add_bench(libpq SOURCES libpq/main.cpp libpq/point.cpp libpq/rows.cpp libpq/bulk.cpp LINK PostgreSQL::PostgreSQL)

find_path(TRADECORE_PQXX_HEADERS pqxx/pqxx)
find_library(TRADECORE_PQXX_LIBRARY pqxx)
mark_as_advanced(TRADECORE_PQXX_HEADERS TRADECORE_PQXX_LIBRARY)
if(TRADECORE_PQXX_HEADERS AND TRADECORE_PQXX_LIBRARY)
    tradecore_add_bench(libpqxx SOURCES libpqxx/main.cpp LINK "${TRADECORE_PQXX_LIBRARY}" PostgreSQL::PostgreSQL)
    target_include_directories(bench_libpqxx SYSTEM PRIVATE "${TRADECORE_PQXX_HEADERS}")
else()
    message(STATUS "libpqxx (Debian: libpqxx-dev) is not there: it will not be measured")
endif()

file(GLOB connection_sources CONFIGURE_DEPENDS RELATIVE "${bench_root}" "${bench_root}/connection/*.cpp")
tradecore_add_bench(connection SOURCES ${connection_sources} LINK tradecore::pg)
tradecore_add_bench(database SOURCES database/main.cpp LINK tradecore::db)
tradecore_add_bench(policies SOURCES policies/main.cpp policies/allocations.cpp LINK tradecore::db)
tradecore_use_pch(bench_connection)
tradecore_use_pch(bench_database)
tradecore_use_pch(bench_policies)
