// SPDX-License-Identifier: Apache-2.0
// Any bytes in any slices: the messages that come out are those of a reader that has all bytes at once, and memory
// follows what was received.
#include "pg/protocol/receive_buffer.hpp"

#include "harness/bytes.hpp"
#include "harness/require.hpp"

#include <string>
#include <vector>

namespace {

using namespace tradecore;
using fuzz::require;
using framing = pg::protocol::receive_buffer::framing;

constexpr std::size_t largest = 3000;

struct cut_out {
    std::vector<std::pair<char, std::string>> messages;
    bool malformed = false;
    bool operator==(const cut_out&) const = default;
};

cut_out all_at_once(std::string_view bytes)
{
    cut_out found;
    while (bytes.size() >= 5) {
        std::size_t length = 0;
        for (std::size_t i = 1; i < 5; ++i)
            length = length * 256 + static_cast<unsigned char>(bytes[i]);
        if (length < 4 || length > largest) {
            found.malformed = true;
            break;
        }
        if (bytes.size() < length + 1)
            break;
        found.messages.emplace_back(bytes[0], bytes.substr(5, length - 4));
        bytes.remove_prefix(length + 1);
    }
    return found;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::byte_source slices(data, size);
    const auto sizes = slices.some(); // then the bytes themselves
    const auto bytes = slices.rest();

    pg::protocol::receive_buffer buffer(largest);
    cut_out found;
    std::size_t given = 0;
    for (std::size_t turn = 0; given < bytes.size() && !found.malformed; ++turn) {
        const auto space = buffer.space();
        require(!space.empty(), "there is room to receive into");
        require(space.size() <= std::size_t{16} * 1024 + 4 * given, "memory follows what was received");
        const std::size_t wanted =
            sizes.empty() ? bytes.size() : 1U + static_cast<unsigned char>(sizes[turn % sizes.size()]);
        const auto slice = bytes.substr(given, std::min(wanted, space.size()));
        slice.copy(space.data(), slice.size());
        buffer.received(slice.size());
        given += slice.size();

        pg::protocol::message next{};
        auto seen = framing::complete;
        while ((seen = buffer.next(next)) == framing::complete)
            found.messages.emplace_back(static_cast<char>(next.type), next.payload);
        found.malformed = seen == framing::malformed;
    }
    // A malformed length ends the reading, but what was complete before it has come out.
    const auto expected = all_at_once(bytes.substr(0, given));
    require(found == expected, "slices make no difference");
    return 0;
}
