// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/database_options.hpp>
#include <tradecore/observe/tracer.hpp>
#include <tradecore/pg/batch.hpp>
#include <tradecore/pg/statement.hpp>
#include <tradecore/resilience/time.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::detail {

/// What a span is about. Keeps texts that were made at run time.
struct span_of_call {
    /// Of a call that was given a name; and of everything that is no statement.
    std::string_view name{};
    observe::span_kind kind = observe::span_kind::client;
    sql_text sql{};
    /// Whether the text may be shown: it has no values in it.
    bool shows_sql = false;
    /// What the call says of itself, "BATCH"; a statement's command is said by its summary.
    std::string_view operation{};
    /// Statements of a batch.
    std::optional<std::size_t> size{};

    [[nodiscard]] static span_of_call of(const pg::statement& what);
    [[nodiscard]] static span_of_call of(const pg::batch& what);
    /// A statement without arguments of its own.
    [[nodiscard]] static span_of_call
    of(const sql_text& sql, const pg::call_options& options, std::string_view operation);
    /// Work of ours.
    [[nodiscard]] static span_of_call internal(std::string_view name)
    {
        return {.name = name, .kind = observe::span_kind::internal};
    }
};

/// The span of a call from its beginning to its end; one that is destroyed before was given up.
///
/// Thread safety: none. Lifetimes: the options must outlive it.
class call_span {
public:
    /// @param of has a tracer.
    /// @param around the caller's executor, which knows the parent.
    call_span(const database_options& of, const boost::asio::any_io_executor& around, const span_of_call& what);
    call_span(const call_span&) = delete;
    call_span& operator=(const call_span&) = delete;
    call_span(call_span&&) = delete;
    call_span& operator=(call_span&&) = delete;
    ~call_span();

    /// @returns where the call's work has to run to find the span.
    [[nodiscard]] const boost::asio::any_io_executor& inside() const noexcept { return inside_; }

    /// @param error null for success.
    /// @param further an attribute that is known now.
    void end(const std::exception_ptr& error, std::optional<observe::field> further = {}) noexcept;

private:
    std::shared_ptr<observe::span> span_; ///< null: not recorded, or ended
    boost::asio::any_io_executor inside_;
};

/// Notes in the span around `executor` that what failed is tried again.
void note_repetition(
    const boost::asio::any_io_executor& executor, const std::exception_ptr& error, int attempt,
    resilience::duration wait) noexcept;

/// @returns the trace on `executor` that the server may be told of; nothing when it is not recorded, or not sampled.
[[nodiscard]] std::optional<observe::trace_context> trace_to_tell(const boost::asio::any_io_executor& executor);

/// @returns the command that tells the server of the trace on `executor` until the transaction ends; nothing when there
///          is none to tell of.
[[nodiscard]] std::string announcement_of_trace(const boost::asio::any_io_executor& executor);

/// @returns what OpenTelemetry calls the type of an error: its SQLSTATE, else the name of its type.
[[nodiscard]] std::string error_type_of(const std::exception_ptr& error);

} // namespace tradecore::detail
