// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/link.hpp"

#include "pg/protocol/frontend.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <cassert>
#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// PostgreSQL never sends a message beyond 1 GiB: it is the limit of one value and of one row.
constexpr std::size_t largest_message = std::size_t{1} << 30U;

bool ends_the_session(const diagnostics& said)
{
    return said.severity == "FATAL" || said.severity == "PANIC";
}

} // namespace

link::link(socket_type socket, std::string peer)
    : abandonable(asio::query(socket.get_executor(), asio::execution::context)), socket_(std::move(socket)),
      peer_(std::move(peer)), incoming_(largest_message), deadline_timer_(std::in_place, socket_->get_executor())
{}

link::~link() = default;

void link::start()
{
    read();
}

void link::queue(std::shared_ptr<exchange> added)
{
    assert(is_open());
    watch_deadline(added->deadline);
    exchanges_.push_back(std::move(added));
    if (!dispatching_)
        flush_soon();
}

asio::awaitable<void> link::wait(std::shared_ptr<exchange> awaited)
{
    if (!awaited->finished()) {
        auto initiate = [self = shared_from_this(), awaited](exchange::handler_type handler) {
            if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
                slot.assign([weak_link = std::weak_ptr(self), weak = std::weak_ptr(awaited)](asio::cancellation_type) {
                    const auto cancelled = weak.lock();
                    const auto owner = weak_link.lock();
                    if (!cancelled || !owner || cancelled->finished())
                        return;
                    cancelled->fail(
                        std::make_exception_ptr(boost::system::system_error(asio::error::operation_aborted)));
                    owner->close(std::make_exception_ptr(connection_error(
                        client_errc::connection_closed,
                        "the connection was closed because a statement on it was cancelled")));
                });
            }
            awaited->wait_with(std::move(handler));
        };
        co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(std::move(initiate), asio::use_awaitable);
    }
    if (awaited->failure())
        std::rethrow_exception(awaited->failure());
}

void link::require_open() const
{
    if (is_open())
        return;
    std::string why = "the connection to " + peer_ + " is closed";
    try {
        std::rethrow_exception(closed_because_);
    }
    catch (const std::exception& reason) {
        why += std::string(": ") + reason.what();
    }
    throw connection_error(client_errc::connection_closed, why);
}

void link::close(std::exception_ptr why) noexcept
{
    if (!is_open())
        return;
    closed_because_ = std::move(why);
    error_code ignored;
    socket_->close(ignored);
    deadline_timer_->cancel();
    const auto unanswered = std::exchange(exchanges_, {});
    for (const auto& waiting : unanswered)
        waiting->fail(closed_because_);
}

void link::terminate() noexcept
{
    if (!is_open())
        return;
    // Only between messages: after half a message the goodbye would be read as its rest.
    if (!write_waits_ && outgoing_.empty()) {
        std::string goodbye;
        protocol::write_terminate(goodbye);
        error_code ignored;
        socket_->write_some(asio::buffer(goodbye), ignored);
    }
    close(std::make_exception_ptr(
        connection_error(client_errc::connection_closed, "the connection was closed by its owner")));
}

void link::abandon() noexcept
{
    // Whoever holds the connection may outlive the context; what belongs to it must not.
    if (is_open())
        closed_because_ = std::make_exception_ptr(
            connection_error(client_errc::connection_closed, "the event loop of the connection has ended"));
    socket_.reset();
    deadline_timer_.reset();
    const auto unanswered = std::exchange(exchanges_, {});
    for (const auto& waiting : unanswered)
        waiting->abandon();
}

void link::read()
{
    const auto space = incoming_.space();
    socket_->async_read_some(
        asio::buffer(space.data(), space.size()),
        [self = shared_from_this()](error_code error, std::size_t count) { self->on_read(error, count); });
}

void link::on_read(const error_code& error, std::size_t count)
{
    if (!is_open())
        return;
    if (error) {
        const bool ended = error == asio::error::eof;
        close(
            farewell_ ? make_server_error(*farewell_, {})
                      : std::make_exception_ptr(connection_error(
                            client_errc::connection_closed,
                            "the connection to " + peer_ +
                                (ended ? " was closed by the server" : " was lost: " + error.message()),
                            error)));
        return;
    }
    incoming_.received(count);
    auto framing = protocol::receive_buffer::framing::incomplete;
    dispatching_ = true;
    try {
        framing = dispatch_all();
    }
    catch (...) {
        // A notice handler, or memory: half a message was handled, so nothing after it can be.
        close(std::current_exception());
    }
    dispatching_ = false;
    if (!is_open())
        return;
    if (framing == protocol::receive_buffer::framing::malformed)
        return fail_protocol("a message with an impossible length");
    flush();
    if (is_open())
        read();
}

protocol::receive_buffer::framing link::dispatch_all()
{
    protocol::message next{};
    auto framing = protocol::receive_buffer::framing::incomplete;
    while (is_open() && (framing = incoming_.next(next)) == protocol::receive_buffer::framing::complete)
        dispatch(next);
    return framing;
}

void link::dispatch(const protocol::message& incoming)
{
    switch (incoming.type) {
    case protocol::backend::parameter_status: {
        const auto changed = protocol::read_parameter_status(incoming.payload);
        if (!changed)
            return fail_protocol("malformed ParameterStatus");
        parameters.insert_or_assign(std::string(changed->name), std::string(changed->value));
        return;
    }
    case protocol::backend::notice_response: {
        const auto notice = protocol::read_diagnostics(incoming.payload);
        if (!notice)
            return fail_protocol("malformed NoticeResponse");
        if (on_notice)
            on_notice(*notice);
        return;
    }
    case protocol::backend::notification_response:
        return; // nobody listens on these connections
    case protocol::backend::error_response:
        if (auto said = protocol::read_diagnostics(incoming.payload); said && ends_the_session(*said))
            farewell_ = std::move(said);
        break;
    default:
        break;
    }
    dispatch_to_exchange(incoming);
}

void link::dispatch_to_exchange(const protocol::message& incoming)
{
    if (exchanges_.empty()) {
        if (farewell_)
            return; // the server says why it is about to close
        return fail_protocol("a message nobody asked for");
    }
    auto& machine = exchanges_.front()->machine();
    if (incoming.type == protocol::backend::ready_for_query) {
        const auto now = protocol::read_ready_for_query(incoming.payload);
        if (!now)
            return fail_protocol("malformed ReadyForQuery");
        status = static_cast<transaction_status>(*now);
    }
    auto wanted = machine.on_message(incoming);
    switch (wanted.next) {
    case fsm::action::read:
        return;
    case fsm::action::send:
        outgoing_ += wanted.bytes;
        return;
    case fsm::action::done:
        end_exchange();
        return;
    case fsm::action::violation:
        fail_protocol(wanted.bytes);
        return;
    }
}

void link::end_exchange()
{
    const auto ended = std::move(exchanges_.front());
    exchanges_.pop_front();
    ended->finish();
}

void link::flush_soon()
{
    if (flush_posted_ || write_waits_)
        return;
    flush_posted_ = true;
    asio::post(socket_->get_executor(), [self = shared_from_this()] {
        self->flush_posted_ = false;
        self->flush();
    });
}

void link::flush()
{
    if (write_waits_ || outgoing_.empty() || !is_open())
        return;
    error_code error;
    const std::size_t written = socket_->write_some(asio::buffer(outgoing_), error);
    if (!error && written == outgoing_.size()) {
        outgoing_.clear();
        return;
    }
    // A write error is not reported here: what the server said before it went away is still to be read.
    if (error && error != asio::error::would_block && error != asio::error::try_again) {
        outgoing_.clear();
        return;
    }
    writing_.assign(outgoing_, written, std::string::npos);
    outgoing_.clear();
    write_waits_ = true;
    asio::async_write(*socket_, asio::buffer(writing_), [self = shared_from_this()](error_code failed, std::size_t) {
        self->write_waits_ = false;
        self->writing_.clear();
        if (!failed)
            self->flush();
    });
}

void link::watch_deadline(exchange::clock::time_point deadline)
{
    if (deadline >= watched_deadline_)
        return;
    watched_deadline_ = deadline;
    deadline_timer_->expires_at(deadline);
    deadline_timer_->async_wait([self = shared_from_this()](const error_code& error) {
        if (!error)
            self->on_deadline();
    });
}

void link::on_deadline()
{
    if (!is_open())
        return;
    watched_deadline_ = exchange::no_deadline;
    const auto now = exchange::clock::now();
    auto earliest = exchange::no_deadline;
    for (const auto& waiting : exchanges_) {
        if (waiting->deadline <= now)
            return close(std::make_exception_ptr(
                timeout_error("no answer from " + peer_ + " within the time limit; the connection was closed")));
        earliest = std::min(earliest, waiting->deadline);
    }
    if (earliest != exchange::no_deadline)
        watch_deadline(earliest);
}

void link::fail_protocol(std::string_view what) noexcept
{
    close(std::make_exception_ptr(protocol_error("protocol violation by " + peer_ + ": " + std::string(what))));
}

} // namespace tradecore::pg::engine
