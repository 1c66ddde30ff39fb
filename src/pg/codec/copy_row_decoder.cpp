// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/copy_binary.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/error.hpp>

#include <algorithm>
#include <cstdint>

namespace tradecore::pg::detail {

namespace {

constexpr std::size_t flags_at = copy_signature.size();
constexpr std::size_t extension_length_at = flags_at + 4;
constexpr std::size_t header_size = extension_length_at + 4;
// The upper half says what a reader must understand; nothing is defined there any more (bit 16 was OIDs).
constexpr std::uint32_t critical_flags = 0xFFFF'0000;
// The server's limit of one value.
constexpr std::int32_t largest_value = 0x4000'0000;

[[noreturn]] void refuse(const std::string& what)
{
    throw protocol_error("malformed binary COPY data: " + what);
}

} // namespace

void copy_row_decoder::feed(std::string_view data, result& into)
{
    if (rest_.empty()) {
        // Nearly always whole rows: nothing is kept.
        const auto used = take(data, into);
        rest_.assign(data.substr(used));
        return;
    }
    rest_.append(data);
    if (rest_.size() < needs_)
        return;
    const auto used = take(rest_, into);
    rest_.erase(0, used);
}

std::size_t copy_row_decoder::take(std::string_view data, result& into)
{
    std::size_t used = 0;
    needs_ = 0;
    if (state_ == state::header) {
        const auto known = std::min(data.size(), copy_signature.size());
        if (data.substr(0, known) != copy_signature.substr(0, known))
            refuse("no signature");
        if (data.size() < header_size)
            return 0;
        if ((load<std::uint32_t>(data, flags_at) & critical_flags) != 0)
            refuse("a header that needs a newer reader");
        const auto extension = load<std::int32_t>(data, extension_length_at);
        if (extension < 0)
            refuse("a header of negative length");
        extension_ = static_cast<std::size_t>(extension);
        used = header_size;
        state_ = state::extension;
    }
    if (state_ == state::extension) {
        const auto skipped = std::min(extension_, data.size() - used);
        extension_ -= skipped;
        used += skipped;
        if (extension_ > 0)
            return used;
        state_ = state::rows;
    }
    while (state_ == state::rows) {
        const auto taken = take_row(data.substr(used), into);
        if (taken == 0)
            return used;
        used += taken;
    }
    if (used != data.size())
        refuse("something behind its end");
    return used;
}

std::size_t copy_row_decoder::take_row(std::string_view data, result& into)
{
    if (data.size() < 2)
        return 0;
    const auto count = load<std::int16_t>(data);
    if (count == -1) {
        state_ = state::ended;
        return 2;
    }
    if (count < 0 || static_cast<std::size_t>(count) != into.columns().size())
        refuse(
            "a row of " + std::to_string(count) + " fields for " + std::to_string(into.columns().size()) + " columns");
    std::size_t end = 2;
    for (std::int16_t i = 0; i < count; ++i) {
        if (data.size() - end < 4) {
            needs_ = end + 4;
            return 0;
        }
        const auto length = load<std::int32_t>(data, end);
        if (length < -1 || length > largest_value)
            refuse("a field of impossible length");
        end += 4;
        if (length <= 0)
            continue;
        if (data.size() - end < static_cast<std::size_t>(length)) {
            needs_ = end + static_cast<std::size_t>(length);
            return 0;
        }
        end += static_cast<std::size_t>(length);
    }
    // What a DataRow holds is the same.
    if (!into.append_row(data.substr(0, end)))
        refuse("a row that does not fit its columns");
    return end;
}

void copy_row_decoder::finish() const
{
    if (state_ != state::ended)
        refuse("it stops before its end");
}

} // namespace tradecore::pg::detail
