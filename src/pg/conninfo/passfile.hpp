// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/connect_options.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg::conninfo {

/// What a password file said.
struct passfile_answer {
    /// None when no line is for this connection; may be empty.
    std::optional<std::string> password;
    /// Why the file was not used although it is there, naming it; empty when it was used or does not exist.
    std::string ignored;
};

/// Looks the password for a host up in `options.passfile`. Reads the file anew each time, so that passwords can change.
/// A file that its group or others may read, write or run is ignored, as is what is no plain file.
/// Blocks for as long as a small local file takes.
/// Source: PostgreSQL documentation, "The Password File".
[[nodiscard]] passfile_answer look_up_password(const connect_options& options, const host_address& host);

/// The same in the text of a file: the first line `host:port:database:user:password` that fits, where `*` fits all
/// and a backslash takes what follows as it is; lines that begin with # are comments.
[[nodiscard]] std::optional<std::string>
find_password(std::string_view text, const host_address& host, std::string_view database, std::string_view user);

} // namespace tradecore::pg::conninfo
