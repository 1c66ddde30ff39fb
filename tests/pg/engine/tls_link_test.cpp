// SPDX-License-Identifier: Apache-2.0
#include "../support/memory_tls_server.hpp"
#include "pg/engine/link.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace {

using namespace tradecore;
using namespace tradecore::test;
namespace asio = boost::asio;

TEST(tls_link, tells_the_server_why_it_hangs_up)
{
    asio::io_context context(1);
    asio::local::stream_protocol::socket ours(context);
    asio::local::stream_protocol::socket theirs(context);
    asio::local::connect_pair(ours, theirs);
    ours.non_blocking(true);

    pg::tls_options options;
    options.mode = pg::ssl_mode::require;
    memory_tls_server server(make_certificate({.common_name = "db.example"}));
    auto channel = std::make_unique<pg::engine::tls_channel>(
        std::make_shared<const pg::engine::tls_context>(options, pg::host_address{.host = "db.example"}));
    shake_hands(*channel, server);
    const auto link = std::make_shared<pg::engine::link>(std::move(ours), "db.example", std::move(channel));
    link->start();

    auto changed = server.encrypt("the balance is 100");
    changed.back() = static_cast<char>(~changed.back());
    asio::write(theirs, asio::buffer(changed));
    context.run();
    EXPECT_FALSE(link->is_open());
    std::string last_words;
    boost::system::error_code end;
    asio::read(theirs, asio::dynamic_buffer(last_words), end);
    EXPECT_EQ(end, asio::error::eof);
    ERR_clear_error();
    server.answer(last_words);
    EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
}

} // namespace
