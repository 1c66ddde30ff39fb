// SPDX-License-Identifier: Apache-2.0
#include "../../support/backend.hpp"
#include "pg/engine/tls_channel.hpp"
#include "pg/fsm/startup.hpp"
#include "pg/protocol/frontend.hpp"
#include "pg/protocol/receive_buffer.hpp"
#include "secure_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <array>
#include <string>

namespace {

using namespace tradecore;
using namespace tradecore::test;
namespace asio = boost::asio;

/// A TLS connection driven step by step, so that the test can change what the server says on its way to the machine.
class tapped_connection {
public:
    explicit tapped_connection(std::uint16_t port) : channel_(context())
    {
        socket_.connect({asio::ip::make_address("127.0.0.1"), port});
        std::string request;
        pg::protocol::write_ssl_request(request);
        asio::write(socket_, asio::buffer(request));
        std::array<char, 1> answer{};
        asio::read(socket_, asio::buffer(answer));
        EXPECT_EQ(answer[0], 'S');
        while (!channel_.handshake())
            exchange();
        send({});
    }

    [[nodiscard]] std::string end_point() const { return channel_.end_point(); }
    void send(std::string_view text)
    {
        channel_.write(text);
        asio::write(socket_, asio::buffer(std::exchange(channel_.outgoing(), {})));
    }
    pg::protocol::message next()
    {
        pg::protocol::message message{};
        while (messages_.next(message) != pg::protocol::receive_buffer::framing::complete) {
            const auto space = messages_.space();
            const auto count = channel_.read(space);
            messages_.received(count);
            if (count == 0)
                exchange();
        }
        return message;
    }

private:
    static std::shared_ptr<const pg::engine::tls_context> context()
    {
        pg::tls_options options;
        options.mode = pg::ssl_mode::require;
        return std::make_shared<const pg::engine::tls_context>(options, pg::host_address{.host = "localhost"});
    }
    void exchange()
    {
        asio::write(socket_, asio::buffer(std::exchange(channel_.outgoing(), {})));
        const auto count = socket_.read_some(asio::buffer(received_));
        channel_.receive({received_.data(), count});
    }

    asio::io_context loop_;
    asio::ip::tcp::socket socket_{loop_};
    pg::engine::tls_channel channel_;
    pg::protocol::receive_buffer messages_{1U << 20U};
    std::array<char, 4096> received_{};
};

TEST(downgrade, of_channel_binding_is_found_out_by_the_server)
{
    auto& server = secure_server::instance();
    for (const bool tampers : {false, true}) {
        tapped_connection connection(server.port());
        pg::fsm::login as;
        as.password = pg::auth::secret(secure_password);
        as.nonce = pg::fsm::scram_client::fresh_nonce();
        as.encrypted = true;
        as.end_point = connection.end_point();
        pg::fsm::startup machine(server.tcp("sec_scram"), as);
        std::string out;
        machine.begin(out);
        connection.send(out);

        // Somebody takes the binding out of what the server offers.
        auto offer = connection.next();
        ASSERT_EQ(offer.type, pg::protocol::backend::authentication);
        const std::string without_binding = backend::i32(10) + std::string("SCRAM-SHA-256\0\0", 15);
        if (tampers)
            offer.payload = without_binding;
        auto reply = machine.on_message(offer);
        while (reply.next == pg::fsm::action::send || reply.next == pg::fsm::action::read) {
            connection.send(reply.bytes);
            auto message = connection.next();
            while (message.type == pg::protocol::backend::parameter_status)
                message = connection.next();
            reply = machine.on_message(message);
        }
        EXPECT_EQ(reply.next, pg::fsm::action::done) << reply.bytes;
        EXPECT_EQ(machine.authenticated(), !tampers);
        ASSERT_EQ(machine.refusal().has_value(), tampers);
        if (tampers)
            EXPECT_NE(machine.refusal()->message.find("channel binding"), std::string::npos)
                << machine.refusal()->message;
    }
}

} // namespace
