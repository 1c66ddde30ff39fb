// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace tradecore::pg::detail {

/// What binary COPY data begins with.
inline constexpr std::string_view copy_signature{"PGCOPY\n\377\r\n\0", 11};

/// Takes binary COPY data apart into rows, however it was cut into messages (PostgreSQL documentation, "COPY", "Binary
/// Format"). Memory follows what was received, never what a length field announces.
class copy_row_decoder {
public:
    /// Takes the next piece of data and appends the rows that are complete with it.
    /// @param into described with the columns the data has.
    /// @throws protocol_error when the data is malformed.
    void feed(std::string_view data, result& into);
    /// @throws protocol_error unless the data has come to its end.
    void finish() const;

private:
    enum class state { header, extension, rows, ended };

    /// @returns how many bytes of `data` were used up.
    [[nodiscard]] std::size_t take(std::string_view data, result& into);
    [[nodiscard]] std::size_t take_row(std::string_view data, result& into);

    state state_ = state::header;
    std::size_t extension_ = 0; // bytes of it that are still to come
    std::size_t needs_ = 0;     // no use in looking before so many bytes are there
    std::string rest_;
};

} // namespace tradecore::pg::detail
