// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Readers of the messages a server sends. Each returns nothing when the payload is malformed; none
/// reserves more memory than the payload's size justifies.
namespace tradecore::pg::protocol {

/// What an Authentication message asks for.
enum class authentication : std::int32_t {
    ok = 0,
    kerberos_v5 = 2,
    cleartext_password = 3,
    md5_password = 5,
    gss = 7,
    gss_continue = 8,
    sspi = 9,
    sasl = 10,
    sasl_continue = 11,
    sasl_final = 12,
};

struct authentication_request {
    authentication method;
    std::string_view data;
};

struct parameter_status {
    std::string_view name;
    std::string_view value;
};

struct backend_key {
    std::int32_t pid;
    std::int32_t secret;
};

/// What CopyInResponse and CopyOutResponse say of the data that follows.
struct copy_format {
    bool binary;
    std::size_t columns;
};

/// A NotificationResponse.
struct notification_message {
    std::int32_t pid;
    std::string_view channel;
    std::string_view payload;
};

[[nodiscard]] std::optional<authentication_request> read_authentication(std::string_view payload);
[[nodiscard]] std::optional<parameter_status> read_parameter_status(std::string_view payload);
[[nodiscard]] std::optional<backend_key> read_backend_key(std::string_view payload);
/// @returns 'I', 'T' or 'E'.
[[nodiscard]] std::optional<char> read_ready_for_query(std::string_view payload);
/// ErrorResponse and NoticeResponse.
[[nodiscard]] std::optional<diagnostics> read_diagnostics(std::string_view payload);
[[nodiscard]] std::optional<std::vector<oid>> read_parameter_description(std::string_view payload);
[[nodiscard]] std::optional<row_description> read_row_description(std::string_view payload);
/// Puts other formats into a well-formed RowDescription.
void set_formats(std::string& row_description, std::span<const std::int16_t> formats);
/// @returns the tag of a CommandComplete.
[[nodiscard]] std::optional<std::string_view> read_command_tag(std::string_view payload);
[[nodiscard]] std::optional<copy_format> read_copy_format(std::string_view payload);
[[nodiscard]] std::optional<notification_message> read_notification(std::string_view payload);

} // namespace tradecore::pg::protocol
