// SPDX-License-Identifier: Apache-2.0
// The filter that is TLS, with any bytes of the wire in any slices: nothing is believed, and what is wrong is said in
// one way.
#include "harness/bytes.hpp"
#include "harness/require.hpp"
#include "pg/engine/tls_channel.hpp"

#include <tradecore/pg/error.hpp>

#include <array>
#include <memory>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace tradecore;
    static const auto context = std::make_shared<const pg::engine::tls_context>(
        pg::tls_options{.mode = pg::ssl_mode::require},
        pg::host_address{.host = "db.example", .hostaddr = {}, .port = 5432});
    fuzz::byte_source input(data, size);
    pg::engine::tls_channel channel(context);
    try {
        bool complete = channel.handshake();
        fuzz::require(!complete && !channel.outgoing().empty(), "the client begins");
        while (!input.empty()) {
            const std::string slice(input.take(1U + input.u8()));
            channel.receive(slice);
            complete = channel.handshake();
            fuzz::require(!complete, "nobody without a key gets through");
        }
    }
    catch (const pg::connection_error& failed) {
        fuzz::require(failed.code() == pg::client_errc::tls_failed, "an error of TLS is called one");
    }
    fuzz::require(channel.outgoing().size() < 1U << 16U, "a handshake is not answered without measure");
    return 0;
}
