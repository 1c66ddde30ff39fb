// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/observe/log.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tradecore::observe {

/// What: collects every record while it lives, instead of writing it; for tests.
///
/// Lifetimes: puts the former sink and threshold back when destroyed; capture objects must be destroyed in the reverse
/// order of their making. Thread safety: records may come from any thread, and be read while they come.
class capture {
public:
    struct entry {
        level severity;
        std::string message;
        std::vector<std::pair<std::string, std::string>> fields;

        /// Returns: the field's text, or an empty string when there is no such field.
        [[nodiscard]] std::string value(std::string_view key) const;
    };

    explicit capture(level lowest = level::trace);
    ~capture();
    capture(const capture&) = delete;
    capture& operator=(const capture&) = delete;

    /// Returns: copies of all records so far, in order.
    [[nodiscard]] std::vector<entry> entries() const;

    /// Returns: only the messages of this level and above.
    [[nodiscard]] std::vector<std::string> messages(level lowest = level::trace) const;

private:
    struct store;
    std::shared_ptr<store> store_;
    sink former_;
    level former_threshold_;
};

} // namespace tradecore::observe
