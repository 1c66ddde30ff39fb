// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string_view>

namespace tradecore::detail {

/// @returns an error of the same type with the same facts whose `what()` ends in " (" + `note` + ")". The error
///          itself, which others may hold, is not touched. Errors that are not this library's come back as they are.
[[nodiscard]] std::exception_ptr with_note(const std::exception_ptr& error, std::string_view note) noexcept;

} // namespace tradecore::detail
