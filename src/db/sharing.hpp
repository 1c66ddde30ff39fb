// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/pool.hpp>
#include <tradecore/db/sharing_options.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <vector>

namespace tradecore::detail {

/// How long a statement keeps its connection busy, as its answers have shown: a moving average.
class expected_time {
public:
    using duration = pool_state::clock::duration;

    /// @returns the average; nothing before the first answer.
    [[nodiscard]] std::optional<duration> known() const noexcept
    {
        return time_.count() < 0 ? std::nullopt : std::optional(time_);
    }
    void learn(duration took) noexcept;

private:
    duration time_{-1};
};

/// Ends the call of a statement that is behind one that takes longer than expected; it is sent again elsewhere.
class sent_away final : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override
    {
        return "sent away from behind a statement that takes longer than expected";
    }
};

/// Decides which statements are sent behind others on the same connection, without connections, clocks or coroutines.
///
/// A connection is known here while it runs statements that could share it, be it one alone. What is under way on it
/// may be expected to take up to `patience`; answers come in order. A connection from which no answer comes for longer
/// is stuck, until one comes.
///
/// Thread safety: none. In steady state it does not allocate.
class sharing {
public:
    using slot = pool_state::slot;
    using time_point = pool_state::time_point;
    using duration = pool_state::clock::duration;
    using weight = decltype(share::weight);

    /// @param options must be valid.
    explicit sharing(const sharing_options& options) noexcept : options_(options) {}

    /// @returns what a statement counts for, that may be known or not.
    [[nodiscard]] weight weight_of(const expected_time& time) const noexcept;

    /// A statement is sent on a connection.
    void begin(slot which, duration weight, time_point now);
    /// One of them is over.
    /// @param time of the statement, which is learnt; null when there was no answer.
    void end(slot which, duration weight, expected_time* time, time_point now);

    /// @returns how many statements use the connection.
    [[nodiscard]] std::size_t users(slot which) const noexcept
    {
        return which < records_.size() ? records_[which].users : 0;
    }
    /// @returns how many of all statements, with `waiting` more, are one connection's part: stuck ones have none.
    [[nodiscard]] std::size_t part_of_each(std::size_t waiting) const noexcept
    {
        const auto moving = std::max<std::size_t>(busy_.size() - stuck_, 1);
        return (waiting + statements_ + moving - 1) / moving;
    }
    /// @returns whether nothing more is sent on the connection until an answer comes.
    [[nodiscard]] bool is_stuck(slot which) const noexcept { return records_[which].stuck; }

    /// @returns whether one more of this weight may be sent on the connection.
    [[nodiscard]] bool has_room(slot which, duration weight) const noexcept;
    /// @returns a connection on which one more may be sent: one of those with the fewest.
    /// @param usable asked of those that have room.
    template <class Usable>
    [[nodiscard]] std::optional<slot> roomiest(duration weight, const Usable& usable)
    {
        std::optional<slot> best;
        // Two looks are as good as many: the power of two choices (Mitzenmacher, 1996).
        const std::size_t looks = std::min<std::size_t>(busy_.size(), 2);
        for (std::size_t tried = 0, found = 0; tried < busy_.size() && found < looks; ++tried) {
            next_ = next_ + 1 < busy_.size() ? next_ + 1 : 0;
            const slot which = busy_[next_];
            if (!has_room(which, weight) || !usable(which))
                continue;
            ++found;
            if (!best || records_[which].users < records_[*best].users)
                best = which;
        }
        return best;
    }

    /// @returns the connections that have become stuck with others behind: nothing more is sent there until an answer
    ///          comes.
    [[nodiscard]] std::vector<slot> take_stuck(time_point now);
    /// @returns when to look for that next; nothing while nobody is behind another.
    [[nodiscard]] std::optional<time_point> next_look() const noexcept;

private:
    struct record {
        std::size_t users = 0;
        std::size_t place = 0; // in busy_
        duration backlog{};
        time_point progress{};
        bool was_empty = false; // before the statement that is answered next
        bool stuck = false;
    };

    /// @returns how long a connection may be silent.
    [[nodiscard]] duration limit_of_silence() const noexcept { return options_.patience + 2 * round_trip_; }

    sharing_options options_;
    std::vector<record> records_;
    std::vector<slot> busy_;
    std::size_t next_ = 0;
    std::size_t statements_ = 0;
    std::size_t stuck_ = 0; // connections
    duration round_trip_{}; // of the quickest statement alone, lately
};

} // namespace tradecore::detail
