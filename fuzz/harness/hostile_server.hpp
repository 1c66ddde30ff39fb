// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tradecore::fuzz {

/// The server's side of one session, driven step by step from outside: says any bytes and listens to none. Plain system
/// calls that never wait, so that a run is bounded by its steps and not by a clock.
class hostile_server {
public:
    hostile_server();
    hostile_server(const hostile_server&) = delete;
    hostile_server& operator=(const hostile_server&) = delete;
    hostile_server(hostile_server&&) = delete;
    hostile_server& operator=(hostile_server&&) = delete;
    ~hostile_server();

    /// @returns what `host_address::host` must be.
    [[nodiscard]] static const std::string& host();

    /// Takes connections: the first is the session, later ones are closed at once, as requests to cancel are. Throws
    /// away what the client has said.
    /// @returns whether anything had come.
    bool listen();
    /// @returns whether there is a session to say something to.
    [[nodiscard]] bool has_session() const noexcept { return session_ >= 0; }
    /// Says as much of `bytes` as the client takes.
    void say(std::string_view bytes);
    void hang_up();

private:
    int session_ = -1;
    bool hung_up_ = false;
};

} // namespace tradecore::fuzz
