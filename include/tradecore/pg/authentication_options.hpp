// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/host_address.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// How a server may ask who is there.
enum class authentication_method : std::uint8_t {
    /// Not at all: it trusts, or it knows from the socket or the certificate.
    none,
    /// In clear text.
    password,
    md5,
    gss,
    sspi,
    scram_sha_256,
};

/// Which methods the server may use: a list of them, or all but a list.
/// Source: PostgreSQL documentation, libpq's `require_auth`.
class required_authentication {
public:
    /// Any method will do.
    required_authentication() = default;
    /// Only these.
    required_authentication(std::initializer_list<authentication_method> methods)
        : required_authentication(methods, false)
    {}
    [[nodiscard]] static required_authentication all_but(std::initializer_list<authentication_method> methods)
    {
        return {methods, true};
    }
    /// Reads `scram-sha-256,md5`, or with an exclamation mark before each item, all but those; empty means any.
    /// @throws std::invalid_argument naming the item that is unknown, twice there, or of the other kind.
    [[nodiscard]] static required_authentication parse(std::string_view list);

    [[nodiscard]] bool allows(authentication_method method) const noexcept
    {
        return methods_ == 0 || ((methods_ & bit(method)) != 0) != negated_;
    }
    /// @returns whether nothing is demanded.
    [[nodiscard]] bool any() const noexcept { return methods_ == 0; }
    [[nodiscard]] bool negated() const noexcept { return negated_; }
    /// @returns the list as `parse` reads it, for messages.
    [[nodiscard]] std::string text() const;

    friend bool operator==(const required_authentication&, const required_authentication&) = default;

private:
    required_authentication(std::initializer_list<authentication_method> methods, bool negated) : negated_(negated)
    {
        for (const auto method : methods)
            methods_ |= bit(method);
    }
    [[nodiscard]] static constexpr std::uint8_t bit(authentication_method method) noexcept
    {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(method));
    }

    std::uint8_t methods_ = 0;
    bool negated_ = false;
};

/// Whether SCRAM is tied to the TLS connection it runs in, so that nobody can stand in between
/// (PostgreSQL documentation, libpq's `channel_binding`).
enum class channel_binding_mode : std::uint8_t {
    disable,
    /// Where server and TLS allow it.
    prefer,
    /// Or no connection; other methods than SCRAM are refused, too.
    require,
};

/// Asked for a password at each attempt to connect, so that passwords can change while a program runs.
/// @param host the server that is about to be asked.
/// @returns the password; empty when there is none.
/// @throws whatever it likes: the attempt ends with it.
/// Cancellation: runs inside the time limit of the attempt and is cancelled by it.
/// Thread safety: called on the executor of the connection that is being made; connections of several threads may
/// call it at the same time.
using password_provider = std::function<boost::asio::awaitable<std::string>(host_address host)>;

} // namespace tradecore::pg
