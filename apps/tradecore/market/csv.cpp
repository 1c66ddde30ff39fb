// SPDX-License-Identifier: Apache-2.0
#include "market/csv.hpp"

namespace tradecore::app::market {

csv_reader::csv_reader(std::string_view text) : text_(text)
{
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (text_.starts_with(byte_order_mark))
        at_ = byte_order_mark.size();
}

bool csv_reader::at_line_end() const
{
    return at_ == text_.size() || text_[at_] == '\n' ||
           (text_[at_] == '\r' && (at_ + 1 == text_.size() || text_[at_ + 1] == '\n'));
}

bool csv_reader::only_empty_lines_left() const
{
    return text_.find_first_not_of("\r\n", at_) == std::string_view::npos;
}

std::string_view csv_reader::plain_field()
{
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n')
        ++at_;
    std::size_t end = at_;
    // The CR of a CRLF belongs to the line's end; the caller takes it from there.
    if (end > begin && text_[end - 1] == '\r' && (at_ == text_.size() || text_[at_] == '\n'))
        --end;
    at_ = end;
    return text_.substr(begin, end - begin);
}

std::string_view csv_reader::quoted_field()
{
    const std::size_t begin = ++at_;
    bool escapes = false;
    for (;; ++at_) {
        if (at_ == text_.size())
            throw csv_error(line_, "a quoted field is not closed");
        if (text_[at_] == '\n')
            ++next_line_;
        if (text_[at_] != '"')
            continue;
        if (at_ + 1 == text_.size() || text_[at_ + 1] != '"')
            break;
        escapes = true;
        ++at_;
    }
    const std::string_view raw = text_.substr(begin, at_ - begin);
    ++at_;
    if (!at_line_end() && text_[at_] != ',')
        throw csv_error(line_, "text follows a quoted field");
    if (!escapes)
        return raw;
    std::string plain;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        plain += raw[i];
        if (raw[i] == '"')
            ++i;
    }
    return unescaped_.emplace_back(std::move(plain));
}

bool csv_reader::next()
{
    if (only_empty_lines_left())
        return false;
    line_ = next_line_;
    if (at_line_end())
        throw csv_error(line_, "the line is empty");
    fields_.clear();
    unescaped_.clear();
    for (;;) {
        const bool quoted = at_ < text_.size() && text_[at_] == '"';
        fields_.push_back(quoted ? quoted_field() : plain_field());
        if (at_ == text_.size() || text_[at_] != ',')
            break;
        ++at_;
    }
    if (at_ < text_.size() && text_[at_] == '\r')
        ++at_;
    if (at_ < text_.size())
        ++at_;
    ++next_line_;
    return true;
}

} // namespace tradecore::app::market
