// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace tradecore::pg::detail {

/// Which parameters a statement's text uses.
struct scanned_parameters {
    /// The highest `$n`; 0 when there is none.
    std::size_t highest = 0;
    /// A number below the highest does not occur, or `$0` does.
    bool hole = false;
    bool contains_nul = false;
};

/// Walks SQL the way the server's lexer does, far enough to tell parameters from text.
/// (PostgreSQL documentation, chapter "Lexical Structure".)
class sql_scanner {
public:
    constexpr explicit sql_scanner(std::string_view sql) noexcept : sql_(sql) {}

    constexpr scanned_parameters run()
    {
        while (at_ < sql_.size()) {
            step();
        }
        return {.highest = highest_, .hole = has_hole(), .contains_nul = sql_.find('\0') != std::string_view::npos};
    }

private:
    // The protocol's own limit on parameters.
    static constexpr std::size_t limit = 65'535;

    static constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
    // Bytes of UTF-8 sequences are letters to the server.
    static constexpr bool starts_identifier(char c) noexcept
    {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
    }

    constexpr char peek(std::size_t ahead = 0) const noexcept
    {
        return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
    }

    constexpr void step()
    {
        const char c = peek();
        if (c == '\'') {
            quoted('\'', false);
        }
        else if (c == '"') {
            quoted('"', false);
        }
        else if (c == '-' && peek(1) == '-') {
            line_comment();
        }
        else if (c == '/' && peek(1) == '*') {
            block_comment();
        }
        else if (c == '$') {
            dollar();
        }
        else if ((c == 'e' || c == 'E') && peek(1) == '\'') {
            ++at_;
            quoted('\'', true);
        }
        else if (starts_identifier(c)) {
            identifier();
        }
        else if (is_digit(c)) {
            number();
        }
        else {
            ++at_;
        }
    }

    // A doubled quote ends one piece and begins the next, which comes to the same.
    constexpr void quoted(char quote, bool backslashes)
    {
        for (++at_; at_ < sql_.size(); ++at_) {
            if (backslashes && sql_[at_] == '\\') {
                ++at_;
            }
            else if (sql_[at_] == quote) {
                if (peek(1) != quote) {
                    ++at_;
                    return;
                }
                ++at_;
            }
        }
    }

    constexpr void line_comment()
    {
        while (at_ < sql_.size() && sql_[at_] != '\n' && sql_[at_] != '\r') {
            ++at_;
        }
    }

    constexpr void block_comment()
    {
        std::size_t depth = 0;
        do {
            if (peek() == '/' && peek(1) == '*') {
                ++depth;
                at_ += 2;
            }
            else if (peek() == '*' && peek(1) == '/') {
                --depth;
                at_ += 2;
            }
            else {
                ++at_;
            }
        } while (depth > 0 && at_ < sql_.size());
    }

    constexpr void identifier()
    {
        while (starts_identifier(peek()) || is_digit(peek()) || peek() == '$') {
            ++at_;
        }
    }

    // `1$1` is a number and a parameter to servers before 16; letters that follow are no identifier
    // that could swallow a `$`.
    constexpr void number()
    {
        while (is_digit(peek())) {
            ++at_;
        }
    }

    constexpr void dollar()
    {
        if (is_digit(peek(1))) {
            parameter();
            return;
        }
        std::size_t tag = 1;
        if (starts_identifier(peek(1))) {
            while (starts_identifier(peek(tag)) || is_digit(peek(tag))) {
                ++tag;
            }
        }
        if (peek(tag) != '$') {
            ++at_;
            return;
        }
        const auto delimiter = sql_.substr(at_, tag + 1);
        const auto end = sql_.find(delimiter, at_ + delimiter.size());
        at_ = end == std::string_view::npos ? sql_.size() : end + delimiter.size();
    }

    constexpr void parameter()
    {
        std::size_t number = 0;
        for (++at_; is_digit(peek()); ++at_) {
            if (number <= limit) {
                number = number * 10 + static_cast<std::size_t>(peek() - '0');
            }
        }
        if (number == 0) {
            zero_ = true;
        }
        if (number > highest_) {
            highest_ = number;
        }
        if (number >= 1 && number <= seen_.size()) {
            seen_[number - 1] = true;
        }
    }

    constexpr bool has_hole() const noexcept
    {
        // Beyond what is remembered the server is the one to find a hole.
        for (std::size_t i = 0; i < highest_ && i < seen_.size(); ++i) {
            if (!seen_[i]) {
                return true;
            }
        }
        return zero_;
    }

    std::string_view sql_;
    std::size_t at_ = 0;
    std::size_t highest_ = 0;
    bool zero_ = false;
    std::array<bool, 256> seen_{};
};

/// @returns which parameters `sql` uses, for any text, well-formed or not.
constexpr scanned_parameters scan_parameters(std::string_view sql)
{
    return sql_scanner(sql).run();
}

} // namespace tradecore::pg::detail
