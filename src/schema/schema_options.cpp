// SPDX-License-Identifier: Apache-2.0
#include <tradecore/schema/schema_options.hpp>

#include <fmt/format.h>

#include <utility>

namespace tradecore::schema {

schema_changed::schema_changed(std::string name, std::string recorded, std::string found)
    : std::runtime_error(fmt::format(
          "schema '{}' has changed since it was applied (SHA-256 {:.12}… then, {:.12}… now): bring the database up to "
          "date with 'migrate', or run the file again with --recreate, which drops what the file drops",
          name, recorded, found)),
      name_(std::move(name)), recorded_(std::move(recorded)), found_(std::move(found))
{}

schema_lock_timeout::schema_lock_timeout(std::string key, std::chrono::milliseconds waited)
    : std::runtime_error(fmt::format(
          "another session held the schema lock '{}' for {} ms (pg_locks shows who: locktype = 'advisory')", key,
          waited.count())),
      key_(std::move(key))
{}

} // namespace tradecore::schema
