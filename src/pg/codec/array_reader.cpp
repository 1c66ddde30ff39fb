// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/array_reader.hpp>
#include <tradecore/pg/type_names.hpp>

#include <algorithm>
#include <charconv>
#include <limits>

namespace tradecore::pg::detail {

namespace {

constexpr std::string_view blanks = " \t\n\r\v\f";
constexpr std::size_t max_rank = 6; // MAXDIM of the server

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
    if (from.depth() >= max_nesting) {
        from.refuse(cpp_type, "values lie in values too deep");
    }
    const auto element = from.sql_type().element();
    element_type_ = element.base();
    if (from.format() == wire_format::text) {
        delimiter_ = element.delimiter();
        open_text();
    }
    else {
        open_binary();
    }
}

void array_reader::malformed() const
{
    from_->refuse(cpp_type_, "malformed array");
}

void array_reader::require_rank(std::size_t rank) const
{
    if (!dimensions_.empty() && dimensions_.size() != rank) {
        from_->refuse(
            cpp_type_, "the array has " + std::to_string(dimensions_.size()) +
                           (dimensions_.size() == 1 ? " dimension" : " dimensions"));
    }
}

void array_reader::add_dimension(std::int32_t size, std::int32_t lower_bound)
{
    if (size < 1 || dimensions_.size() == max_rank) {
        malformed();
    }
    dimensions_.push_back({size, lower_bound});
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
    const auto rank = load<std::int32_t>(rest_);
    const type_ref element(load<oid>(rest_, 8), from_->of().known.get());
    rest_.remove_prefix(fixed);
    if (element.base() != element_type_) {
        from_->refuse(cpp_type_, "the elements are of type " + element.describe());
    }
    if (rank < 0 || static_cast<std::size_t>(rank) > max_rank ||
        rest_.size() < per_dimension * static_cast<std::size_t>(rank)) {
        malformed();
    }
    count_ = rank == 0 ? 0 : 1;
    for (std::int32_t i = 0; i < rank; ++i) {
        add_dimension(load<std::int32_t>(rest_), load<std::int32_t>(rest_, 4));
        rest_.remove_prefix(per_dimension);
        if (__builtin_mul_overflow(count_, static_cast<std::size_t>(dimensions_.back().size), &count_)) {
            malformed();
        }
    }
    // Each element takes four bytes at least, which bounds what may be reserved.
    if (count_ > rest_.size() / 4) {
        malformed();
    }
}

field array_reader::next()
{
    if (from_->format() == wire_format::text) {
        const auto& one = elements_[at_++];
        return {*from_, element_type_, unescaped_.data() + one.offset, one.length};
    }
    if (rest_.size() < 4) {
        malformed();
    }
    const auto length = load<std::int32_t>(rest_);
    rest_.remove_prefix(4);
    if (length < -1 || (length > 0 && static_cast<std::size_t>(length) > rest_.size())) {
        malformed();
    }
    const auto* const data = rest_.data();
    rest_.remove_prefix(length > 0 ? static_cast<std::size_t>(length) : 0);
    return {*from_, element_type_, data, length};
}

void array_reader::finish() const
{
    if (!rest_.empty()) {
        malformed();
    }
}

void array_reader::skip_blanks() noexcept
{
    rest_.remove_prefix(std::min(rest_.find_first_not_of(blanks), rest_.size()));
}

// {1,2}, {{1,2},{3,4}}, and [2:3][-1:0]={{…}} where a bound is not 1. (array_out in arrayfuncs.c)
void array_reader::open_text()
{
    boost::container::static_vector<array_dimension, max_rank> bounds;
    if (rest_.starts_with('[')) {
        read_bounds();
        bounds = dimensions_;
        dimensions_.clear();
    }
    if (rest_ == "{}") {
        rest_ = {};
        return;
    }
    read_level(0);
    for (auto& one : dimensions_) {
        if (one.size < 1) {
            malformed();
        }
    }
    if (!bounds.empty()) {
        const bool same = std::ranges::equal(bounds, dimensions_, {}, &array_dimension::size, &array_dimension::size);
        if (!same) {
            malformed();
        }
        dimensions_ = bounds;
    }
    count_ = elements_.size();
}

void array_reader::read_bounds()
{
    const auto number = [this](std::int32_t& to, char end) {
        const auto [stop, failed] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), to);
        rest_.remove_prefix(static_cast<std::size_t>(stop - rest_.data()));
        if (failed != std::errc{} || !rest_.starts_with(end)) {
            malformed();
        }
        rest_.remove_prefix(1);
    };
    while (rest_.starts_with('[')) {
        rest_.remove_prefix(1);
        std::int32_t lower = 0;
        std::int32_t upper = 0;
        number(lower, ':');
        number(upper, ']');
        const auto size = std::int64_t{upper} - lower + 1;
        if (size > std::numeric_limits<std::int32_t>::max()) {
            malformed();
        }
        add_dimension(static_cast<std::int32_t>(size), lower);
    }
    if (!rest_.starts_with('=')) {
        malformed();
    }
    rest_.remove_prefix(1);
}

// Reads {…}. The first way down says how many dimensions there are, the first of each level how large it is.
void array_reader::read_level(std::size_t level)
{
    if (!rest_.starts_with('{') || level == max_rank) {
        malformed();
    }
    rest_.remove_prefix(1);
    const bool first_way_down = level == dimensions_.size();
    if (first_way_down) {
        if (deepest_ != 0) {
            malformed();
        }
        dimensions_.push_back({-1, 1});
    }
    std::int32_t size = 0;
    for (;;) {
        skip_blanks();
        if (rest_.starts_with('{')) {
            read_level(level + 1);
        }
        else {
            if (deepest_ == 0) {
                deepest_ = level + 1;
            }
            if (deepest_ != level + 1) {
                malformed();
            }
            read_element();
        }
        ++size;
        skip_blanks();
        if (rest_.starts_with('}')) {
            break;
        }
        if (!rest_.starts_with(delimiter_)) {
            malformed();
        }
        rest_.remove_prefix(1);
    }
    rest_.remove_prefix(1);
    auto& known = dimensions_[level].size;
    if (known < 0) {
        known = size;
    }
    else if (known != size) {
        malformed();
    }
}

void array_reader::read_element()
{
    const auto offset = unescaped_.size();
    if (rest_.starts_with('"')) {
        read_quoted();
        elements_.push_back({offset, static_cast<std::int32_t>(unescaped_.size() - offset)});
        return;
    }
    const auto before = rest_;
    read_plain();
    const auto written = before.substr(0, before.size() - rest_.size());
    const auto length = static_cast<std::int32_t>(unescaped_.size() - offset);
    elements_.push_back({offset, is_null_word(written) ? -1 : length});
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
            return;
        }
        if (rest_.empty()) {
            malformed();
        }
        unescaped_ += rest_.front();
        rest_.remove_prefix(1);
    }
}

void array_reader::read_plain()
{
    const auto offset = unescaped_.size();
    while (!rest_.empty() && rest_.front() != delimiter_ && rest_.front() != '}') {
        if (rest_.front() == '{' || rest_.front() == '"') {
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
    if (unescaped_.size() == offset) {
        malformed();
    }
}

} // namespace tradecore::pg::detail
