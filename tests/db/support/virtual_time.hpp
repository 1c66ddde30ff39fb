// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/support/gate.hpp"

#include <tradecore/db/time_source.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <vector>

namespace tradecore::test {

/// Time that stands still but for what a test adds, and for the pauses between attempts, which take no time and are
/// written down. Must outlive the databases that use it.
class virtual_time {
public:
    [[nodiscard]] time_source source()
    {
        return {
            .now = [this] { return now_; },
            .random = [this] { return chance; },
            .pause = [this](resilience::duration time) { return pause(time); }};
    }
    void advance(resilience::duration time) { now_ += time; }

    /// What chance says each time: a pause is this share of the longest it could be.
    double chance = 0.5;
    std::vector<resilience::duration> pauses;
    /// Pauses do not end unless it is open; it is at first.
    gate end_of_pauses;

    virtual_time() { end_of_pauses.open(); }
    virtual_time(const virtual_time&) = delete;
    virtual_time& operator=(const virtual_time&) = delete;
    virtual_time(virtual_time&&) = delete;
    virtual_time& operator=(virtual_time&&) = delete;
    ~virtual_time() = default;

private:
    asio::awaitable<void> pause(resilience::duration time)
    {
        pauses.push_back(time);
        const bool ended = co_await end_of_pauses.wait();
        if (!ended)
            throw boost::system::system_error(asio::error::operation_aborted);
        now_ += time;
    }

    resilience::time_point now_ = resilience::clock::now();
};

} // namespace tradecore::test
