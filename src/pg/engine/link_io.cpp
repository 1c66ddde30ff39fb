// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/link.hpp"
#include "pg/engine/notification_hub.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/trace.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using boost::system::error_code;
using namespace tradecore::pg::literals;
using protocol::receive_buffer;

namespace {

// What one large message needed is given back once it is sent.
constexpr std::size_t kept_capacity = std::size_t{256} * 1024;
// A record of TLS has 16 KiB of text.
constexpr std::size_t encrypted_capacity = std::size_t{20} * 1024;

// A server reports about fifteen; the longest, search_path, is a list of names.
constexpr std::size_t most_parameters = 256;
constexpr std::size_t longest_parameter = std::size_t{64} * 1024;

bool ends_the_session(const diagnostics& said)
{
    return said.severity == "FATAL" || said.severity == "PANIC";
}

// A server that is stopped at once, or restarts because another of its processes has crashed, warns its sessions and
// closes them without another word. (PostgreSQL source, quickdie() in tcop/postgres.c.)
bool warns_of_the_end(const diagnostics& said)
{
    return said.severity == "WARNING" && (said.code == "57P01"_sqlstate || said.code == "57P02"_sqlstate);
}

// UNICODE is the name that servers of old, and their descendants, have for it.
bool is_utf8(std::string_view encoding)
{
    return encoding == "UTF8" || encoding == "UNICODE";
}

void empty(std::string& buffer)
{
    if (buffer.capacity() > kept_capacity)
        std::string().swap(buffer);
    else
        buffer.clear();
}

} // namespace

// --- receiving -----------------------------------------------------------------------------------------------------

void link::read()
{
    if (tls_ && !encrypted_)
        encrypted_ = std::make_unique_for_overwrite<char[]>(encrypted_capacity);
    const auto space = tls_ ? std::span(encrypted_.get(), encrypted_capacity) : incoming_.space();
    reading_ = true;
    socket_->async_read_some(
        asio::buffer(space.data(), space.size()),
        [self = shared_from_this()](error_code error, std::size_t count) { self->on_read(error, count); });
}

void link::on_read(const error_code& received, std::size_t count)
{
    reading_ = false;
    if (!is_open())
        return;
    const auto error = tls_ && !received ? decrypt(count) : received;
    if (!is_open())
        return;
    if (error) {
        const bool ended = error == asio::error::eof;
        const auto& said = farewell_ ? farewell_ : warning_;
        close(
            said ? make_server_error(*said, {})
                 : std::make_exception_ptr(connection_error(
                       client_errc::connection_closed,
                       "the connection to " + peer_ +
                           (ended ? " was closed by the server" : " was lost: " + error.message()),
                       error)));
        return;
    }
    if (!tls_)
        incoming_.received(count);
    handle_incoming();
}

// Closes the link when what came is not what the server sent.
error_code link::decrypt(std::size_t count)
{
    std::size_t decrypted = 0;
    try {
        tls_->receive({encrypted_.get(), count});
        for (std::size_t part = 1; part > 0; decrypted += part) {
            const auto space = incoming_.space();
            part = tls_->read(space);
            incoming_.received(part);
        }
    }
    catch (...) {
        // TLS tells the server why. That is tried once, and not after half a record, which would make it unreadable.
        error_code ignored;
        if (writing_.empty())
            socket_->write_some(asio::buffer(tls_->outgoing()), ignored);
        close(std::current_exception());
    }
    return decrypted == 0 && tls_->ended() ? error_code(asio::error::eof) : error_code();
}

void link::handle_incoming()
{
    auto framing = receive_buffer::framing::incomplete;
    dispatching_ = true;
    turns_time_ = {};
    try {
        // After a pause there may be messages left; who was woken may have ended the pause.
        do {
            framing = dispatch_all();
            wake_for_progress();
        } while (framing == receive_buffer::framing::complete && is_open() && !paused_);
    }
    catch (...) {
        // A notice handler, or memory: half a message was handled, so nothing after it can be.
        close(std::current_exception());
    }
    dispatching_ = false;
    if (!is_open())
        return;
    if (framing == receive_buffer::framing::malformed)
        return fail_protocol("a message with an impossible length");
    flush();
    if (is_open() && !paused_)
        read();
}

receive_buffer::framing link::dispatch_all()
{
    protocol::message next{};
    while (is_open() && !paused_) {
        if (const auto framing = incoming_.next(next); framing != receive_buffer::framing::complete)
            return framing;
        if (next.type == protocol::backend::command_complete)
            changes.on_command(next.payload);
        if (trace || !first_ || !first_->machine().on_usual_message(next))
            dispatch(next);
    }
    return receive_buffer::framing::complete;
}

void link::dispatch(const protocol::message& incoming)
{
    if (trace)
        trace->on_message(
            tracer::direction::received, static_cast<char>(incoming.type),
            incoming.payload.size() + protocol::receive_buffer::header);
    switch (incoming.type) {
    case protocol::backend::parameter_status:
        return on_parameter_status(incoming.payload);
    case protocol::backend::notice_response: {
        const auto notice = protocol::read_diagnostics(incoming.payload);
        if (!notice)
            return fail_protocol("malformed NoticeResponse");
        if (warns_of_the_end(*notice))
            warning_ = *notice;
        if (const auto handler = on_notice)
            (*handler)(*notice);
        return;
    }
    case protocol::backend::notification_response: {
        const auto said = protocol::read_notification(incoming.payload);
        if (!said)
            return fail_protocol("malformed NotificationResponse");
        if (notifications)
            notifications->deliver(*said);
        return;
    }
    case protocol::backend::error_response:
        if (auto said = protocol::read_diagnostics(incoming.payload); said && ends_the_session(*said))
            farewell_ = std::move(said);
        break;
    default:
        break;
    }
    dispatch_to_exchange(incoming);
}

void link::on_parameter_status(std::string_view payload)
{
    const auto changed = protocol::read_parameter_status(payload);
    if (!changed)
        return fail_protocol("malformed ParameterStatus");
    if (!parameters.contains(changed->name) && parameters.size() >= most_parameters)
        return fail_protocol("more parameters than a server has");
    if (payload.size() > longest_parameter)
        return fail_protocol("a parameter longer than any server has");
    parameters.insert_or_assign(std::string(changed->name), std::string(changed->value));
    if (changed->name == "client_encoding" && !is_utf8(changed->value))
        return close(std::make_exception_ptr(connection_error(
            client_errc::connection_closed, "the connection to " + peer_ + " was closed: client_encoding is now " +
                                                std::string(changed->value) +
                                                ", and text would be corrupted; it must stay UTF8")));
    if (const auto handler = on_parameter)
        (*handler)(changed->name, changed->value);
}

void link::dispatch_to_exchange(const protocol::message& incoming)
{
    if (!first_) {
        if (farewell_)
            return; // the server says why it is about to close
        return fail_protocol("a message nobody asked for");
    }
    if (incoming.type == protocol::backend::ready_for_query) {
        const auto now = protocol::read_ready_for_query(incoming.payload);
        if (!now)
            return fail_protocol("malformed ReadyForQuery");
        status = static_cast<transaction_status>(*now);
        warning_.reset();
        changes.on_ready(status != transaction_status::idle);
        if (notifications && status == transaction_status::idle)
            notifications->on_idle();
    }
    auto& front = *first_;
    auto wanted = front.machine().on_message(incoming);
    switch (wanted.next) {
    case fsm::action::read:
        if (incoming.type == protocol::backend::ready_for_query)
            on_part_ended();
        return;
    case fsm::action::send:
        outgoing_ += wanted.bytes;
        return;
    case fsm::action::pause:
        // A server that is asked to stop does so only when it can send what it has.
        paused_ = !front.cancelled_because_;
        [[fallthrough]];
    case fsm::action::progress:
        front.progressed_ = true;
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
    auto ended = take_front();
    if (first_)
        front_changed();
    if (cancelling_ && cancelling_->target == ended)
        on_cancelled_ended();
    ended->finished_ = true;
    // Let go before its coroutine runs on, which then holds the exchange alone and can give it back for use again.
    auto resumed = std::move(ended->waiter_);
    ended.reset();
    wake(resumed);
}

// Who is resumed may throw through its completion handler. That is the event loop's matter and none of the link's.
void link::wake(waiter& who)
{
    // It may take its time before it asks for the next deadline.
    turns_time_ = {};
    try {
        who.resume_now(executor_);
    }
    catch (...) {
        asio::post(executor_, [thrown = std::current_exception()] { std::rethrow_exception(thrown); });
    }
}

void link::wake_for_progress()
{
    // Not per message: a reader of many rows runs once for all that came with one read.
    if (first_ && first_->progressed_ && first_->awaits_ == exchange::awaits::progress)
        wake(first_->waiter_);
}

void link::resume()
{
    if (!paused_)
        return;
    paused_ = false;
    if (dispatching_ || !is_open())
        return; // the loop that runs will see it
    asio::post(executor_, [self = shared_from_this()] {
        if (self->is_open() && !self->paused_ && !self->reading_)
            self->handle_incoming();
    });
}

// --- sending -------------------------------------------------------------------------------------------------------

void link::send()
{
    if (dispatching_ || flush_posted_ || write_waits_)
        return; // a flush follows anyway
    flush_posted_ = true;
    asio::post(executor_, [self = shared_from_this()] {
        self->flush_posted_ = false;
        self->flush();
    });
}

void link::flush()
{
    if (wrote_at_once())
        return;
    while (is_open() && !write_waits_) {
        if (written_ == writing_.size()) {
            written_ = 0;
            empty(writing_);
            if (!take_outgoing())
                break;
        }
        error_code error;
        written_ += socket_->write_some(asio::buffer(writing_) + written_, error);
        if (error == asio::error::would_block || error == asio::error::try_again) {
            wait_writable();
        }
        else if (error) {
            // Not reported here: what the server said before it went away is still to be read.
            outgoing_.clear();
            written_ = writing_.size();
        }
    }
    if (wait_for_room_ > 0)
        wake_for_room();
}

// What nearly always happens, without handing buffers over: nothing waits, and the socket takes everything.
bool link::wrote_at_once()
{
    if (tls_ || trace || write_waits_ || !writing_.empty() || outgoing_.empty() || !is_open())
        return false;
    error_code error;
    const auto written = socket_->write_some(asio::buffer(outgoing_), error);
    if (written == outgoing_.size()) {
        empty(outgoing_);
        return wait_for_room_ == 0;
    }
    writing_.swap(outgoing_);
    written_ = written;
    return false;
}

// @returns whether there is something to write.
bool link::take_outgoing()
{
    if (trace)
        trace_sent();
    if (!tls_) {
        writing_.swap(outgoing_); // never copied: it may be a message of 1 GiB
        return !writing_.empty();
    }
    try {
        tls_->write(outgoing_);
        empty(outgoing_);
        writing_.swap(tls_->outgoing()); // TLS may have something to say of its own
    }
    catch (...) {
        close(std::current_exception());
    }
    return is_open() && !writing_.empty();
}

void link::trace_sent() const
{
    // All messages here have a type and a length, and there are only whole ones.
    for (std::string_view rest = outgoing_; !rest.empty();) {
        const auto bytes = 1 + pg::detail::load<std::uint32_t>(rest, 1);
        trace->on_message(tracer::direction::sent, rest.front(), bytes);
        rest.remove_prefix(bytes);
    }
}

void link::wait_writable()
{
    write_waits_ = true;
    socket_->async_wait(socket_type::wait_write, [self = shared_from_this()](const error_code& failed) {
        self->write_waits_ = false;
        if (!failed)
            self->flush();
    });
}

void link::wake_for_room()
{
    for (auto waiting = first_; waiting; waiting = waiting->next_) {
        if (waiting->awaits_ == exchange::awaits::room && unsent() < waiting->room_below_)
            wake(waiting->waiter_);
    }
}

} // namespace tradecore::pg::engine
