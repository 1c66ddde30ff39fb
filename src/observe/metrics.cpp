// SPDX-License-Identifier: Apache-2.0
#include <tradecore/observe/metrics.hpp>
#include <tradecore/observe/utf8.hpp>

#include <chrono>
#include <limits>
#include <map>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <utility>

namespace tradecore::observe {
namespace {

double seconds(latency_histogram::duration time)
{
    return std::chrono::duration<double>(time).count();
}

prometheus::ClientMetric labelled(std::initializer_list<metric_label> labels)
{
    prometheus::ClientMetric made;
    for (const auto& one : labels)
        made.label.push_back({std::string(one.name), valid_utf8(one.value)});
    return made;
}

} // namespace

struct metrics::families_by_name {
    std::vector<prometheus::MetricFamily> all;
    std::map<std::string, std::size_t, std::less<>> positions;

    void add(std::string_view name, std::string_view help, prometheus::MetricType type, prometheus::ClientMetric what)
    {
        auto found = positions.find(name);
        if (found == positions.end()) {
            found = positions.emplace(name, all.size()).first;
            all.push_back({std::string(name), std::string(help), type, {}});
        }
        all[found->second].metric.push_back(std::move(what));
    }
};

metrics::metrics() : families_(std::make_unique<families_by_name>()) {}
metrics::~metrics() = default;
metrics::metrics(metrics&&) noexcept = default;
metrics& metrics::operator=(metrics&&) noexcept = default;

void metrics::gauge(
    std::string_view name, std::string_view help, std::initializer_list<metric_label> labels, double value)
{
    auto what = labelled(labels);
    what.gauge.value = value;
    families_->add(name, help, prometheus::MetricType::Gauge, std::move(what));
}

void metrics::counter(
    std::string_view name, std::string_view help, std::initializer_list<metric_label> labels, double value)
{
    auto what = labelled(labels);
    what.counter.value = value;
    families_->add(name, help, prometheus::MetricType::Counter, std::move(what));
}

void metrics::histogram(
    std::string_view name, std::string_view help, std::initializer_list<metric_label> labels,
    const latency_histogram& value)
{
    auto what = labelled(labels);
    what.histogram.sample_count = value.count();
    what.histogram.sample_sum = seconds(value.sum());
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < value.buckets().size(); ++i) {
        below += value.buckets()[i];
        const auto bound = i < latency_histogram::bounds.size() ? seconds(latency_histogram::bounds[i])
                                                                : std::numeric_limits<double>::infinity();
        what.histogram.bucket.push_back({below, bound});
    }
    families_->add(name, help, prometheus::MetricType::Histogram, std::move(what));
}

std::string metrics::text() const
{
    return prometheus::TextSerializer().Serialize(families_->all);
}

std::vector<prometheus::MetricFamily> metrics::families() &&
{
    families_->positions.clear();
    return std::exchange(families_->all, {});
}

} // namespace tradecore::observe
