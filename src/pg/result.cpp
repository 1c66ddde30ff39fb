// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/result.hpp>

#include <charconv>

namespace tradecore::pg {

std::uint64_t command_tag::rows_affected() const noexcept
{
    const auto tag = text();
    const auto space = tag.rfind(' ');
    if (space == std::string_view::npos) {
        return 0;
    }
    std::uint64_t count = 0;
    const char* const end = tag.data() + tag.size();
    const auto [stop, failed] = std::from_chars(tag.data() + space + 1, end, count);
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

} // namespace tradecore::pg
