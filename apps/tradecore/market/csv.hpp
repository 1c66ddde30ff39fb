// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::app::market {

/// What: text that is not CSV; `line()` is where, counted from 1.
class csv_error : public std::runtime_error {
public:
    csv_error(std::size_t line, const std::string& reason) : std::runtime_error(reason), line_(line) {}
    std::size_t line() const { return line_; }

private:
    std::size_t line_;
};

/// What: walks the records of a CSV text: fields between commas, lines ended by LF or CRLF, fields in double quotes
/// with
///   "" for a quote, a byte order mark at the beginning. Empty lines at the end are no records.
/// Lifetimes: the text must outlive the reader; fields() is valid until the next call of next().
/// Thread safety: one reader, one thread.
/// Source: RFC 4180.
class csv_reader {
public:
    explicit csv_reader(std::string_view text);

    /// What: moves to the next record. Returns: false at the end.
    /// Errors: csv_error: an unclosed quote, text beside a quoted field, an empty line between records.
    bool next();

    const std::vector<std::string_view>& fields() const { return fields_; }

    /// What: the line the record begins at, from 1.
    std::size_t line() const { return line_; }

private:
    std::string_view quoted_field();
    std::string_view plain_field();
    bool at_line_end() const;
    bool only_empty_lines_left() const;

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t line_ = 0;
    std::size_t next_line_ = 1;
    std::vector<std::string_view> fields_;
    std::deque<std::string> unescaped_; ///< owners of fields that held ""; a deque never moves them
};

} // namespace tradecore::app::market
