// SPDX-License-Identifier: Apache-2.0
#include "harness/messages.hpp"

#include "harness/require.hpp"
#include "pg/support/backend.hpp"

namespace tradecore::fuzz {

namespace {

namespace backend = test::backend;

constexpr std::string_view known_types = "RK23CWdcGHDIEvnNAtS1sZT";

const std::vector<std::string>& usual_messages()
{
    static const std::vector<std::string> messages = {
        backend::parse_complete(),
        backend::bind_complete(),
        backend::no_data(),
        backend::ready(),
        backend::ready('T'),
        backend::ready('E'),
        backend::complete("SELECT 1"),
        backend::complete("COPY 2"),
        backend::columns({{"n", 23}}),
        backend::columns({{"n", 23}}, 0),
        backend::row({backend::i32(7)}),
        backend::row({}),
        backend::parameters({}),
        backend::parameters({23}),
        backend::error("42601", "syntax error"),
        backend::error("57014", "canceling statement due to user request"),
        backend::error("57P01", "terminating connection due to administrator command", "FATAL"),
        backend::notice("01000", "by the way"),
        backend::status("TimeZone", "UTC"),
        backend::message('s', {}),
        backend::message('3', {}),
        backend::message('I', {}),
        backend::message('c', {}),
        backend::message('G', std::string("\1\0\1\0\1", 5)),
        backend::message('H', std::string("\1\0\1\0\1", 5)),
        backend::message('H', std::string(3, '\0')),
        backend::message('d', "1\n"),
        backend::message('A', backend::i32(1) + backend::c_string("channel") + backend::c_string("payload")),
        backend::authentication_ok(),
        backend::key(1, 2),
    };
    return messages;
}

} // namespace

std::string next_message(byte_source& input)
{
    if (input.empty())
        return {};
    const auto type = input.u8();
    if (type >= 0x80)
        return usual_messages()[type % usual_messages().size()];
    const bool known = known_types.find(static_cast<char>(type)) != std::string_view::npos;
    const auto size = input.u16();
    return backend::message(known ? static_cast<char>(type) : known_types[type % known_types.size()], input.take(size));
}

std::string all_messages(byte_source& input)
{
    std::string bytes;
    while (!input.empty())
        bytes += next_message(input);
    return bytes;
}

std::string types_of_client_messages(std::string_view bytes, bool first)
{
    std::string types;
    while (!bytes.empty()) {
        if (first)
            types += ' ';
        else {
            types += bytes.front();
            bytes.remove_prefix(1);
        }
        first = false;
        require(bytes.size() >= 4, "a message of the client has a length");
        std::size_t length = 0;
        for (std::size_t i = 0; i < 4; ++i)
            length = length * 256 + static_cast<unsigned char>(bytes[i]);
        require(length >= 4 && length <= bytes.size(), "a message of the client is as long as it says");
        bytes.remove_prefix(length);
    }
    return types;
}

} // namespace tradecore::fuzz
