// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/observe/latency_histogram.hpp>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
struct MetricFamily;
} // namespace prometheus

namespace tradecore::observe {

struct metric_label {
    std::string_view name;
    std::string_view value;
};

/// What: the figures of one moment, as Prometheus is given them. Nothing is counted here: who has figures writes them
/// when they are asked for.
///
/// Names and units follow Prometheus' conventions: `tradecore_<what>_<unit>`, counters end in `_total`, times are in
/// seconds. All that is written under one name must be of one kind and have the same labels, and no two the same
/// values. Errors: std::bad_alloc. Thread safety: none. Source: https://prometheus.io/docs/practices/naming/,
/// https://prometheus.io/docs/instrumenting/exposition_formats/
class metrics {
public:
    /// The content type of `text()` for HTTP.
    static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

    metrics();
    ~metrics();
    metrics(metrics&&) noexcept;
    metrics& operator=(metrics&&) noexcept;
    metrics(const metrics&) = delete;
    metrics& operator=(const metrics&) = delete;

    /// What goes up and down. Parameters: a name, what it means, what tells this one from others, and its value.
    void gauge(std::string_view name, std::string_view help, std::initializer_list<metric_label> labels, double value);
    /// What only grows, and begins at zero with the program.
    void
    counter(std::string_view name, std::string_view help, std::initializer_list<metric_label> labels, double value);
    void histogram(
        std::string_view name, std::string_view help, std::initializer_list<metric_label> labels,
        const latency_histogram& value);

    /// Returns: all of it in Prometheus' text format, families in the order in which they were begun.
    [[nodiscard]] std::string text() const;

    /// Returns: the same as prometheus-cpp's own values, for a `prometheus::Collectable`; include
    /// <prometheus/metric_family.h> to use them.
    [[nodiscard]] std::vector<prometheus::MetricFamily> families() &&;

private:
    struct families_by_name;
    std::unique_ptr<families_by_name> families_;
};

} // namespace tradecore::observe
