// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace tradecore::pg {

/// @returns an identifier quoted for SQL, exactly as given: capitals and blanks are kept.
/// @throws argument_error when it is empty, contains NUL, or is longer than the 63 bytes a server keeps.
[[nodiscard]] std::string quote_identifier(std::string_view name);

/// A table's name, with or without its schema: `"orders"`, `"trading.orders"`, or `{"trading", "odd.name"}` when a
/// name contains a dot. Names are taken exactly as given; what SQL folds to lower case is to be given in lower case.
class table_name {
public:
    template <std::convertible_to<std::string_view> T>
    // NOLINTNEXTLINE(google-explicit-constructor): a name is meant to convert
    table_name(const T& name)
    {
        const std::string_view text(name);
        if (const auto dot = text.find('.'); dot != std::string_view::npos) {
            schema_ = text.substr(0, dot);
            name_ = text.substr(dot + 1);
            has_schema_ = true;
        }
        else {
            name_ = text;
        }
    }
    table_name(std::string schema, std::string name)
        : schema_(std::move(schema)), name_(std::move(name)), has_schema_(true)
    {}

    /// @returns the name quoted for SQL.
    /// @throws argument_error as `quote_identifier`.
    [[nodiscard]] std::string quoted() const;

private:
    std::string schema_;
    std::string name_;
    bool has_schema_ = false;
};

} // namespace tradecore::pg
