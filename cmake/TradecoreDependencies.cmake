# SPDX-License-Identifier: Apache-2.0
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS json url)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
if(TRADECORE_PROGRAM)
    find_package(CLI11 REQUIRED)
endif()
if(TRADECORE_TESTS)
    find_package(GTest REQUIRED)
    find_package(rapidcheck REQUIRED)
    find_package(PostgreSQL REQUIRED) # libpq: an oracle for the tests, never linked into the library
endif()
