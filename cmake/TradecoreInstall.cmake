# SPDX-License-Identifier: Apache-2.0
# cmake --install: headers, one library a room, the program, find_package(tradecore) with targets tradecore::<room>, and
# pkg-config files.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
include(TradecorePkgConfig)

get_property(rooms GLOBAL PROPERTY tradecore_rooms)
foreach(room IN LISTS rooms)
    tradecore_pkg_config(${room} "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()
list(TRANSFORM rooms PREPEND tradecore_ OUTPUT_VARIABLE targets)
set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/tradecore")

install(TARGETS ${targets} EXPORT tradecoreTargets)
install(DIRECTORY "${TRADECORE_ROOT}/include/tradecore" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")
install(EXPORT tradecoreTargets NAMESPACE tradecore:: DESTINATION "${package_folder}")
configure_package_config_file(
    "${CMAKE_CURRENT_LIST_DIR}/tradecoreConfig.cmake.in" "${CMAKE_BINARY_DIR}/generated/tradecoreConfig.cmake"
    INSTALL_DESTINATION "${package_folder}")
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file("${CMAKE_BINARY_DIR}/generated/tradecoreConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES
    "${CMAKE_BINARY_DIR}/generated/tradecoreConfig.cmake" "${CMAKE_BINARY_DIR}/generated/tradecoreConfigVersion.cmake"
    DESTINATION "${package_folder}")
install(FILES "${TRADECORE_ROOT}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

if(TRADECORE_PROGRAM)
    install(TARGETS tradecore RUNTIME)
endif()
