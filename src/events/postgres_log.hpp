// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "events/safe_horizon.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/events/event_store.hpp>

#include <utility>

namespace tradecore::events {

/// The log of a PostgreSQL store: asks what the safe horizon wants to know, one statement a question.
class postgres_log final : public log_reader {
public:
    postgres_log(const database& where, std::int64_t after_position, type_filter wanted)
        : where_(where), horizon_(after_position), wanted_(std::move(wanted))
    {}

    [[nodiscard]] boost::asio::awaitable<std::vector<recorded_event>> next(std::size_t limit) override;
    [[nodiscard]] std::int64_t position() const noexcept override { return horizon_.delivered(); }

private:
    [[nodiscard]] boost::asio::awaitable<void> ask_last_drawn();
    [[nodiscard]] boost::asio::awaitable<bool> ask_lock_holders();

    database where_;
    safe_horizon horizon_;
    type_filter wanted_;
};

} // namespace tradecore::events
