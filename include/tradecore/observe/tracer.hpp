// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/observe/field.hpp>
#include <tradecore/observe/trace_context.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace tradecore::observe {

/// Whether a span is a request to something outside (OpenTelemetry's CLIENT), or work of this process.
enum class span_kind : std::uint8_t { internal, client };

/// What is known when a span begins. A view: valid during the call.
struct span_start {
    std::string_view name{};
    span_kind kind = span_kind::internal;
    /// Null: the span begins a trace.
    const trace_context* parent = nullptr;
    std::span<const field> attributes{};
};

/// What is known when it ends. A view: valid during the call.
struct span_end {
    bool failed = false;
    /// What an error says; empty when nothing failed.
    std::string_view error{};
    /// Those that were not known before.
    std::span<const field> attributes{};
};

/// A span that has begun.
///
/// Errors: none may leave; the functions are noexcept. Thread safety: one span is used by one thread at a time.
class span {
public:
    span() = default;
    span(const span&) = delete;
    span& operator=(const span&) = delete;
    span(span&&) = delete;
    span& operator=(span&&) = delete;
    virtual ~span() = default;

    /// What: which span children of this one have to name as their parent. The same from beginning to end.
    [[nodiscard]] virtual const trace_context& context() const noexcept = 0;
    /// Something happened within the span, at this moment.
    virtual void event(std::string_view name, std::span<const field> attributes) noexcept = 0;
    /// The span ends, at this moment. Called once, and nothing after it.
    virtual void end(const span_end& outcome) noexcept = 0;
};

/// Takes the spans of databases (`database_options::tracer`): a bridge to OpenTelemetry or to whatever collects traces.
/// Ids, sampling and clocks are the tracer's. Names and attributes follow OpenTelemetry's semantic conventions for
/// database clients. Source: https://opentelemetry.io/docs/specs/semconv/db/ (1.33 and later, stable)
///
/// Errors: none may leave. Thread safety: called by the threads that databases are used on.
class tracer {
public:
    tracer() = default;
    tracer(const tracer&) = delete;
    tracer& operator=(const tracer&) = delete;
    tracer(tracer&&) = delete;
    tracer& operator=(tracer&&) = delete;
    virtual ~tracer() = default;

    /// A span begins, at this moment.
    /// Returns: null for one that is not recorded; what happens inside then has the parent that it would have had.
    [[nodiscard]] virtual std::unique_ptr<span> start(const span_start& what) noexcept = 0;
};

} // namespace tradecore::observe
