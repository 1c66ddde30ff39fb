// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/error_code.hpp>

#include <string_view>

namespace tradecore::pg::detail {

[[nodiscard]] std::string_view disposition_name(disposition what) noexcept;
[[nodiscard]] bool server_has(sqlstate code, disposition what) noexcept;
[[nodiscard]] bool client_has(client_errc code, disposition what) noexcept;

} // namespace tradecore::pg::detail
