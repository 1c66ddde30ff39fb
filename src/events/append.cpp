// SPDX-License-Identifier: Apache-2.0
#include <tradecore/events/append.hpp>
#include <tradecore/events/errors.hpp>

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace tradecore::events {

namespace {

std::string describe_conflict(const std::string& stream, expected_version expected, std::int64_t actual)
{
    const auto found = actual == 0 ? std::string("the stream does not exist") : fmt::format("it is {}", actual);
    return fmt::format("stream '{}': expected version {}, but {}", stream, expected.text(), found);
}

} // namespace

expected_version expected_version::exactly(std::int64_t version)
{
    if (version < 0) {
        throw std::invalid_argument(fmt::format("expected_version::exactly({}): a version is 0 or more", version));
    }
    return expected_version{version};
}

std::string expected_version::text() const
{
    if (is_any()) {
        return "any";
    }
    return value_ == 0 ? "no stream" : std::to_string(value_);
}

wrong_expected_version::wrong_expected_version(std::string stream, expected_version expected, std::int64_t actual)
    : std::runtime_error(describe_conflict(stream, expected, actual)), stream_(std::move(stream)), expected_(expected),
      actual_(actual)
{}

} // namespace tradecore::events
