// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/exchange.hpp"
#include "pg/engine/execution_pool.hpp"
#include "pg/engine/gate.hpp"
#include "pg/engine/peer_facts.hpp"
#include "pg/engine/session_changes.hpp"
#include "pg/engine/statement_cache.hpp"
#include "pg/engine/tls_channel.hpp"
#include "pg/protocol/backend_messages.hpp"
#include "pg/protocol/receive_buffer.hpp"

#include <tradecore/pg/abandonable.hpp>
#include <tradecore/pg/connection.hpp>
#include <tradecore/pg/type_registry.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg::engine {

class notification_hub;
class turn;

/// The socket of one connection and the exchanges that are under way on it.
///
/// A plain exchange:
///
///     if (!on->is_free())                         // no suspension and no allocation when it is
///         co_await on->enter(deadline);
///     protocol::write_…(on->outgoing(), …);       // whole messages, up to and with Sync
///     on->queue(exchange);                        // in the same breath: no co_await since `is_free`
///     co_await on->wait(exchange);
///
/// One that sends for longer (COPY) holds the link, so that nobody's messages come between its own:
///
///     auto turn = co_await on->hold(deadline);    // what is in flight of others simply finishes first
///     …write the beginning, queue(exchange)…
///     co_await on->progress(exchange);            // its machine said `step::progress`: the server wants data
///     while (!exchange->finished() && there is more) {
///         co_await on->room(exchange, 1 << 20);   // less than that waits to be sent, or the exchange has ended
///         protocol::write_copy_data(on->outgoing(), …);
///         on->send();
///     }
///     …write CopyDone and Sync, send(); turn.release();
///     co_await on->wait(exchange);
///
/// One that receives faster than it is consumed answers `step::pause` to a message when it has enough; nothing is
/// read until the consumer has taken the rows and says `resume`.
///
/// Exchanges are answered in the order they were queued. What several callers write in one turn of the
/// event loop leaves in one system call; a write is tried at once and only waited for when the kernel
/// has no room. Reading goes on all the time but in a pause, so a server that goes away is noticed while idle.
///
/// Cancellation of whoever waits, and a deadline that passes, stop the exchange and not the link: see `cancel`.
///
/// Thread safety: none. Lifetimes: always owned by a shared_ptr; who waits on a link keeps it alive.
class link final : public std::enable_shared_from_this<link>, private abandonable {
    // Awaited as it is: an awaitable would cost one coroutine frame more, and Asio keeps only two for use again.
    struct suspension {
        template <class Handler>
        void operator()(Handler handler, const exchange_ptr& awaited, exchange::awaits what) const
        {
            if (auto slot = boost::asio::get_associated_cancellation_slot(handler); slot.is_connected())
                slot.assign([awaited](boost::asio::cancellation_type) { cancel_by_slot(*awaited); });
            awaited->awaits_ = what;
            awaited->waiter_.suspend(std::move(handler));
            if (awaited->finished_)
                awaited->waiter_.resume_later(awaited->failure_);
        }
    };
    [[nodiscard]] static auto suspend(exchange_ptr on, exchange::awaits what)
    {
        return boost::asio::async_initiate<const boost::asio::deferred_t&, void(std::exception_ptr)>(
            suspension(), boost::asio::deferred, std::move(on), what);
    }

public:
    using socket_type = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol>;
    using clock = exchange::clock;

    /// @param socket connected; its executor is where everything here runs.
    /// @param channel its encryption, after the handshake; null for none.
    link(socket_type socket, std::string peer, std::unique_ptr<tls_channel> channel = nullptr);
    link(const link&) = delete;
    link& operator=(const link&) = delete;
    link(link&&) = delete;
    link& operator=(link&&) = delete;
    ~link();

    /// Begins to read; call once, after construction.
    void start();
    /// Says that the server has shown who it is. Until then no message of more than 1 MiB is taken from it.
    void trust() noexcept;

    // --- taking turns ---------------------------------------------------------------------------------------------

    /// @returns whether messages may be written now; valid until the next co_await.
    [[nodiscard]] bool is_free() const noexcept { return gate_.is_free(); }
    /// Waits until messages may be written; they must be written before the next co_await.
    /// @param deadline for the waiting.
    /// @throws timeout_error when it passes; connection_error when the link is closed meanwhile.
    /// Cancellation: leaves the line.
    [[nodiscard]] boost::asio::awaitable<void> enter(clock::time_point deadline);
    /// Waits until the link can be held; everybody else then waits until the turn is released.
    /// @throws and cancellation as `enter`.
    [[nodiscard]] boost::asio::awaitable<turn> hold(clock::time_point deadline);
    /// @returns a turn when the link is free; an empty one when it is not.
    [[nodiscard]] turn try_hold();
    /// Waits until no request to cancel is under way that could hit what is sent next; for who holds the link, as
    /// `enter` is for the others.
    /// @throws and cancellation as `enter`.
    [[nodiscard]] boost::asio::awaitable<void> settled(clock::time_point deadline);
    /// @returns whether a request to cancel is under way: until its end nothing new is sent.
    [[nodiscard]] bool is_settling() const noexcept { return cancelling_.has_value(); }

    // --- sending --------------------------------------------------------------------------------------------------

    /// @returns the buffer that the next flush sends: append whole messages to it, then `queue` the
    ///          exchange they belong to, or `send` what belongs to one that is in flight.
    [[nodiscard]] std::string& outgoing() noexcept { return outgoing_; }
    /// Queues an exchange whose messages stand in `outgoing`, and sends them in this turn of the loop.
    void queue(exchange_ptr added);
    /// Sends, in this turn of the loop, what was appended to `outgoing` for an exchange in flight. Only for who holds
    /// the link, or when no messages of others can have come between.
    void send();
    /// @returns how many bytes wait to be sent.
    [[nodiscard]] std::size_t unsent() const noexcept { return outgoing_.size() + writing_.size() - written_; }

    // --- waiting --------------------------------------------------------------------------------------------------

    /// Waits until an exchange has ended.
    /// @throws what ended it when it did not come to its end. Cancellation: see `cancel`.
    [[nodiscard]] auto wait(exchange_ptr awaited) { return suspend(std::move(awaited), exchange::awaits::end); }
    /// Waits until its machine has made progress since the last call, or has ended. Several messages that arrive
    /// together wake once.
    /// @throws and cancellation as `wait`.
    [[nodiscard]] boost::asio::awaitable<void> progress(exchange_ptr awaited);
    /// Waits until fewer than `below` bytes wait to be sent, or the exchange has ended.
    /// @throws and cancellation as `wait`.
    [[nodiscard]] boost::asio::awaitable<void> room(exchange_ptr awaited, std::size_t below);
    /// Goes on reading after a machine's `step::pause`; does nothing when there is no pause.
    void resume();

    // --- ending ---------------------------------------------------------------------------------------------------

    /// Gives an exchange up, because its caller is cancelled, its time has passed, or nobody wants it any more.
    ///
    /// When the server works on it, the server is asked to stop (by the machine's `cancel` or a request over a second
    /// socket), and who waits is answered when the truth is known: with the end that came, `cancelled_because` says
    /// what asked for it. Nothing new is sent until that end and the end of the second socket, so that no later
    /// statement is hit; without them within `cancel_timeout` the link is closed.
    ///
    /// When others go before it, who waits is answered with `why` at once, and the answer is dropped when it comes.
    /// What the server cannot be asked to stop closes the link.
    void cancel(exchange& unwanted, std::exception_ptr why);

    /// Gives up what waits: in line to be sent, or behind the exchange that the server is at, unless it changes
    /// something: run late and without its caller, that could undo what the caller does next.
    void send_away(const std::exception_ptr& why);

    /// Closes the socket; everything in flight fails with `why`. Does nothing when closed already.
    void close(std::exception_ptr why) noexcept;
    /// Says goodbye and closes.
    void terminate() noexcept;

    [[nodiscard]] bool is_open() const noexcept { return !closed_because_; }
    /// @throws connection_error when the link is closed.
    void require_open() const;
    [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
    [[nodiscard]] const std::string& peer() const noexcept { return peer_; }
    [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
    /// @returns the time, read at most once between two coroutines that are resumed by what arrived.
    [[nodiscard]] clock::time_point now();

    transaction_status status = transaction_status::idle;
    fsm::transaction_id transaction_id{};
    session_changes changes{};
    protocol::backend_key key{};
    /// Whom to ask to cancel; nobody when not set.
    std::optional<peer_facts> server{};
    /// Which server of the options this is.
    host_address host{};
    std::chrono::milliseconds cancel_timeout{2'000};
    std::map<std::string, std::string, std::less<>> parameters{};
    /// Shared, so that a handler that is replaced while it runs lives until it has returned.
    std::shared_ptr<const connection::notice_handler> on_notice{};
    /// Who is told of notifications; null while nobody has ever listened.
    std::shared_ptr<notification_hub> notifications{};
    std::shared_ptr<const connection::parameter_handler> on_parameter{};
    std::shared_ptr<tracer> trace{};
    /// Whether statements are kept by the server under names; else each is parsed with each use.
    bool names_statements = true;
    statement_cache statements{};
    execution_pool executions{};
    /// What is known of types that are not built in; never null.
    std::shared_ptr<type_registry> types = std::make_shared<type_registry>();

private:
    friend class turn;

    void abandon() noexcept override;

    // link.cpp
    static void cancel_by_slot(exchange& of);
    [[nodiscard]] boost::asio::awaitable<void> stand_in_line(gate::wish wanted, clock::time_point deadline);
    void fail(exchange& unfinished, const std::exception_ptr& why);
    exchange_ptr take_front() noexcept;
    void watch_deadline(clock::time_point deadline);
    void on_deadline();
    void fail_protocol(std::string_view what) noexcept;

    // link_io.cpp
    void read();
    void on_read(const boost::system::error_code& received, std::size_t count);
    [[nodiscard]] boost::system::error_code decrypt(std::size_t count);
    void handle_incoming();
    [[nodiscard]] protocol::receive_buffer::framing dispatch_all();
    void dispatch(const protocol::message& incoming);
    void on_parameter_status(std::string_view payload);
    void dispatch_to_exchange(const protocol::message& incoming);
    void end_exchange();
    void wake(waiter& who);
    void wake_for_progress();
    void flush();
    [[nodiscard]] bool wrote_at_once();
    [[nodiscard]] bool take_outgoing();
    void trace_sent() const;
    void wait_writable();
    void wake_for_room();

    // link_cancel.cpp
    void ask_to_stop(exchange& running, const std::exception_ptr& why);
    void send_cancel();
    void on_cancel_request_ended();
    void on_part_ended();
    void on_cancelled_ended();
    void front_changed();
    void check_cancel_over();

    // All are there until the execution context ends.
    std::optional<socket_type> socket_;
    std::optional<boost::asio::steady_timer> deadline_timer_;
    boost::asio::any_io_executor executor_;
    std::string peer_;

    gate gate_;
    exchange_ptr first_;
    exchange* last_ = nullptr;
    std::size_t in_flight_ = 0;

    std::unique_ptr<tls_channel> tls_;
    std::unique_ptr<char[]> encrypted_; // what came, when there is a channel

    protocol::receive_buffer incoming_;
    bool reading_ = false;
    bool dispatching_ = false;
    bool paused_ = false;
    clock::time_point turns_time_{}; // the epoch: not asked for in this turn

    std::string outgoing_;
    std::string writing_; // what the socket takes next; its first `written_` bytes are gone
    std::size_t written_ = 0;
    std::size_t wait_for_room_ = 0;
    bool write_waits_ = false;
    bool flush_posted_ = false;

    // While a request to cancel is under way.
    struct cancelling {
        exchange_ptr target;  // null after its end
        bool asked = false;   // the second socket has ended, or there is none
        bool in_vain = false; // what was asked for the last time may not hold for what runs now
        clock::time_point limit;
        clock::time_point again = exchange::no_deadline; // when to ask once more
    };
    std::optional<cancelling> cancelling_;

    clock::time_point watched_deadline_ = exchange::no_deadline;
    std::exception_ptr closed_because_;
    std::optional<diagnostics> farewell_; // the server's error outside of any exchange
    std::optional<diagnostics> warning_;  // that sessions are about to end, unless this one goes on
};

/// The exclusive use of a link's sending side, until it is released or destroyed.
class turn {
public:
    turn() = default;
    explicit turn(std::shared_ptr<link> held) noexcept : held_(std::move(held)) {}
    turn(turn&&) noexcept = default;
    turn& operator=(turn&& other) noexcept
    {
        release();
        held_ = std::move(other.held_);
        return *this;
    }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    ~turn() { release(); }

    [[nodiscard]] explicit operator bool() const noexcept { return held_ != nullptr; }
    /// Lets the next ones in; they run in a later turn of the loop.
    void release() noexcept;

private:
    std::shared_ptr<link> held_;
};

} // namespace tradecore::pg::engine
