// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/result.hpp>

#include <charconv>

namespace tradecore::pg {

std::uint64_t command_tag::rows_affected() const noexcept
{
    const auto space = text_.rfind(' ');
    if (space == std::string::npos) {
        return 0;
    }
    std::uint64_t count = 0;
    const char* const end = text_.data() + text_.size();
    const auto [stop, failed] = std::from_chars(text_.data() + space + 1, end, count);
    return failed == std::errc{} && stop == end ? count : 0;
}

field row::operator[](std::string_view name) const
{
    const auto& all = columns();
    std::size_t found = all.size();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].name != name) {
            continue;
        }
        if (found != all.size()) {
            throw type_error("more than one column is called \"" + std::string(name) + "\"");
        }
        found = i;
    }
    if (found == all.size()) {
        throw type_error("no column is called \"" + std::string(name) + "\"");
    }
    return owner_->at(index_, found);
}

field row::operator[](std::size_t position) const
{
    if (position >= size()) {
        throw type_error("no column at position " + std::to_string(position) + " of " + std::to_string(size()));
    }
    return owner_->at(index_, position);
}

std::size_t row::size() const noexcept
{
    return columns().size();
}

const row_description& row::columns() const noexcept
{
    return owner_->columns();
}

const row_description& result::columns() const noexcept
{
    static const row_description none;
    return columns_ ? *columns_ : none;
}

field result::at(std::size_t row, std::size_t column) const noexcept
{
    const auto& place = slots_[rows_[row] + column];
    return {(*columns_)[column], data_.data() + place.offset, place.length};
}

bool result::append_row(std::string_view payload)
{
    if (payload.size() < 2) {
        return false;
    }
    const auto count = detail::load<std::uint16_t>(payload);
    if (count != columns().size()) {
        return false;
    }
    // Nothing is kept of a row that turns out to be malformed.
    const auto first_slot = slots_.size();
    const auto base = data_.size();
    std::size_t at = 2;
    for (std::size_t i = 0; i < count; ++i) {
        std::int32_t length = -1;
        if (payload.size() - at >= 4) {
            length = detail::load<std::int32_t>(payload, at);
            at += 4;
        }
        else {
            slots_.resize(first_slot);
            return false;
        }
        if (length < -1 || (length > 0 && static_cast<std::size_t>(length) > payload.size() - at)) {
            slots_.resize(first_slot);
            return false;
        }
        slots_.push_back({base + at, length});
        at += length > 0 ? static_cast<std::size_t>(length) : 0;
    }
    if (at != payload.size()) {
        slots_.resize(first_slot);
        return false;
    }
    data_.append(payload);
    rows_.push_back(first_slot);
    return true;
}

} // namespace tradecore::pg
