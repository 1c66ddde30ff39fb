// SPDX-License-Identifier: Apache-2.0
#include "pg/protocol/execution_frame.hpp"

#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/byte_order.hpp>

#include <algorithm>

namespace tradecore::pg::protocol {

namespace {

// From here on growing step by step would move the bytes several times.
constexpr std::size_t large = std::size_t{64} * 1024;
constexpr std::size_t bytes_of_type = 1;
constexpr std::size_t bytes_of_header = 5;
constexpr std::size_t bytes_of_sync = 5;

} // namespace

execution_frame::execution_frame(
    std::string_view statement, std::span<const std::int16_t> result_formats, bool described)
{
    before_ = std::string("B\0\0\0\0\0", 6); // type, length, the unnamed portal
    before_.append(statement).push_back('\0');
    // One format stands for all columns, however many there turn out to be.
    const bool same = std::ranges::adjacent_find(result_formats, std::ranges::not_equal_to()) == result_formats.end();
    const auto formats = same ? result_formats.first(std::min<std::size_t>(result_formats.size(), 1)) : result_formats;
    detail::append(after_, static_cast<std::uint16_t>(formats.size()));
    for (const auto format : formats)
        detail::append(after_, format);
    formats_ = after_.size();
    if (described)
        after_.append("D\0\0\0\6P\0", 7);
    write_execute(after_);
    write_sync(after_);
}

void execution_frame::write(
    std::string& out, const parameters& arguments, const parameter_types& types, bool synced) const
{
    const auto start = out.size();
    if (arguments.byte_size() > large)
        out.reserve(start + before_.size() + arguments.byte_size() + 8 * arguments.size() + after_.size() + large);
    out.append(before_);
    try {
        arguments.write_bind(out, types.ids(), types.known().get());
        const auto length = message_length(out.size() - start - bytes_of_header + formats_);
        detail::store(out.data() + start + bytes_of_type, length);
        out.append(after_.data(), after_.size() - (synced ? 0 : bytes_of_sync));
    }
    catch (...) {
        out.resize(start);
        throw;
    }
}

} // namespace tradecore::pg::protocol
