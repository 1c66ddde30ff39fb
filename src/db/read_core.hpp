// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/database_core.hpp"
#include "db/read_freshness.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/read_session.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

namespace tradecore::detail {

/// One read on its way.
struct read_call {
    read_options how;
    /// Of both attempts.
    resilience::deadline limit = resilience::deadline::never();
    /// Whether the statement can be sent together with the question, and its answer be dropped.
    bool may_be_dropped = true;
    /// Why no standby has answered, for messages.
    const char* why = nullptr;
    std::exception_ptr error{};
};

/// A database with its standbys: where reads go.
///
/// Thread safety: as of the database. Lifetimes: what runs keeps it.
class read_core final : public std::enable_shared_from_this<read_core> {
public:
    /// @param to_standbys empty for the real ones.
    /// @returns null when the database has no standbys.
    /// @throws std::invalid_argument when its options for them make no sense.
    [[nodiscard]] static std::shared_ptr<read_core>
    make(const std::shared_ptr<database_core>& primary, connector to_standbys, time_source time);
    read_core(std::shared_ptr<database_core> primary, std::shared_ptr<database_core> standbys) noexcept
        : primary_(std::move(primary)), standbys_(std::move(standbys))
    {}

    static boost::asio::awaitable<void> open(std::shared_ptr<read_core> self);
    static boost::asio::awaitable<void> close(std::shared_ptr<read_core> self, std::chrono::milliseconds limit);

    /// Tries a standby.
    /// @param step callable with a `lease&` and the time that is left; returns `awaitable<Answer>`. May keep the
    ///        connection when it succeeds.
    /// @returns nothing when the primary is to be asked instead, and why in `of`.
    template <class Answer, class Step>
    [[nodiscard]] static boost::asio::awaitable<std::optional<Answer>>
    at_standby(std::shared_ptr<read_core> self, read_call& of, usage user, const Step& step);

    [[nodiscard]] const std::shared_ptr<database_core>& standbys() const noexcept { return standbys_; }
    [[nodiscard]] const read_statistics& statistics() const noexcept { return counted_; }

private:
    using duration = resilience::duration;
    using time_point = resilience::time_point;
    using found_position = std::shared_ptr<std::optional<log_position>>;

    /// A standby that is asked for one read.
    struct visit {
        attempt by;
        lease connection;
        /// The same; a cursor may have taken it over.
        physical_connection* at = nullptr;
        pg::host_address server{};
        resilience::deadline limit = resilience::deadline::never();
        /// What the read may be no older than, and when that is.
        std::optional<duration> bound{};
        time_point sent{};
        /// Whether the question goes with the statement, and what it has found.
        bool asks = false;
        found_position replayed{};
    };

    [[nodiscard]] time_point now() const { return primary_->retries().now(); }
    /// @returns what is left for a step; nothing when it has no limit.
    [[nodiscard]] std::optional<std::chrono::milliseconds> time_left(const visit& of) const;
    /// Has the primary asked where it is, when that was long ago.
    void keep_asking_primary(duration bound);
    static boost::asio::awaitable<void> ask_primary(std::shared_ptr<read_core> self);
    static boost::asio::awaitable<lease>
    take_connection(std::shared_ptr<read_core> self, resilience::deadline limit, usage user);
    static boost::asio::awaitable<void>
    ask_standby(physical_connection& on, std::optional<std::chrono::milliseconds> limit, found_position found);

    /// Finds a standby that may be new enough. @returns whether there is one.
    static boost::asio::awaitable<bool> begin(std::shared_ptr<read_core> self, read_call& of, visit& at, usage user);
    /// Finds out whether it is new enough, or that its answer will say so. @returns false when it is not.
    static boost::asio::awaitable<bool> prove(std::shared_ptr<read_core> self, read_call& of, visit& at);
    /// The standby has answered.
    /// @returns whether that counts. @throws `error` when it is the caller's.
    bool end(read_call& of, visit& at, const std::exception_ptr& error);
    /// Takes what a standby has said of itself. @returns whether it is new enough.
    bool learn(visit& at, const std::optional<log_position>& replayed);
    [[nodiscard]] static bool is_new_enough(const visit& at) noexcept;

    std::shared_ptr<database_core> primary_;
    std::shared_ptr<database_core> standbys_;
    read_freshness freshness_;
    read_statistics counted_;
};

template <class Answer, class Step>
boost::asio::awaitable<std::optional<Answer>>
read_core::at_standby(std::shared_ptr<read_core> self, read_call& of, usage user, const Step& step)
{
    std::optional<Answer> answer;
    visit at;
    const bool found = co_await begin(self, of, at, std::move(user));
    if (!found)
        co_return answer;
    std::exception_ptr error;
    try {
        const auto left = self->time_left(at);
        if (at.asks) {
            // Children are started in their order, and so are what they send.
            auto both = co_await when_all(ask_standby(*at.at, left, at.replayed), step(at.connection, left));
            answer.emplace(std::get<1>(std::move(both)));
        }
        else {
            answer.emplace(co_await step(at.connection, left));
        }
    }
    catch (...) {
        error = std::current_exception();
    }
    if (!self->end(of, at, error))
        answer.reset();
    co_return answer;
}

} // namespace tradecore::detail
