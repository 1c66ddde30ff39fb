// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/events/append.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace tradecore::events {

/// A stream was not at the version the caller expected: somebody appended in between. Nothing was
/// written and no position was used. Load the stream again, decide again, append again.
///
/// Not a database error: retries of the database never repeat it.
class wrong_expected_version : public std::runtime_error {
public:
    /// @param actual the stream's version; 0 when it does not exist.
    wrong_expected_version(std::string stream, expected_version expected, std::int64_t actual);

    [[nodiscard]] const std::string& stream() const noexcept { return stream_; }
    [[nodiscard]] expected_version expected() const noexcept { return expected_; }
    /// @returns the stream's version when the append was refused; 0 when it did not exist.
    [[nodiscard]] std::int64_t actual() const noexcept { return actual_; }

private:
    std::string stream_;
    expected_version expected_;
    std::int64_t actual_;
};

} // namespace tradecore::events
