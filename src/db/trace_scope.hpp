// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/observe/tracer.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <memory>

namespace tradecore::detail {

/// What the ambient context has of traces.
struct trace_scope {
    /// What children name as their parent; not valid: they have none.
    observe::trace_context context;
    /// Null: the span is somebody else's, or is not recorded.
    std::shared_ptr<observe::span> span;
};

/// @returns the innermost scope on `executor`, or null.
[[nodiscard]] std::shared_ptr<trace_scope> trace_around(const boost::asio::any_io_executor& executor);

/// @returns `executor` inside of `scope`.
[[nodiscard]] boost::asio::any_io_executor
enter_trace(const boost::asio::any_io_executor& executor, std::shared_ptr<trace_scope> scope);

} // namespace tradecore::detail
