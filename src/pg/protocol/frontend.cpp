// SPDX-License-Identifier: Apache-2.0
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/error.hpp>

#include <cstddef>
#include <string>

namespace tradecore::pg::protocol {

namespace {

constexpr std::int32_t protocol_version_3_0 = 3 << 16;
// They stand where a start-up message has its version.
constexpr std::int32_t cancel_request_code = (1234 << 16) | 5678;
constexpr std::int32_t ssl_request_code = (1234 << 16) | 5679;

// PQ_LARGE_MESSAGE_LIMIT of the server: MaxAllocSize - 1. It hangs up when a message states more.
constexpr std::size_t longest_message = 0x3FFF'FFFE;
constexpr std::size_t bytes_of_length = 4;
// MAX_STARTUP_PACKET_LENGTH of the server, which hangs up without a word.
constexpr std::size_t longest_startup = 10'000;

void put_i16(std::string& out, std::int16_t value)
{
    const auto bits = static_cast<std::uint16_t>(value);
    out.push_back(static_cast<char>(bits >> 8U));
    out.push_back(static_cast<char>(bits));
}

void put_i32(std::string& out, std::int32_t value)
{
    const auto bits = static_cast<std::uint32_t>(value);
    for (unsigned shift = 32; shift > 0;) {
        shift -= 8;
        out.push_back(static_cast<char>(bits >> shift));
    }
}

void put_c_string(std::string& out, std::string_view text)
{
    out.append(text);
    out.push_back('\0');
}

/// Writes type and length around whatever is appended during its life; takes it all back when the
/// message cannot be completed.
class frame {
public:
    frame(std::string& out, char type) : out_(out), start_(out.size())
    {
        if (type != '\0')
            out_.push_back(type);
        length_at_ = out_.size();
        out_.append(bytes_of_length, '\0');
    }
    frame(const frame&) = delete;
    frame& operator=(const frame&) = delete;
    frame(frame&&) = delete;
    frame& operator=(frame&&) = delete;
    ~frame()
    {
        if (!closed_)
            out_.resize(start_);
    }

    [[nodiscard]] std::size_t payload() const noexcept { return out_.size() - length_at_ - bytes_of_length; }

    void close()
    {
        const auto length = message_length(payload());
        for (unsigned i = 0; i < bytes_of_length; ++i)
            out_[length_at_ + i] = static_cast<char>(length >> (24U - 8U * i));
        closed_ = true;
    }

private:
    std::string& out_;
    std::size_t start_;
    std::size_t length_at_ = 0;
    bool closed_ = false;
};

void write_text_message(std::string& out, char type, std::string_view text)
{
    frame message(out, type);
    put_c_string(out, text);
    message.close();
}

void write_on_statement(std::string& out, char type, std::string_view name)
{
    frame message(out, type);
    out.push_back('S');
    put_c_string(out, name);
    message.close();
}

} // namespace

std::uint32_t message_length(std::size_t payload)
{
    if (payload > longest_message - bytes_of_length)
        throw argument_error(
            "a message to the server would take " + std::to_string(payload) +
            " bytes; the server takes less than 1 GiB");
    return static_cast<std::uint32_t>(payload + bytes_of_length);
}

void write_startup(std::string& out, std::span<const std::pair<std::string, std::string>> settings)
{
    frame message(out, '\0');
    put_i32(out, protocol_version_3_0);
    for (const auto& [name, value] : settings) {
        put_c_string(out, name);
        put_c_string(out, value);
    }
    out.push_back('\0');
    if (message.payload() > longest_startup)
        throw argument_error(
            "the settings that begin a session take " + std::to_string(message.payload()) +
            " bytes; the server takes at most " + std::to_string(longest_startup));
    message.close();
}

void write_ssl_request(std::string& out)
{
    frame message(out, '\0');
    put_i32(out, ssl_request_code);
    message.close();
}

void write_cancel_request(std::string& out, std::int32_t pid, std::int32_t secret)
{
    frame message(out, '\0');
    put_i32(out, cancel_request_code);
    put_i32(out, pid);
    put_i32(out, secret);
    message.close();
}

void write_password(std::string& out, std::string_view password)
{
    write_text_message(out, 'p', password);
}

void write_sasl_initial_response(std::string& out, std::string_view mechanism, std::string_view data)
{
    frame message(out, 'p');
    put_c_string(out, mechanism);
    put_i32(out, static_cast<std::int32_t>(data.size()));
    out.append(data);
    message.close();
}

void write_sasl_response(std::string& out, std::string_view data)
{
    frame message(out, 'p');
    out.append(data);
    message.close();
}

void write_query(std::string& out, std::string_view text)
{
    (void)message_length(text.size() + 1); // before it is copied
    write_text_message(out, 'Q', text);
}

void write_parse(std::string& out, std::string_view name, std::string_view text, std::span<const oid> types)
{
    (void)message_length(name.size() + text.size() + 2); // before they are copied
    frame message(out, 'P');
    put_c_string(out, name);
    put_c_string(out, text);
    put_i16(out, static_cast<std::int16_t>(types.size()));
    for (const auto type : types)
        put_i32(out, static_cast<std::int32_t>(type));
    message.close();
}

void write_describe_statement(std::string& out, std::string_view name)
{
    write_on_statement(out, 'D', name);
}

void write_describe_portal(std::string& out, std::string_view portal)
{
    frame message(out, 'D');
    out.push_back('P');
    put_c_string(out, portal);
    message.close();
}

void write_close_statement(std::string& out, std::string_view name)
{
    write_on_statement(out, 'C', name);
}

void write_bind(
    std::string& out, std::string_view statement, const parameters& arguments, const parameter_types& types,
    std::span<const std::int16_t> result_formats)
{
    write_bind_portal(out, {}, statement, arguments, types, result_formats);
}

void write_bind_portal(
    std::string& out, std::string_view portal, std::string_view statement, const parameters& arguments,
    const parameter_types& types, std::span<const std::int16_t> result_formats)
{
    frame message(out, 'B');
    put_c_string(out, portal);
    put_c_string(out, statement);
    arguments.write_bind(out, types.ids(), types.known().get());
    put_i16(out, static_cast<std::int16_t>(result_formats.size()));
    for (const auto format : result_formats)
        put_i16(out, format);
    message.close();
}

void write_close_portal(std::string& out, std::string_view portal)
{
    frame message(out, 'C');
    out.push_back('P');
    put_c_string(out, portal);
    message.close();
}

void write_execute(std::string& out)
{
    write_execute_portal(out, {}, 0);
}

void write_execute_portal(std::string& out, std::string_view portal, std::int32_t most)
{
    frame message(out, 'E');
    put_c_string(out, portal);
    put_i32(out, most);
    message.close();
}

void write_sync(std::string& out)
{
    out.append(std::string_view("S\0\0\0\4", 5));
}

void write_flush(std::string& out)
{
    out.append(std::string_view("H\0\0\0\4", 5));
}

void write_terminate(std::string& out)
{
    out.append(std::string_view("X\0\0\0\4", 5));
}

void write_copy_data(std::string& out, std::string_view data)
{
    (void)message_length(data.size()); // before it is copied
    frame message(out, 'd');
    out.append(data);
    message.close();
}

void write_copy_done(std::string& out)
{
    out.append(std::string_view("c\0\0\0\4", 5));
}

void write_copy_fail(std::string& out, std::string_view reason)
{
    write_text_message(out, 'f', reason);
}

} // namespace tradecore::pg::protocol
