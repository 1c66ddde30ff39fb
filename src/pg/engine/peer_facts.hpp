// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>

#include <memory>
#include <string>

namespace tradecore::pg::engine {

class tls_context;

/// What a connection remembers of its server, so that a second socket reaches the very same one.
struct peer_facts {
    /// The address that was connected to: a name could lead somewhere else the next time.
    boost::asio::generic::stream_protocol::endpoint address;
    /// How messages call the server.
    std::string name;
    /// How the connection is encrypted; null when it is not.
    std::shared_ptr<const tls_context> tls{};
    /// Whom the server's process must belong to; empty: anybody (`require_peer`).
    std::string process_user{};
};

} // namespace tradecore::pg::engine
