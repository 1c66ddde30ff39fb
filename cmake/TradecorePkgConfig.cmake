# SPDX-License-Identifier: Apache-2.0
# A pkg-config file for each room, tradecore-<room>.pc, for builds that do not use CMake.

# What pkg-config calls the targets that rooms link: packages of its own, or plain flags.
set(packages_of_OpenSSL::SSL openssl)
set(packages_of_fmt::fmt fmt)
set(packages_of_spdlog::spdlog spdlog)
set(packages_of_prometheus-cpp::core prometheus-cpp-core)
set(flags_of_Boost::json -lboost_json)
set(flags_of_Boost::url -lboost_url)
set(flags_of_idn -lidn)
set(flags_of_Threads::Threads -pthread)

# tradecore_pkg_config(<room> <folder>): writes and installs the file.
function(tradecore_pkg_config room folder)
    get_property(deps GLOBAL PROPERTY tradecore_${room}_deps)
    get_property(links GLOBAL PROPERTY tradecore_${room}_links)
    set(requires ${deps})
    list(TRANSFORM requires PREPEND tradecore-)
    set(libs "")
    foreach(link IN LISTS links)
        list(APPEND requires ${packages_of_${link}})
        list(APPEND libs ${flags_of_${link}})
    endforeach()
    get_target_property(type tradecore_${room} TYPE)
    if(NOT type STREQUAL INTERFACE_LIBRARY)
        list(PREPEND libs "-L\${libdir}" -ltradecore_${room})
    endif()
    list(TRANSFORM TRADECORE_DEFINITIONS PREPEND -D OUTPUT_VARIABLE definitions)
    list(JOIN requires ", " requires)
    list(JOIN libs " " libs)
    list(JOIN definitions " " definitions)
    # Relative to the file itself, so that an installed tree can be moved.
    file(RELATIVE_PATH up "/${folder}" "/")
    set(file "${CMAKE_BINARY_DIR}/generated/tradecore-${room}.pc")
    file(CONFIGURE OUTPUT "${file}" @ONLY CONTENT "prefix=\${pcfiledir}/@up@
libdir=\${prefix}/@CMAKE_INSTALL_LIBDIR@
includedir=\${prefix}/@CMAKE_INSTALL_INCLUDEDIR@

Name: tradecore-@room@
Description: @PROJECT_DESCRIPTION@: its part @room@
Version: @PROJECT_VERSION@
Requires: @requires@
Cflags: -I\${includedir} @definitions@
Libs: @libs@
")
    install(FILES "${file}" DESTINATION "${folder}")
endfunction()
