// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/cancel_request.hpp"
#include "pg/engine/link.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;

namespace {

// An exchange that was given up before its turn usually ends by itself sooner than a request could reach the server.
constexpr std::chrono::milliseconds given_up_grace{20};

// How long a server that was asked to stop, by a request or by the exchange's last words, may go on before it is asked
// again. One that waits for a lock does not read the last words.
constexpr std::chrono::milliseconds pause_before_next_request{100};

} // namespace

void link::cancel(exchange& unwanted, std::exception_ptr why)
{
    if (unwanted.on_ != this || unwanted.cancelled_because_)
        return;
    if (first_.get() != &unwanted) {
        unwanted.machine().drop();
        unwanted.deadline = exchange::no_deadline;
        fail(unwanted, why);
        return;
    }
    unwanted.cancelled_because_ = why;
    // One request at a time: what it hits must be clear. `check_cancel_over` comes back to this one.
    if (!cancelling_)
        ask_to_stop(unwanted, why);
}

void link::send_away(const std::exception_ptr& why)
{
    for (auto behind = first_ ? first_->next_ : nullptr; behind; behind = behind->next_) {
        if (behind->changes_nothing && !behind->finished_)
            cancel(*behind, why);
    }
    gate_.dismiss_all(why);
}

void link::ask_to_stop(exchange& running, const std::exception_ptr& why)
{
    if (paused_) {
        running.machine().drop();
        resume();
    }
    auto last_words = running.machine().cancel();
    if (last_words.empty() && (!server || key.pid == 0)) {
        fail(running, why);
        close(std::make_exception_ptr(connection_error(
            client_errc::connection_closed, "the connection was closed because it could not be asked to stop")));
        return;
    }
    gate_.bar();
    cancelling_ = cancelling{.target = &running, .asked = !last_words.empty(), .limit = now() + cancel_timeout};
    watch_deadline(cancelling_->limit);
    if (!last_words.empty()) {
        outgoing_ += last_words;
        send();
        if (server && key.pid != 0) {
            cancelling_->again = now() + pause_before_next_request;
            watch_deadline(cancelling_->again);
        }
        return;
    }
    send_cancel();
}

void link::send_cancel()
{
    cancelling_->asked = cancelling_->in_vain = false;
    cancelling_->again = exchange::no_deadline;
    // When the request fails, whether it arrived is unknown: the limit then decides.
    asio::co_spawn(
        executor_, send_cancel_request(executor_, *server, key, cancelling_->limit),
        [self = shared_from_this()](const std::exception_ptr& failed) {
            if (!failed)
                self->on_cancel_request_ended();
        });
}

void link::on_cancel_request_ended()
{
    if (!cancelling_)
        return;
    cancelling_->asked = true;
    if (cancelling_->target && cancelling_->in_vain)
        return send_cancel();
    if (cancelling_->target) {
        // A server that had not begun yet, or was just between two statements, has passed over the request.
        cancelling_->again = clock::now() + pause_before_next_request;
        watch_deadline(cancelling_->again);
    }
    check_cancel_over();
}

void link::on_part_ended()
{
    // A request stops one of several transactions, and the server has gone on to the next one.
    if (!cancelling_ || cancelling_->target != first_)
        return;
    cancelling_->limit = now() + cancel_timeout;
    cancelling_->in_vain = true;
    if (cancelling_->asked)
        send_cancel();
}

void link::on_cancelled_ended()
{
    cancelling_->target = nullptr;
    check_cancel_over();
}

void link::check_cancel_over()
{
    if (cancelling_->target || !cancelling_->asked)
        return;
    // What the server has said until now may not have been read yet: it may have come to any that were sent.
    for (auto sent = first_; sent; sent = sent->next_)
        sent->in_the_line_of_fire_ = true;
    cancelling_.reset();
    if (first_ && first_->cancelled_because_)
        ask_to_stop(*first_, first_->cancelled_because_);
    else
        gate_.unbar();
}

void link::front_changed()
{
    first_->began_idle_ = status == transaction_status::idle;
    // A request may arrive when the server has gone on to what was already sent.
    first_->in_the_line_of_fire_ = first_->in_the_line_of_fire_ || cancelling_;
    if (first_->finished_)
        first_->deadline = now() + given_up_grace;
    else if (first_->patience.count() > 0)
        first_->deadline = std::min(first_->deadline, now() + first_->patience);
    else
        return;
    watch_deadline(first_->deadline);
}

} // namespace tradecore::pg::engine
