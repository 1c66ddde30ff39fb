# SPDX-License-Identifier: Apache-2.0
# A room is a library: headers in include/tradecore/<room>/, sources in src/<room>/, found by themselves.

cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH TRADECORE_ROOT)
set_property(GLOBAL PROPERTY tradecore_rooms "")

# One precompiled header for all rooms: their flags agree, and Asio is most of what they read.
function(tradecore_use_pch target)
    if(NOT TRADECORE_PCH)
        return()
    endif()
    if(NOT TARGET tradecore_pch)
        file(WRITE "${CMAKE_BINARY_DIR}/generated/pch.cpp" "// holds the precompiled header\n")
        add_library(tradecore_pch OBJECT "${CMAKE_BINARY_DIR}/generated/pch.cpp")
        target_link_libraries(tradecore_pch PRIVATE tradecore_warnings Boost::headers)
        target_compile_definitions(tradecore_pch PRIVATE ${TRADECORE_DEFINITIONS})
        target_precompile_headers(tradecore_pch PRIVATE
            <algorithm> <array> <atomic> <chrono> <cstdint> <exception> <functional> <map> <memory> <mutex> <optional>
            <span> <stdexcept> <string> <string_view> <system_error> <thread> <tuple> <type_traits> <unordered_map>
            <utility> <variant> <vector> <boost/asio.hpp> <boost/describe.hpp>)
        if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
            target_compile_options(tradecore_pch PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
        endif()
    endif()
    target_precompile_headers(${target} REUSE_FROM tradecore_pch)
    if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
    endif()
endfunction()

set(TRADECORE_DEFINITIONS BOOST_ASIO_NO_DEPRECATED)
if(TRADECORE_ASIO_RECYCLING_CACHE)
    list(APPEND TRADECORE_DEFINITIONS
        BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=${TRADECORE_ASIO_RECYCLING_CACHE})
endif()

# tradecore_add_room(<name> [DEPS <room>...] [LINK <target>...])
function(tradecore_add_room room)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPS;LINK")
    set(target tradecore_${room})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${TRADECORE_ROOT}/src/${room}/*.cpp")
    list(TRANSFORM arg_DEPS PREPEND tradecore::)

    if(sources)
        add_library(${target} STATIC ${sources})
        set(scope PUBLIC)
        target_include_directories(${target} PRIVATE "${TRADECORE_ROOT}/src")
        target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:tradecore_warnings>)
        tradecore_use_pch(${target})
    else()
        add_library(${target} INTERFACE)
        set(scope INTERFACE)
    endif()
    add_library(tradecore::${room} ALIAS ${target})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${room})
    target_include_directories(${target} ${scope}
        "$<BUILD_INTERFACE:${TRADECORE_ROOT}/include>" "$<INSTALL_INTERFACE:include>")
    target_compile_features(${target} ${scope} cxx_std_20)
    target_compile_definitions(${target} ${scope} ${TRADECORE_DEFINITIONS})
    target_link_libraries(${target} ${scope} ${arg_DEPS} ${arg_LINK})
    set_property(GLOBAL APPEND PROPERTY tradecore_rooms ${room})
endfunction()

# The program: everything but main.cpp is the library tradecore_app, so that tests can link it.
function(tradecore_add_program)
    set(root "${TRADECORE_ROOT}/apps/tradecore")
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${root}/*.cpp")
    list(REMOVE_ITEM sources "${root}/main.cpp")
    get_property(rooms GLOBAL PROPERTY tradecore_rooms)
    list(TRANSFORM rooms PREPEND tradecore::)

    if(sources)
        add_library(tradecore_app STATIC ${sources})
        set(scope PUBLIC)
        target_link_libraries(tradecore_app PRIVATE tradecore_warnings)
        tradecore_use_pch(tradecore_app)
    else()
        add_library(tradecore_app INTERFACE)
        set(scope INTERFACE)
    endif()
    target_include_directories(tradecore_app ${scope} "${root}")
    target_link_libraries(tradecore_app ${scope} ${rooms} CLI11::CLI11)
    target_compile_definitions(tradecore_app ${scope} TRADECORE_VERSION="${PROJECT_VERSION}")
    add_library(tradecore::app ALIAS tradecore_app)

    add_executable(tradecore "${root}/main.cpp")
    target_link_libraries(tradecore PRIVATE tradecore_app tradecore_warnings)
    set_target_properties(tradecore PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
endfunction()
