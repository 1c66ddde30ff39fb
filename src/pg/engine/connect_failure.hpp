// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/error.hpp>

#include <boost/system/error_code.hpp>

#include <exception>
#include <string>
#include <vector>

namespace tradecore::pg::engine {

/// Throws what an I/O error during connecting means: `operation_aborted` as itself, for it is the caller's own wish;
/// anything else as a `connection_error`.
/// @param server as messages call it. @param doing what failed, such as "the socket"; may be empty.
[[noreturn]] void
throw_cannot_connect(const std::string& server, const std::string& doing, const boost::system::error_code& error);

/// @returns the error of a host that took too long.
/// @param doing what was waited for.
[[nodiscard]] timeout_error too_slow(const std::string& server, const std::string& doing);

/// @returns whether a failure is about the host that was tried, not about the caller: a cancellation, memory, an
///          error of the user's own.
[[nodiscard]] bool is_about_host(const std::exception_ptr& failure);

/// @returns whether after this failure of one host the next one is worth trying. A refusal that the next would repeat
///          (a wrong password, no such database, a certificate that is not believed) is not: it would only be hidden.
[[nodiscard]] bool is_worth_another_host(const std::exception_ptr& failure);

/// Throws the failures of several attempts as one: of the most telling one's type and code, with the reason of each in
/// its message. A single failure is thrown as it is, and so is one that is not about a host.
/// @param attempts what they were, such as "no host of 2 will do". @param failures not empty, in their order.
[[noreturn]] void throw_together(const std::string& attempts, const std::vector<std::exception_ptr>& failures);

} // namespace tradecore::pg::engine
