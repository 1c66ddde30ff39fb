// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/field_traits_array.hpp>

#include <algorithm>
#include <limits>

namespace tradecore::pg::detail {

namespace {

constexpr std::string_view blanks = " \t\n\r\v\f";

bool is_null_word(std::string_view text) noexcept
{
    constexpr std::string_view word = "NULL";
    return std::equal(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) {
        return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
    });
}

} // namespace

array_reader::array_reader(const field& from, std::string_view cpp_type)
    : from_(&from), cpp_type_(cpp_type), rest_(from.bytes())
{
    if (from.format() == wire_format::text) {
        open_text();
    }
    else {
        open_binary();
    }
}

// The header is: number of dimensions, whether there are NULLs, element type; then each dimension's size
// and lower bound. (array_send in the server's arrayfuncs.c)
void array_reader::open_binary()
{
    constexpr std::size_t fixed = 12;
    constexpr std::size_t per_dimension = 8;
    if (rest_.size() < fixed) {
        malformed();
    }
    const auto dimensions = load<std::int32_t>(rest_);
    element_type_ = load<oid>(rest_, 8);
    rest_.remove_prefix(fixed);
    if (dimensions == 0 && rest_.empty()) {
        return;
    }
    if (dimensions > 1) {
        from_->refuse(cpp_type_, "the array has " + std::to_string(dimensions) + " dimensions");
    }
    if (dimensions < 1 || rest_.size() < per_dimension) {
        malformed();
    }
    const auto count = load<std::int32_t>(rest_);
    rest_.remove_prefix(per_dimension);
    // Each element takes four bytes at least, which bounds what may be reserved.
    if (count < 0 || static_cast<std::size_t>(count) > rest_.size() / 4) {
        malformed();
    }
    expected_ = static_cast<std::size_t>(count);
    left_ = expected_;
}

void array_reader::open_text()
{
    element_type_ = array_element(from_->type());
    if (rest_.starts_with('[')) {
        // [2:4]={…}: bounds that do not begin at 1 are written out.
        const auto equals = rest_.find('=');
        const auto bounds = rest_.substr(0, equals);
        if (equals == std::string_view::npos) {
            malformed();
        }
        const auto dimensions = std::count(bounds.begin(), bounds.end(), '[');
        if (dimensions > 1) {
            from_->refuse(cpp_type_, "the array has " + std::to_string(dimensions) + " dimensions");
        }
        rest_.remove_prefix(equals + 1);
    }
    if (rest_.size() < 2 || rest_.front() != '{' || rest_.back() != '}') {
        malformed();
    }
    rest_ = rest_.substr(1, rest_.size() - 2);
    if (rest_.starts_with('{')) {
        from_->refuse(cpp_type_, "the array has more than one dimension");
    }
}

bool array_reader::next()
{
    return from_->format() == wire_format::text ? next_text() : next_binary();
}

bool array_reader::next_binary()
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
    length_ = load<std::int32_t>(rest_);
    rest_.remove_prefix(4);
    if (length_ < -1 || (length_ > 0 && static_cast<std::size_t>(length_) > rest_.size())) {
        malformed();
    }
    data_ = rest_.data();
    rest_.remove_prefix(length_ > 0 ? static_cast<std::size_t>(length_) : 0);
    return true;
}

bool array_reader::next_text()
{
    if (rest_.empty()) {
        return false;
    }
    if (!first_) {
        if (rest_.front() != ',') {
            malformed();
        }
        rest_.remove_prefix(1);
    }
    first_ = false;
    rest_.remove_prefix(std::min(rest_.find_first_not_of(blanks), rest_.size()));
    unescaped_.clear();
    if (rest_.starts_with('"')) {
        read_quoted();
    }
    else {
        read_plain();
    }
    return true;
}

void array_reader::read_quoted()
{
    rest_.remove_prefix(1);
    for (;;) {
        if (rest_.starts_with('\\')) {
            rest_.remove_prefix(1);
        }
        else if (rest_.starts_with('"')) {
            rest_.remove_prefix(1);
            break;
        }
        if (rest_.empty()) {
            malformed();
        }
        unescaped_ += rest_.front();
        rest_.remove_prefix(1);
    }
    data_ = unescaped_.data();
    length_ = static_cast<std::int32_t>(unescaped_.size());
}

void array_reader::read_plain()
{
    while (!rest_.empty() && rest_.front() != ',') {
        if (rest_.front() == '{' || rest_.front() == '}' || rest_.front() == '"') {
            malformed();
        }
        if (rest_.front() == '\\') {
            rest_.remove_prefix(1);
            if (rest_.empty()) {
                malformed();
            }
        }
        unescaped_ += rest_.front();
        rest_.remove_prefix(1);
    }
    if (unescaped_.empty()) {
        malformed();
    }
    data_ = unescaped_.data();
    length_ = is_null_word(unescaped_) ? -1 : static_cast<std::int32_t>(unescaped_.size());
}

void array_reader::malformed() const
{
    from_->refuse(cpp_type_, "malformed array");
}

} // namespace tradecore::pg::detail
