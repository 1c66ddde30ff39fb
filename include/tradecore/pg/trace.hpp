// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tradecore::pg {

/// What is known of one query when it starts and when it ends. A view: valid during the call.
struct query_trace {
    /// The caller's name for it, else the verb: "FETCH", "FETCHROW", "FETCHVAL", "EXECUTE", "SCRIPT", "BATCH", …
    std::string_view label{};
    /// Of a batch: the texts of its entries, with semicolons between.
    std::string_view text{};
    /// What follows is known at the end only: the rows returned or touched, 0 after an error and of a batch;
    std::uint64_t rows = 0;
    /// from the call to the answer, waiting for others included;
    std::chrono::steady_clock::duration duration{};
    /// how it failed; no error when it did not.
    boost::system::error_code error_code{};
};

/// Is told of the messages and queries of connections (`connect_options::trace`).
///
/// Statements, scripts, batches and `execute_many` are queries. Cursors and COPY, which go on over many calls, are seen
/// by their messages alone.
///
/// Without one a query costs a branch for it. Arguments, rows and passwords are not shown. The messages of start-up
/// are not traced.
///
/// Errors: none may leave; the functions are noexcept. Thread safety: called on the executor of the connection, so on
/// several threads at once when connections that share a tracer live on several.
class tracer {
public:
    enum class direction : std::uint8_t { sent, received };

    tracer() = default;
    tracer(const tracer&) = delete;
    tracer& operator=(const tracer&) = delete;
    tracer(tracer&&) = delete;
    tracer& operator=(tracer&&) = delete;
    virtual ~tracer() = default;

    /// A whole message goes out or has come in.
    /// @param type as the protocol names it. (PostgreSQL documentation, "Message Formats".)
    /// @param bytes of the whole message, type and length included.
    virtual void on_message(direction, char type, std::size_t bytes) noexcept
    {
        (void)type;
        (void)bytes;
    }
    /// A statement or a script begins; it may have to wait for others.
    virtual void on_query_start(const query_trace&) noexcept {}
    /// It has ended, with an answer or an error.
    virtual void on_query_end(const query_trace&) noexcept {}
};

} // namespace tradecore::pg
