// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/call_span.hpp"
#include "db/commit_resolution.hpp"
#include "db/database_core.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>

namespace tradecore::detail {

/// The doors of a database with the tracer in front of them: without one, they are the database's own for the price of
/// a branch.
struct traced_calls {
    static boost::asio::awaitable<pg::result>
    run(std::shared_ptr<database_core> core, pg::statement what, own_policies retries = {});
    static boost::asio::awaitable<pg::batch_answers>
    run_batch(std::shared_ptr<database_core> core, pg::batch what, own_policies retries = {});
    static boost::asio::awaitable<std::uint64_t>
    run_many(std::shared_ptr<database_core> core, pg::repeated_statement what, own_policies retries = {});
    /// Of cursors and COPY the span is that of the opening.
    static boost::asio::awaitable<std::shared_ptr<pg::detail::cursor_core>> open_cursor(
        std::shared_ptr<database_core> core, pg::statement what, pg::cursor_options how, own_policies retries = {});
    static boost::asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>>
    open_copy_in(std::shared_ptr<database_core> core, pg::detail::copy_request what, own_policies retries = {});
    static boost::asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>>
    open_copy_out(std::shared_ptr<database_core> core, pg::detail::copy_request what, own_policies retries = {});
    static boost::asio::awaitable<std::vector<pg::result>>
    run_script(std::shared_ptr<database_core> core, sql_text text, pg::call_options options);

    /// @param work the transaction with all its attempts.
    static boost::asio::awaitable<void>
    transaction(std::shared_ptr<database_core> core, std::string_view name, boost::asio::awaitable<void> work);
    /// A wait for a connection.
    static boost::asio::awaitable<lease>
    acquire(std::shared_ptr<database_core> core, boost::asio::awaitable<lease> work);
    /// Finding out about a COMMIT.
    static boost::asio::awaitable<commit_finding>
    resolution(std::shared_ptr<database_core> core, boost::asio::awaitable<commit_finding> work);
};

} // namespace tradecore::detail
