# SPDX-License-Identifier: Apache-2.0
# Tests mirror src/: tests/<room>/ is test_<room>; tests/<room>/integration/ needs a server and is test_<room>_integration;
# each file of a folder programs/ is a program of its own that a test starts.
include(GoogleTest)

set(tests_root "${TRADECORE_ROOT}/tests")
set(tests_output "${CMAKE_BINARY_DIR}/tests")

function(tradecore_glob_tests out folder)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/*.cpp")
    list(FILTER sources EXCLUDE REGEX "/programs/")
    foreach(part IN LISTS ARGN)
        list(FILTER sources EXCLUDE REGEX "^${folder}/${part}/")
    endforeach()
    if(TRADECORE_ONLY_TESTS)
        set(wanted "${sources}")
        list(FILTER wanted INCLUDE REGEX "${TRADECORE_ONLY_TESTS}")
        list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
        if(wanted)
            list(APPEND sources ${wanted})
        elseif(NOT folder MATCHES "/support$")
            set(sources "")
        endif()
    endif()
    set(${out} "${sources}" PARENT_SCOPE)
endfunction()

tradecore_glob_tests(support "${tests_root}/support")
add_library(tradecore_test_support STATIC ${support})
target_link_libraries(tradecore_test_support
    PUBLIC tradecore::embedded tradecore_faults PostgreSQL::PostgreSQL Boost::headers
    PRIVATE tradecore_warnings fmt::fmt)
target_include_directories(tradecore_test_support PUBLIC "${tests_root}")

function(tradecore_add_helper_programs library folder)
    file(GLOB sources CONFIGURE_DEPENDS "${folder}/programs/*.cpp")
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM name)
        add_executable(${name} "${source}")
        target_link_libraries(${name} PRIVATE ${library} tradecore_test_support tradecore_warnings)
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${tests_output}")
    endforeach()
endfunction()

# Tests are compiled more often than they are run: what they test is optimised, they are not.
if(TRADECORE_PCH)
    tradecore_add_pch(tradecore_tests_pch LINK GTest::gmock GTest::gtest rapidcheck
        HEADERS <gmock/gmock.h> <gtest/gtest.h> <rapidcheck.h>)
    target_compile_options(tradecore_tests_pch PRIVATE -O0)
endif()

function(tradecore_add_test_program target library sources)
    add_executable(${target} ${sources})
    target_include_directories(${target} PRIVATE "${TRADECORE_ROOT}/src")
    target_compile_definitions(${target} PRIVATE TRADECORE_TEST_PROGRAMS="${tests_output}"
        TRADECORE_SOURCE_ROOT="${TRADECORE_ROOT}")
    target_link_libraries(${target} PRIVATE ${library} tradecore_test_support tradecore_warnings
        GTest::gmock GTest::gtest_main rapidcheck)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${tests_output}")
    target_compile_options(${target} PRIVATE -O0)
    tradecore_use_pch(${target} tradecore_tests_pch)
endfunction()

# ctest calls a test what its program calls it, as --gtest_filter takes it.
function(tradecore_discover_tests target prefix)
    gtest_discover_tests(${target} TEST_PREFIX "${prefix}." NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60
        PROPERTIES TIMEOUT 300 ${ARGN})
endfunction()

# One server for all integration tests of a ctest run.
set(server_folder "${CMAKE_BINARY_DIR}/test-postgres")
tradecore_add_helper_programs(tradecore_test_support "${tests_root}/support")
add_test(NAME postgres_start COMMAND test_postgres start "${server_folder}")
add_test(NAME postgres_stop COMMAND test_postgres stop "${server_folder}")
set_tests_properties(postgres_start PROPERTIES FIXTURES_SETUP postgres TIMEOUT 120)
set_tests_properties(postgres_stop PROPERTIES FIXTURES_CLEANUP postgres TIMEOUT 120)

get_property(rooms GLOBAL PROPERTY tradecore_rooms)
if(TRADECORE_PROGRAM)
    list(APPEND rooms app)
endif()
foreach(room IN LISTS rooms)
    tradecore_glob_tests(unit "${tests_root}/${room}" integration)
    tradecore_glob_tests(integration "${tests_root}/${room}/integration")
    tradecore_add_helper_programs(tradecore_${room} "${tests_root}/${room}")
    if(unit)
        tradecore_add_test_program(test_${room} tradecore_${room} "${unit}")
        tradecore_discover_tests(test_${room} ${room})
    endif()
    if(integration)
        tradecore_add_test_program(test_${room}_integration tradecore_${room} "${integration}")
        if(room STREQUAL "app")
            target_compile_definitions(test_app_integration PRIVATE TRADECORE_BINARY="$<TARGET_FILE:tradecore>")
            add_dependencies(test_app_integration tradecore)
        endif()
        tradecore_discover_tests(test_${room}_integration ${room}.integration
            FIXTURES_REQUIRED postgres ENVIRONMENT "TRADECORE_TEST_POSTGRES=${server_folder}")
    endif()
endforeach()

# What follows is no room's.
if(TRADECORE_ONLY_TESTS)
    return()
endif()

# Faults of the network and of servers, against the databases as users have them.
tradecore_glob_tests(chaos "${tests_root}/chaos")
tradecore_add_test_program(test_chaos tradecore_db "${chaos}")
tradecore_discover_tests(test_chaos chaos
    LABELS chaos FIXTURES_REQUIRED postgres ENVIRONMENT "TRADECORE_TEST_POSTGRES=${server_folder}")
add_test(NAME docs.reliability_names_tests
    COMMAND "${tests_root}/chaos/page_is_true.py" "${CMAKE_BINARY_DIR}" "${CMAKE_CTEST_COMMAND}")

# The code of the documentation: run here, copied there.
tradecore_glob_tests(snippets "${tests_root}/snippets")
tradecore_add_test_program(test_snippets tradecore_db "${snippets}")
tradecore_discover_tests(test_snippets snippets
    FIXTURES_REQUIRED postgres ENVIRONMENT "TRADECORE_TEST_POSTGRES=${server_folder}")
add_test(NAME docs.code_is_up_to_date COMMAND "${TRADECORE_ROOT}/tools/snippets.py" --check)

# A project of somebody else, built against an installed copy; a sanitized library would need the sanitizer there, too.
if(NOT TRADECORE_SANITIZE)
    foreach(way cmake pkg-config)
        add_test(NAME consumer.${way}
            COMMAND "${tests_root}/consumer/run.sh" ${way} "${CMAKE_BINARY_DIR}" "${CMAKE_CXX_COMPILER}")
        set_tests_properties(consumer.${way} PROPERTIES TIMEOUT 300 FIXTURES_REQUIRED postgres
            ENVIRONMENT "TRADECORE_TEST_POSTGRES=${server_folder}")
    endforeach()
endif()

# Every public header compiles alone: one file each, without the precompiled header.
if(TRADECORE_HEADER_CHECK)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE "${TRADECORE_ROOT}/include" "${TRADECORE_ROOT}/include/*.hpp")
    set(sources "")
    foreach(header IN LISTS headers)
        string(MAKE_C_IDENTIFIER "${header}" name)
        set(source "${CMAKE_BINARY_DIR}/generated/headers/${name}.cpp")
        file(CONFIGURE OUTPUT "${source}" CONTENT "#include <${header}>\n")
        list(APPEND sources "${source}")
    endforeach()
    if(sources)
        list(TRANSFORM rooms REPLACE "^app$" "")
        list(FILTER rooms INCLUDE REGEX ".")
        list(TRANSFORM rooms PREPEND tradecore::)
        add_library(standalone_headers OBJECT ${sources})
        target_link_libraries(standalone_headers PRIVATE ${rooms} tradecore_warnings)
        target_compile_options(standalone_headers PRIVATE -O0 -g0)
    endif()
endif()

include(TradecoreFuzz)
