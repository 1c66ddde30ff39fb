// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/type_info.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tradecore::pg {

/// What is known of the types of one database that are not built in: enums, composites, domains, ranges, arrays of
/// them, and what extensions bring. Connections fill it: a type that a statement mentions for the first time is looked
/// up, with everything it is made of, in one round trip; when a type turns out to have changed it is forgotten and
/// looked up again.
///
/// Each connection has one of its own unless `connect_options::types` gives it one; connections to the same database
/// can share it.
///
/// Thread safety: safe.
class type_registry {
public:
    type_registry() = default;
    /// @param binary as `ask_binary` takes them.
    explicit type_registry(std::set<std::string, std::less<>> binary) : binary_(std::move(binary)) {}

    /// Has values of a base type that is not built in sent in binary, because there is a `field_traits` that reads
    /// them. Before the type is met for the first time.
    /// @param plain_name as in pg_type.typname: "cube".
    void ask_binary(std::string plain_name);

    /// @returns what is known at this moment; never null.
    [[nodiscard]] std::shared_ptr<const type_set> known() const;

    // --- for connections ------------------------------------------------------------------------------------------

    /// Adds types, or replaces them. Types that are made of themselves, or of more than 64 types one in the other, as
    /// no server has them, are not taken.
    void add(std::vector<type_info> types);
    /// Forgets everything.
    void forget();

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const type_set> known_ = std::make_shared<const type_set>();
    // Their binary form is the text, or the text behind a version.
    std::set<std::string, std::less<>> binary_ = {"citext", "ltree", "lquery", "ltxtquery"};
};

} // namespace tradecore::pg
