// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/embedded/options.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::embedded {

inline constexpr std::string_view superuser = "tradecore";

/// The longest path of a Unix socket: `sockaddr_un::sun_path` less its closing zero.
inline constexpr std::size_t longest_socket_path = 107;

/// What: a configuration file's text for the server.
/// Errors: `error` that names a setting whose name or value cannot stand in the file.
std::string postgresql_conf(
    const options& wanted, std::uint16_t port, const std::filesystem::path& folder,
    const std::filesystem::path& socket_folder);

/// What: who may connect: these users by the name the kernel gives for them, and nobody else.
std::string pg_hba_conf(const options& wanted);
std::string pg_ident_conf(const std::vector<std::string>& users);

/// What: the path of the socket in a folder.
std::filesystem::path socket_path(const std::filesystem::path& folder, std::uint16_t port);

/// Whether a socket can live in the folder: short enough, and written in configuration lists without quoting.
bool usable_socket_folder(const std::filesystem::path& folder, std::uint16_t port);

/// What: a URI for a database on a socket; every byte that is not plain is percent-encoded.
std::string
socket_dsn(std::string_view user, std::string_view database, const std::filesystem::path& folder, std::uint16_t port);

} // namespace tradecore::embedded
