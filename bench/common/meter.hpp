// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/arguments.hpp"
#include "common/record.hpp"

#include <cstdint>

namespace tradecore::bench {

/// Counts statements: for a time after a warm-up, or up to a number. Prints the record when it is over.
class meter {
public:
    explicit meter(const arguments& given)
        : warm_up_(given.warm_up), seconds_(given.seconds), limit_(given.queries),
          next_look_(given.queries == 0 ? 1 : 0)
    {}

    /// @param done how many statements have been answered since the last call.
    /// @returns whether to go on.
    bool count(std::uint64_t done = 1)
    {
        total_ += done;
        if (limit_ != 0) {
            if (total_ < limit_)
                return true;
            if (!over_)
                finish(moment());
            return false;
        }
        // The clock is looked at every few statements only: a look costs as much as a tenth of a statement's user time.
        if (total_ >= next_look_) {
            next_look_ = total_ + 32;
            look();
        }
        return !over_;
    }

    /// Whether statements may still be sent, for those who send ahead of the answers.
    [[nodiscard]] bool over() const noexcept { return over_; }

    /// Keeps what was read from being optimised away.
    void use(std::uint64_t value) noexcept { sink_ = sink_ + value; }

private:
    void look()
    {
        const auto now = clock::now();
        if (!warm_) {
            if (seconds_between(from_.time, now) >= warm_up_) {
                warm_ = true;
                base_ = total_;
                from_ = moment();
            }
        }
        else if (!over_ && seconds_between(from_.time, now) >= seconds_) {
            finish(moment());
        }
    }

    void finish(const moment& now)
    {
        over_ = true;
        print_record(from_, now, total_ - base_, total_ - base_, 0);
    }

    double warm_up_;
    double seconds_;
    std::uint64_t limit_;
    std::uint64_t next_look_;
    std::uint64_t total_ = 0;
    std::uint64_t base_ = 0;
    volatile std::uint64_t sink_ = 0;
    moment from_{};
    bool warm_ = false;
    bool over_ = false;
};

} // namespace tradecore::bench
