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
    /// The caller's name for it, else the verb: "FETCH", "FETCHROW", "FETCHVAL", "EXECUTE", "EXECUTE_MANY", "SCRIPT",
    /// "BATCH", "CURSOR", "COPY", "LISTEN", "UNLISTEN".
    std::string_view label{};
    /// Of a batch: the texts of its entries, with semicolons between.
    std::string_view text{};
    /// What follows is known at the end only: the rows returned or touched, 0 after an error and of a batch;
    std::uint64_t rows = 0;
    /// from the call to the answer, waiting for others included; of a cursor and a COPY to their end, the time their
    /// caller takes between two steps included;
    std::chrono::steady_clock::duration duration{};
    /// how it failed; no error when it did not. What was given up before its end (a cursor that is destroyed before its
    /// empty slice) has `boost::asio::error::operation_aborted`.
    boost::system::error_code error_code{};
};

/// Is told of the messages and queries of connections (`connect_options::trace`).
///
/// Every statement of a caller is a query: also a script, a batch, an `execute_many`, a cursor and a COPY, each as one,
/// and the LISTEN of the first and the UNLISTEN of the last listener of a channel. What the driver asks for itself
/// (what a statement's types are, a cursor's BEGIN and COMMIT) is seen by its messages alone.
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
    /// A query begins; it may have to wait for others.
    virtual void on_query_start(const query_trace&) noexcept {}
    /// It has ended, with an answer or an error. Called once for each start.
    virtual void on_query_end(const query_trace&) noexcept {}
};

} // namespace tradecore::pg
