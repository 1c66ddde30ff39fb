// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/host_address.hpp>
#include <tradecore/resilience/time.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace tradecore::detail {

/// A place in the log of a cluster. Places of different clusters or timelines do not compare.
struct log_position {
    std::int64_t cluster = 0;
    std::uint32_t timeline = 0;
    std::uint64_t location = 0;
};

/// Knows what standbys have, without servers, clocks or coroutines.
///
/// The primary is asked now and then where its log ends: what had been committed when the question was sent lies before
/// that place. So a standby that has replayed as much has everything that was committed until that moment, whatever the
/// clocks of the servers say, whether the primary is busy or idle, and whether the standby is connected to it or not.
/// That remains true: what a standby has replayed it has for good, and it stays that moment which grows old.
///
/// Thread safety: none.
class read_freshness {
public:
    using time_point = resilience::time_point;
    using duration = resilience::duration;

    /// @param most how many answers of the primary are kept; at least 4.
    explicit read_freshness(std::size_t most = 128) : most_(most) {}

    // --- the primary ------------------------------------------------------------------------------

    /// @returns whether the primary should be asked now, for who wants what is no older than `bound`; then one of the
    ///          next two has to follow.
    [[nodiscard]] bool begin_question(time_point now, duration bound) noexcept;
    /// It answered.
    /// @param asked when the question was sent, or before.
    void primary_was(time_point asked, const log_position& at);
    void question_failed() noexcept { is_asking_ = false; }

    // --- standbys ---------------------------------------------------------------------------------

    /// @returns whether a standby can be proved to be as new as that, if it is.
    [[nodiscard]] bool can_prove(time_point now, duration bound) const noexcept;
    /// @returns the moment before which everything was committed that is certain to have been replayed; nothing when
    ///          nothing is certain.
    [[nodiscard]] std::optional<time_point> has_all_before(const log_position& replayed) const noexcept;

    /// How a server whose state is not known is asked for it.
    enum class approach : std::uint8_t {
        /// Together with the statement: it is expected to be new enough.
        together,
        /// Before the statement is sent: it was not, the last time.
        alone,
        /// Not now: it was not, a moment ago.
        not_now
    };
    /// What has become of asking: it could not be proved to be as new as that, or could.
    void found_old(const pg::host_address& server, time_point now, duration bound);
    void found_new(const pg::host_address& server, duration bound) noexcept;
    [[nodiscard]] approach approach_to(const pg::host_address& server, time_point now, duration bound) const noexcept;

    /// @returns how often the primary is asked, at most, for reads that may be as old as `bound`, and how long a server
    ///          that was too old for them is left alone: a fourth of it, at least 10 ms, and at most a second unless
    ///          that would be more answers than are kept.
    [[nodiscard]] static duration pause_for(duration bound) noexcept;

private:
    struct answer {
        time_point asked;
        std::uint64_t location;
    };
    struct old_server {
        pg::host_address where;
        time_point until; // left alone
        duration bound;
    };
    void make_room();

    std::size_t most_;
    std::int64_t cluster_ = 0;
    std::uint32_t timeline_ = 0;
    std::deque<answer> answers_; // the newest last
    std::optional<time_point> last_question_;
    bool is_asking_ = false;
    std::vector<old_server> old_;
};

} // namespace tradecore::detail
