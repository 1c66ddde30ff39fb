// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/arguments.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tradecore::bench {

/// A socket with a session of PostgreSQL at its end. What goes wrong ends the program.
class null_session {
public:
    explicit null_session(const arguments& where);
    ~null_session();
    null_session(const null_session&) = delete;
    null_session& operator=(const null_session&) = delete;

    [[nodiscard]] int descriptor() const noexcept { return socket_; }

    /// Sends all of it; waits for room where there is none.
    void send(std::string_view bytes);
    /// Prepares a statement called "s" and waits until the server is ready.
    void prepare(std::string_view sql);
    /// Runs a command by the simple protocol and waits until the server is ready.
    void run(std::string_view sql);
    /// Reads once, as much as there is.
    /// @returns how many messages of type `wanted` have come with it; 0 too when nothing was there.
    std::size_t receive(char wanted);
    /// Reads until a message of type `wanted` has come.
    void receive_until(char wanted);
    void make_non_blocking();

private:
    static constexpr std::size_t capacity = std::size_t{128} * 1024;

    int socket_;
    std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(capacity);
    std::size_t filled_ = 0; // bytes of a message that is not complete
};

} // namespace tradecore::bench
