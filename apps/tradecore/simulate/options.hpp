// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/money.hpp"
#include "domain/strategy.hpp"
#include "service/repeat.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

namespace tradecore::app::simulate {

/// What: the flags make no sense together; nothing was done.
class usage_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What: how many connections there are to a database when nobody says how many, all processes together, or else two
/// for each process.
inline constexpr std::size_t fewest_default_connections = 16;

/// What: what `tradecore simulate` is asked to do; the members are its flags.
struct options {
    std::optional<std::filesystem::path> prices; ///< nothing: a generated sample
    std::optional<std::string> symbol;
    std::uint32_t traders = 10;
    std::uint32_t orders = 1'000;
    std::uint64_t seed = 1;
    domain::money cash = domain::default_cash;
    std::optional<domain::quantity> max_fill; ///< nothing: from cash and the first price
    std::optional<std::size_t> connections;   ///< to each of the two databases, of all processes, at most
    std::uint32_t workers = 1;                ///< processes that share the traders; 1: this one
    std::optional<std::filesystem::path> data;
    std::optional<std::uint64_t> chaos; ///< the seed of what goes wrong meanwhile; nothing: nothing does
    bool json = false;
    bool keep = false;

    /// What: how long a call outlasts outages: under chaos one may meet several in a row.
    [[nodiscard]] service::patience with_outages() const
    {
        return chaos ? service::patience{.limit = std::chrono::minutes(3)} : service::patience{};
    }
};

} // namespace tradecore::app::simulate
