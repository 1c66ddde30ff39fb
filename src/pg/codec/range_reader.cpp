// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/range_reader.hpp>
#include <tradecore/pg/codec/range_traits.hpp>

namespace tradecore::pg::detail {

namespace {

constexpr std::string_view blanks = " \t\n\r\v\f";

} // namespace

range_reader::range_reader(const field& from, std::string_view cpp_type)
    : from_(&from), cpp_type_(cpp_type), element_(from.sql_type().element().base())
{
    if (from.format() == wire_format::text) {
        open_text();
    }
    else {
        open_binary();
    }
}

// One byte of flags; then each bound that there is, with its length. (range_send in the server's
// rangetypes.c)
void range_reader::open_binary()
{
    auto rest = from_->bytes();
    if (rest.empty()) {
        malformed();
    }
    const auto flags = static_cast<std::uint8_t>(rest.front());
    rest.remove_prefix(1);
    const auto has = [flags](std::uint8_t bit) { return (flags & bit) != 0; };
    empty_ = has(range_empty);
    if (!empty_) {
        if (!has(range_lower_unbounded)) {
            lower_ = take_binary(rest);
        }
        if (!has(range_upper_unbounded)) {
            upper_ = take_binary(rest);
        }
        bounds_ = static_cast<range_bounds>((has(range_lower_within) ? 1 : 0) | (has(range_upper_within) ? 2 : 0));
    }
    if (!rest.empty()) {
        malformed();
    }
}

std::optional<std::string_view> range_reader::take_binary(std::string_view& rest) const
{
    if (rest.size() < 4) {
        malformed();
    }
    const auto length = load<std::int32_t>(rest);
    rest.remove_prefix(4);
    if (length < 0 || static_cast<std::size_t>(length) > rest.size()) {
        malformed();
    }
    const auto bytes = rest.substr(0, static_cast<std::size_t>(length));
    rest.remove_prefix(bytes.size());
    return bytes;
}

void range_reader::open_text()
{
    auto rest = from_->bytes();
    if (rest == "empty") {
        empty_ = true;
        return;
    }
    if (rest.empty() || (rest.front() != '[' && rest.front() != '(')) {
        malformed();
    }
    int bounds = rest.front() == '[' ? 1 : 0;
    rest.remove_prefix(1);
    lower_ = take_text(rest, lower_text_);
    if (!rest.starts_with(',')) {
        malformed();
    }
    rest.remove_prefix(1);
    upper_ = take_text(rest, upper_text_);
    if (rest != "]" && rest != ")") {
        malformed();
    }
    bounds |= rest == "]" ? 2 : 0;
    bounds_ = static_cast<range_bounds>(bounds);
}

// A bound is quoted where it has to be; a quote in it is doubled or stands behind a backslash. Nothing at
// all is no bound.
std::optional<std::string_view> range_reader::take_text(std::string_view& rest, std::string& unescaped) const
{
    bool quoted = false;
    bool any = false;
    while (!rest.empty()) {
        char c = rest.front();
        if (!quoted && (c == ',' || c == ')' || c == ']')) {
            break;
        }
        rest.remove_prefix(1);
        any = true;
        if (c == '"') {
            if (quoted && rest.starts_with('"')) {
                rest.remove_prefix(1);
            }
            else {
                quoted = !quoted;
                continue;
            }
        }
        else if (c == '\\') {
            if (rest.empty()) {
                malformed();
            }
            c = rest.front();
            rest.remove_prefix(1);
        }
        unescaped += c;
    }
    if (quoted || rest.empty()) {
        malformed();
    }
    return any ? std::optional<std::string_view>(unescaped) : std::nullopt;
}

void range_reader::malformed() const
{
    from_->refuse(cpp_type_, "malformed range");
}

// The number of ranges; each with its length. (multirange_send in the server's multirangetypes.c)
multirange_reader::multirange_reader(const field& from, std::string_view cpp_type)
    : from_(&from), cpp_type_(cpp_type), element_(from.sql_type().element()), rest_(from.bytes())
{
    if (from.format() == wire_format::text) {
        if (rest_.size() < 2 || rest_.front() != '{' || rest_.back() != '}') {
            malformed();
        }
        rest_ = rest_.substr(1, rest_.size() - 2);
        return;
    }
    if (rest_.size() < 4) {
        malformed();
    }
    left_ = load<std::int32_t>(rest_);
    rest_.remove_prefix(4);
    if (left_ < 0) {
        malformed();
    }
}

bool multirange_reader::next()
{
    return from_->format() == wire_format::text ? next_text() : next_binary();
}

bool multirange_reader::next_binary()
{
    if (left_ == 0) {
        if (!rest_.empty()) {
            malformed();
        }
        return false;
    }
    --left_;
    if (rest_.size() < 4) {
        malformed();
    }
    const auto length = load<std::int32_t>(rest_);
    rest_.remove_prefix(4);
    if (length < 0 || static_cast<std::size_t>(length) > rest_.size()) {
        malformed();
    }
    current_ = rest_.substr(0, static_cast<std::size_t>(length));
    rest_.remove_prefix(current_.size());
    return true;
}

// Each range goes up to the bracket that closes it, which is none within quotes or behind a backslash.
bool multirange_reader::next_text()
{
    rest_.remove_prefix(std::min(rest_.find_first_not_of(blanks), rest_.size()));
    if (rest_.empty()) {
        return false;
    }
    if (!first_) {
        if (!rest_.starts_with(',')) {
            malformed();
        }
        rest_.remove_prefix(1);
    }
    first_ = false;
    bool quoted = false;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
        switch (rest_[i]) {
        case '\\':
            ++i;
            break;
        case '"':
            quoted = !quoted;
            break;
        case ')':
        case ']':
            if (!quoted) {
                current_ = rest_.substr(0, i + 1);
                rest_.remove_prefix(i + 1);
                return true;
            }
            break;
        default:
            break;
        }
    }
    malformed();
}

void multirange_reader::malformed() const
{
    from_->refuse(cpp_type_, "malformed multirange");
}

} // namespace tradecore::pg::detail
