// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/row_values.hpp>
#include <tradecore/pg/statement.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tradecore::pg {

namespace detail {

/// Hands out the arguments of one execution after the other.
class row_source {
public:
    row_source() = default;
    row_source(const row_source&) = delete;
    row_source& operator=(const row_source&) = delete;
    row_source(row_source&&) = delete;
    row_source& operator=(row_source&&) = delete;
    virtual ~row_source() = default;
    /// Adds the next row's values to `into`, which is empty.
    /// @returns false when there are no more.
    virtual bool next(parameters& into) = 0;
    /// Begins again. @returns false when that is not possible: each row is there once only.
    virtual bool rewind() = 0;
};

/// The rows of a range. A view of what the caller keeps, or the owner of what the caller gave away.
template <std::ranges::view View>
class range_source final : public row_source {
public:
    explicit range_source(View rows) : rows_(std::move(rows)) {}

    bool next(parameters& into) override
    {
        if (!begun_) {
            at_.emplace(std::ranges::begin(rows_));
            begun_ = true;
        }
        if (*at_ == std::ranges::end(rows_))
            return false;
        for_each_value(**at_, [&into](const auto& value) { into.add(value); });
        ++*at_;
        return true;
    }

    bool rewind() override
    {
        begun_ = begun_ && !std::ranges::forward_range<View>;
        return std::ranges::forward_range<View>;
    }

private:
    View rows_;
    std::optional<std::ranges::iterator_t<View>> at_;
    bool begun_ = false;
};

template <std::size_t>
using one_int = int;
template <std::size_t... I>
auto sql_taking(std::index_sequence<I...>) -> sql<one_int<I>...>;

} // namespace detail

/// SQL with as many parameters as a row of the range `R` has values.
template <class R>
using sql_for_rows_of = decltype(detail::sql_taking(
    std::make_index_sequence<detail::value_count<std::ranges::range_value_t<std::remove_cvref_t<R>>>>{}));

/// One statement to be executed for each row of a source: what `session::execute_many` hands down.
struct repeated_statement {
    sql_text sql;
    std::unique_ptr<detail::row_source> rows;
    call_options options{};
    /// As of `statement`.
    std::vector<std::string> before{};
};

} // namespace tradecore::pg
