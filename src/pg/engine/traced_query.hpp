// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/link.hpp"

#include <tradecore/pg/sql.hpp>
#include <tradecore/pg/trace.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>

namespace tradecore::pg::engine {

/// Tells a tracer of a query: of its begin when made, and once of its end.
///
/// What nobody has told the end of was given up: that is told when it is destroyed.
class traced_query {
public:
    /// @param label must outlive it.
    traced_query(std::shared_ptr<tracer> to, std::string_view label, sql_text text);
    traced_query(const traced_query&) = delete;
    traced_query& operator=(const traced_query&) = delete;
    traced_query(traced_query&&) = delete;
    traced_query& operator=(traced_query&&) = delete;
    ~traced_query();

    /// @param error null when there was none.
    void ended(std::uint64_t rows, const std::exception_ptr& error) noexcept;
    void given_up() noexcept;

private:
    void ended(std::uint64_t rows, boost::system::error_code error) noexcept;

    std::shared_ptr<tracer> to_; // null after the end
    sql_text text_;
    query_trace query_;
    link::clock::time_point since_ = link::clock::now();
};

/// Waits for a step of a query. When it fails, that is the query's end.
template <class T>
boost::asio::awaitable<T> watch(traced_query& of, boost::asio::awaitable<T> step)
{
    std::exception_ptr error;
    try {
        co_return co_await std::move(step);
    }
    catch (...) {
        error = std::current_exception();
    }
    of.ended(0, error);
    std::rethrow_exception(error);
}

} // namespace tradecore::pg::engine
