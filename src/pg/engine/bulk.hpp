// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/call.hpp"
#include "pg/engine/link.hpp"
#include "pg/engine/prepare.hpp"
#include "pg/engine/statement_cache.hpp"

#include <tradecore/pg/batch.hpp>
#include <tradecore/pg/copy.hpp>
#include <tradecore/pg/cursor.hpp>
#include <tradecore/pg/execute_many.hpp>
#include <tradecore/pg/listener.hpp>
#include <tradecore/pg/statement.hpp>

#include <boost/asio/awaitable.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

/// What a connection does beyond single statements, and what these have in common.
namespace tradecore::pg::engine {

[[nodiscard]] boost::asio::awaitable<batch_answers> run_batch(std::shared_ptr<link> on, batch what);
[[nodiscard]] boost::asio::awaitable<std::uint64_t> run_many(std::shared_ptr<link> on, repeated_statement what);
[[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
open_cursor(std::shared_ptr<link> on, statement what, cursor_options how);
[[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>>
open_copy_in(std::shared_ptr<link> on, pg::detail::copy_request what);
[[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>>
open_copy_out(std::shared_ptr<link> on, pg::detail::copy_request what);
/// @param ended as `open_copy_out` made it. @returns the rows that the server said it has sent, once it has ended.
[[nodiscard]] std::uint64_t rows_copied(const pg::detail::copy_out_core& ended) noexcept;
[[nodiscard]] boost::asio::awaitable<listener>
listen(std::shared_ptr<link> on, std::string channel, listen_options options);

/// The same for a link with a tracer, which is told.
[[nodiscard]] boost::asio::awaitable<batch_answers> run_batch_traced(std::shared_ptr<link> on, batch what);
[[nodiscard]] boost::asio::awaitable<std::uint64_t> run_many_traced(std::shared_ptr<link> on, repeated_statement what);
[[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
open_cursor_traced(std::shared_ptr<link> on, statement what, cursor_options how);
[[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>>
open_copy_in_traced(std::shared_ptr<link> on, pg::detail::copy_request what);
[[nodiscard]] boost::asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>>
open_copy_out_traced(std::shared_ptr<link> on, pg::detail::copy_request what);

/// How much may wait to be sent before a sender waits, in bytes.
inline constexpr std::size_t most_unsent = std::size_t{256} * 1024;

/// A machine that has its link's turn until its owner or its end releases it: whoever gives it up in mid-course leaves
/// it behind with all it needs, and nobody's messages come between.
template <class Machine>
class holding final : public Machine {
public:
    template <class... Args>
    explicit holding(turn held, Args&&... args) : Machine(std::forward<Args>(args)...), held_(std::move(held))
    {}
    void release() noexcept { held_.release(); }

private:
    turn held_;
};

/// Whoever leaves while an exchange is still in flight gives it up: an exception or a cancellation between two steps
/// must not leave it without its end, which others wait for.
class give_up_on_exit {
public:
    /// Both must outlive it.
    give_up_on_exit(link& on, exchange& watched) noexcept : on_(&on), watched_(&watched) {}
    give_up_on_exit(const give_up_on_exit&) = delete;
    give_up_on_exit& operator=(const give_up_on_exit&) = delete;
    give_up_on_exit(give_up_on_exit&&) = delete;
    give_up_on_exit& operator=(give_up_on_exit&&) = delete;
    ~give_up_on_exit();

private:
    link* on_;
    exchange* watched_;
};

} // namespace tradecore::pg::engine
