// SPDX-License-Identifier: Apache-2.0
// Each reader of a server's message, with any payload.
#include "pg/protocol/backend_messages.hpp"

#include "harness/bytes.hpp"
#include "harness/require.hpp"

namespace {

using namespace tradecore;
using fuzz::require;

void read(char type, std::string_view payload)
{
    using namespace pg::protocol;
    switch (type) {
    case 'R':
        if (const auto request = read_authentication(payload))
            require(request->data.size() + 4 == payload.size(), "all data is there");
        break;
    case 'S':
        if (const auto status = read_parameter_status(payload))
            require(status->name.size() + status->value.size() + 2 == payload.size(), "name and value are all");
        break;
    case 'K':
        require(read_backend_key(payload).has_value() == (payload.size() == 8), "a key is eight bytes");
        break;
    case 'Z':
        (void)read_ready_for_query(payload);
        break;
    case 'E':
        if (const auto said = read_diagnostics(payload)) {
            const auto length = said->message.size() + said->detail.size() + said->hint.size() + said->where.size();
            require(length <= payload.size(), "no text comes from nowhere");
        }
        break;
    case 't':
        if (const auto types = read_parameter_description(payload))
            require(types->size() * 4 + 2 == payload.size(), "each parameter has a type");
        break;
    case 'T':
        if (const auto columns = read_row_description(payload)) {
            std::size_t length = 2;
            for (const auto& column : *columns)
                length += column.name.size() + 1 + 18;
            require(length == payload.size(), "columns are all there is");
        }
        break;
    case 'C':
        if (const auto tag = read_command_tag(payload)) {
            require(tag->size() + 1 == payload.size(), "the tag is all");
            (void)pg::command_tag(std::string(*tag)).rows_affected();
        }
        break;
    case 'G':
        if (const auto format = read_copy_format(payload))
            require(format->columns * 2 + 3 == payload.size(), "each column has a format");
        break;
    case 'A':
        if (const auto told = read_notification(payload))
            require(told->channel.size() + told->payload.size() + 6 == payload.size(), "channel and payload are all");
        break;
    default:
        break;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::byte_source input(data, size);
    constexpr std::string_view types = "RSKZEtTCGA";
    auto type = static_cast<char>(input.u8());
    if (types.find(type) == std::string_view::npos)
        type = types[static_cast<unsigned char>(type) % types.size()];
    read(type, input.rest());
    return 0;
}
