// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/sql_scan.hpp>

#include <cstddef>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace tradecore {

/// The text of one statement as it travels below the verbs: either a view of a literal, which lives
/// for ever, or a view of a string that `owner` keeps alive.
struct sql_text {
    std::string_view text;
    std::shared_ptr<const std::string> owner;
    /// Where the caller wrote the statement, for logs; line 0 when that is not known.
    std::source_location where{};
};

/// SQL that was put together at run time: the one, searchable, way around the checked literals.
///
/// Parameters are not counted at compile time; the server refuses a wrong number. The text is owned
/// by the value and everything made from it, so nothing dangles.
class runtime_sql {
public:
    /// @param where what logs give as the statement's place: where this is made.
    explicit runtime_sql(std::string text, std::source_location where = std::source_location::current())
        : owner_(std::make_shared<const std::string>(std::move(text))), where_(where)
    {}

    /// @returns the text together with what keeps it alive.
    [[nodiscard]] sql_text text() const { return {*owner_, owner_, where_}; }

private:
    std::shared_ptr<const std::string> owner_;
    std::source_location where_;
};

namespace pg::detail {

// Never defined: reaching one of these while the literal is checked is the compile error the user reads.
void sql_parameters_and_arguments_differ_in_number();
void sql_parameter_numbers_have_a_hole();
void sql_literal_contains_nul();

} // namespace pg::detail

/// SQL that is a compile-time literal and whose `$n` parameters agree with the arguments.
///
/// Constructed implicitly from a string literal at compile time only; `std::string` does not convert,
/// so no run-time value can become SQL by accident. `$n` inside string constants, quoted identifiers,
/// dollar quotes and comments is not counted (PostgreSQL documentation, chapter "Lexical Structure").
/// The place of the call travels along, for logs.
///
/// @tparam Args the types of the arguments; only their number is checked here, their types are checked
///         against the statement when it is prepared.
template <class... Args>
class sql {
public:
    template <std::size_t N>
    // NOLINTNEXTLINE(google-explicit-constructor): a literal is meant to convert
    consteval sql(const char (&literal)[N], std::source_location where = std::source_location::current())
        : text_(literal, N - 1), where_(where)
    {
        const auto found = pg::detail::scan_parameters(text_);
        if (found.contains_nul)
            pg::detail::sql_literal_contains_nul();
        if (found.highest != sizeof...(Args))
            pg::detail::sql_parameters_and_arguments_differ_in_number();
        if (found.hole)
            pg::detail::sql_parameter_numbers_have_a_hole();
    }

    // NOLINTNEXTLINE(google-explicit-constructor): the explicit word is runtime_sql itself
    sql(const runtime_sql& text) : text_(text.text().text), owner_(text.text().owner), where_(text.text().where) {}

    /// @returns the text together with what keeps it alive (nothing is needed for a literal).
    [[nodiscard]] sql_text text() const { return {text_, owner_, where_}; }

private:
    std::string_view text_;
    std::shared_ptr<const std::string> owner_{};
    std::source_location where_{};
};

} // namespace tradecore
