// SPDX-License-Identifier: Apache-2.0
#pragma once

// Even without CMake it must not come to programs that compile and then crash.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#error "g++ below 13 miscompiles common coroutine shapes: take clang++ 17 or later, or g++ 13 or later"
#endif

#include <boost/uuid/uuid.hpp>

#include <chrono>
#include <cstdint>

namespace tradecore {

/// A 16-byte UUID, PostgreSQL's `uuid`.
using uuid = boost::uuids::uuid;

/// An instant in UTC with microseconds, PostgreSQL's `timestamptz`. A local time has another type
/// (`std::chrono::local_time`) and therefore does not go where an instant is expected.
using timestamptz = std::chrono::sys_time<std::chrono::microseconds>;

/// @returns the wall clock's time, cut to the microseconds PostgreSQL keeps.
inline timestamptz now()
{
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

namespace pg {

/// Object identifier of a type, as in `pg_type.oid`.
using oid = std::uint32_t;

} // namespace pg
} // namespace tradecore
