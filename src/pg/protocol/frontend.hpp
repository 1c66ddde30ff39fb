// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/parameters.hpp>
#include <tradecore/pg/type_info.hpp>
#include <tradecore/pg/vocabulary.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Writers of the messages a client sends (PostgreSQL documentation, "Message Formats"). Each appends
/// one message to `out`, and leaves it unchanged when it throws.
/// Errors: argument_error as `message_length`.
namespace tradecore::pg::protocol {

/// @param payload how many bytes follow the type and the length.
/// @returns the length that a message states: of the payload and of itself.
/// @throws argument_error when it is more than a server takes: it would hang up (PostgreSQL's source,
///         PQ_LARGE_MESSAGE_LIMIT).
[[nodiscard]] std::uint32_t message_length(std::size_t payload);

/// @throws argument_error when a server would find it too long (PostgreSQL's source, MAX_STARTUP_PACKET_LENGTH).
void write_startup(std::string& out, std::span<const std::pair<std::string, std::string>> settings);
/// Asks whether the server will speak TLS; it answers with one byte.
void write_ssl_request(std::string& out);
/// The only message of a connection made to stop another session's statement.
void write_cancel_request(std::string& out, std::int32_t pid, std::int32_t secret);
/// A password, in clear text or hashed as the server asked.
void write_password(std::string& out, std::string_view password);
void write_sasl_initial_response(std::string& out, std::string_view mechanism, std::string_view data);
void write_sasl_response(std::string& out, std::string_view data);

/// A simple query: one or more statements in one text.
void write_query(std::string& out, std::string_view text);

/// @param name of the prepared statement; empty for the unnamed one.
/// @param types of the parameters; the server infers what is not given.
void write_parse(std::string& out, std::string_view name, std::string_view text, std::span<const oid> types = {});
void write_describe_statement(std::string& out, std::string_view name);
void write_describe_portal(std::string& out, std::string_view portal);
void write_close_statement(std::string& out, std::string_view name);

/// Binds a prepared statement to the unnamed portal; results are asked for in binary, or in text where
/// `result_formats` says so.
/// @throws argument_error also when an argument does not fit its parameter.
void write_bind(
    std::string& out, std::string_view statement, const parameters& arguments, const parameter_types& types,
    std::span<const std::int16_t> result_formats);
/// The same for a portal with a name.
void write_bind_portal(
    std::string& out, std::string_view portal, std::string_view statement, const parameters& arguments,
    const parameter_types& types, std::span<const std::int16_t> result_formats);
void write_close_portal(std::string& out, std::string_view portal);
/// Runs the unnamed portal to its end.
void write_execute(std::string& out);
/// Runs a portal on.
/// @param most how many rows it may return before it is suspended; 0 for all.
void write_execute_portal(std::string& out, std::string_view portal, std::int32_t most);
void write_sync(std::string& out);
inline constexpr std::size_t length_of_sync = 1 + 4;
/// Asks the server to send what it has to say, without ending the series of messages.
void write_flush(std::string& out);
void write_terminate(std::string& out);
void write_copy_data(std::string& out, std::string_view data);
void write_copy_done(std::string& out);
void write_copy_fail(std::string& out, std::string_view reason);

} // namespace tradecore::pg::protocol
