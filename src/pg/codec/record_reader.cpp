// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/record_reader.hpp>
#include <tradecore/pg/type_names.hpp>

#include <algorithm>

namespace tradecore::pg::detail {

record_reader::record_reader(const field& from, std::string_view cpp_type)
    : from_(&from), cpp_type_(cpp_type), rest_(from.bytes()), attributes_(from.sql_type().attributes())
{
    if (from.depth() >= max_nesting) {
        from.refuse(cpp_type, "values lie in values too deep");
    }
    if (from.format() == wire_format::text) {
        open_text();
    }
    else {
        open_binary();
    }
    if (from.type() != oids::record && size_ != attributes_.size()) {
        from.refuse(
            cpp_type,
            "the value has " + std::to_string(size_) + " attributes, its type " + std::to_string(attributes_.size()));
    }
}

void record_reader::malformed() const
{
    from_->refuse(cpp_type_, "malformed record");
}

void record_reader::refuse_attribute(std::string_view what) const
{
    const auto index = at_ - 1;
    const auto known = name(index);
    throw type_error(
        std::string(what) + " (attribute " +
        (known.empty() ? std::to_string(index + 1) : "\"" + std::string(known) + "\"") + " of " +
        from_->sql_type().describe() + ")");
}

void record_reader::require_size(std::size_t wanted) const
{
    if (size_ != wanted) {
        from_->refuse(
            cpp_type_,
            "the value has " + std::to_string(size_) + " attributes where " + std::to_string(wanted) + " are wanted");
    }
}

// Number of attributes; then each one's type, length and bytes. (record_send in the server's rowtypes.c)
void record_reader::open_binary()
{
    constexpr std::size_t per_attribute = 8;
    if (rest_.size() < 4) {
        malformed();
    }
    const auto count = load<std::int32_t>(rest_);
    rest_.remove_prefix(4);
    if (count < 0 || static_cast<std::size_t>(count) > rest_.size() / per_attribute) {
        malformed();
    }
    size_ = static_cast<std::size_t>(count);
}

field record_reader::next()
{
    auto taken = from_->format() == wire_format::text ? next_text() : next_binary();
    ++at_;
    return taken;
}

field record_reader::next_binary()
{
    if (rest_.size() < 8) {
        malformed();
    }
    const type_ref type(load<oid>(rest_), from_->of().known.get());
    const auto length = load<std::int32_t>(rest_, 4);
    rest_.remove_prefix(8);
    if (length < -1 || (length > 0 && static_cast<std::size_t>(length) > rest_.size())) {
        malformed();
    }
    const auto* const data = rest_.data();
    rest_.remove_prefix(length > 0 ? static_cast<std::size_t>(length) : 0);
    as_expected_ = at_ < attributes_.size() && attributes_[at_].type == type.id();
    return {*from_, type.base(), data, length};
}

// The text of an anonymous record does not say of which types its attributes are: they are text then.
field record_reader::next_text()
{
    const auto& one = elements_[at_];
    as_expected_ = at_ < attributes_.size();
    const auto type =
        as_expected_ ? type_ref(attributes_[at_].type, from_->of().known.get()).base() : type_ref(oids::unknown);
    return {*from_, type, unescaped_.data() + one.offset, one.length};
}

void record_reader::finish() const
{
    if (!rest_.empty()) {
        malformed();
    }
}

// (1,"a ""b""",): nothing at all is NULL. (record_out in rowtypes.c)
void record_reader::open_text()
{
    if (rest_.size() < 2 || rest_.front() != '(' || rest_.back() != ')') {
        malformed();
    }
    rest_ = rest_.substr(1, rest_.size() - 2);
    // A type without attributes and one with a single NULL print the same.
    if (rest_.empty() && attributes_.empty() && from_->type() != oids::record) {
        return;
    }
    for (;;) {
        read_element();
        if (rest_.empty()) {
            break;
        }
        rest_.remove_prefix(1); // the comma
    }
    size_ = elements_.size();
}

void record_reader::read_element()
{
    const auto offset = unescaped_.size();
    bool quoted = false;
    bool is_null = true;
    while (!rest_.empty() && (quoted || rest_.front() != ',')) {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        is_null = false;
        if (c == '\\') {
            if (rest_.empty()) {
                malformed();
            }
            unescaped_ += rest_.front();
            rest_.remove_prefix(1);
        }
        else if (c == '"' && quoted && rest_.starts_with('"')) {
            unescaped_ += '"';
            rest_.remove_prefix(1);
        }
        else if (c == '"') {
            quoted = !quoted;
        }
        else if (!quoted && (c == '(' || c == ')')) {
            malformed();
        }
        else {
            unescaped_ += c;
        }
    }
    if (quoted) {
        malformed();
    }
    elements_.push_back({offset, is_null ? -1 : static_cast<std::int32_t>(unescaped_.size() - offset)});
}

type_ref attribute_type(const type_ref& composite, std::string_view name) noexcept
{
    const auto attributes = composite.attributes();
    const auto found = std::ranges::find(attributes, name, &type_info::attribute::name);
    return {found == attributes.end() ? oid{0} : found->type, composite.known()};
}

} // namespace tradecore::pg::detail
