// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/ask_id.hpp"
#include "pg/engine/link_cursor.hpp"
#include "pg/engine/type_lookup.hpp"
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using pg::detail::cursor_core;

namespace {

// What is asked for before anything is known of the rows' size.
constexpr std::size_t first_rows = 64;
constexpr int rollback_attempts = 3;

/// An exchange that only waits for what others have under way, so that the transaction's state is known.
class quiet final : public fsm::query {
private:
    fsm::step on_answer(const protocol::message&) override { return fsm::step::violation("an answer to nothing"); }
    bool answered() const noexcept override { return true; }
};

asio::awaitable<void> run_simple(std::shared_ptr<link> on, std::string_view sql, link::clock::time_point deadline)
{
    const auto exchange = make_exchange<fsm::script>();
    exchange->deadline = deadline;
    protocol::write_query(on->outgoing(), sql);
    on->queue(exchange);
    co_await on->wait(exchange);
    if (auto& error = exchange->machine().error())
        std::rethrow_exception(error_of(*exchange, std::move(*error), "CURSOR"));
}

/// @param patience for the server, when nobody waits.
exchange_ptr write_close(
    link& on, std::string_view portal, link::clock::time_point deadline, std::chrono::milliseconds patience = {})
{
    auto exchange = make_exchange<fsm::close_portal>();
    exchange->deadline = deadline;
    exchange->patience = patience;
    protocol::write_close_portal(on.outgoing(), portal);
    protocol::write_sync(on.outgoing());
    on.queue(exchange);
    return exchange;
}

} // namespace

link_cursor::link_cursor(std::shared_ptr<link> on, statement what, cursor_options how)
    : on_(std::move(on)), what_(std::move(what)), how_(how)
{
    how_.rows = std::min<std::size_t>(how_.rows, 1'000'000'000);
    how_.bytes = std::max<std::size_t>(how_.bytes, 1);
}

asio::awaitable<std::shared_ptr<cursor_core>>
link_cursor::open(std::shared_ptr<link> on, statement what, cursor_options how)
{
    if (how.rows == 0)
        throw argument_error("a cursor's rows must be at least 1");
    const auto deadline = deadline_of(what.options);
    for (bool again = false;; again = true) {
        const auto self = std::make_shared<link_cursor>(on, std::move(what), how);
        if (co_await try_open(self, deadline, again))
            co_return self;
        what = std::move(self->what_);
    }
}

asio::awaitable<bool>
link_cursor::try_open(std::shared_ptr<link_cursor> self, link::clock::time_point deadline, bool again)
{
    auto& link = *self->on_;
    self->prepared_ = co_await find_or_prepare(self->on_, self->what_.sql, self->label(), deadline);
    self->turn_ = co_await link.hold(deadline);
    if (link.in_flight() > 0) {
        const auto others = make_exchange<quiet>();
        others->deadline = deadline;
        protocol::write_sync(link.outgoing());
        link.queue(others);
        co_await link.wait(others);
        // One of them may have been cancelled, and the request may come late.
        co_await link.settled(deadline);
    }
    link.require_open();
    self->own_ = link.status == transaction_status::idle && self->what_.before.empty();
    self->columns_ = self->prepared_->columns;
    self->portal_ = "c" + link.statements.fresh_name();
    if (!self->begin_if_it_fits(deadline, again)) {
        self->turn_.release();
        co_return false;
    }
    if (!self->own_)
        self->turn_.release();
    co_return co_await take_first(self, again);
}

asio::awaitable<bool> link_cursor::take_first(std::shared_ptr<link_cursor> self, bool again)
{
    std::exception_ptr failure;
    try {
        co_await take_chunk(self);
    }
    catch (...) {
        failure = std::current_exception();
    }
    if (!failure)
        co_return true;
    // Only its own transaction can be begun anew; the clean-up of this one goes before it.
    if (!self->own_ || !self->out_of_date_ || again)
        std::rethrow_exception(failure);
    self->what_.before.clear();
    co_return false;
}

bool link_cursor::begin_if_it_fits(link::clock::time_point deadline, bool again)
{
    const auto before = what_.before.size();
    try {
        begin(deadline);
        return true;
    }
    catch (const argument_error&) {
        if (prepared_->parameter_types.known() == nullptr)
            throw;
        // A label or an attribute may have been added since it was looked up.
        on_->types->forget();
        on_->statements.erase(what_.sql.text);
        if (again)
            throw;
    }
    what_.before.resize(before);
    return false;
}

link_cursor::~link_cursor()
{
    abandon();
}

std::string_view link_cursor::label() const noexcept
{
    return label_of(what_.options, what_.verb);
}

std::size_t link_cursor::next_rows() const noexcept
{
    const auto left = how_.rows - slice_.size();
    if (all_rows_ == 0)
        return std::min(left, first_rows);
    const auto each = std::max<std::uint64_t>(all_bytes_ / all_rows_, 1);
    const auto room = how_.bytes > slice_bytes_ ? how_.bytes - slice_bytes_ : 0;
    return std::clamp<std::size_t>(static_cast<std::size_t>(room / each), 1, left);
}

void link_cursor::begin(link::clock::time_point deadline)
{
    if (own_)
        what_.before.emplace_back("BEGIN");
    const bool parses = prepared_->name.empty();
    const auto exchange = make_exchange<fsm::portal_slice>(
        prepared_->columns, fsm::portal_slice::opening{
                                .commands = what_.before.size(),
                                .parses = parses,
                                .describes = parses,
                                .description = {prepared_, &prepared_->description}});
    exchange->deadline = deadline;
    if (prepared_->makes_temporary)
        on_->changes.on_temporary();
    auto& out = on_->outgoing();
    const auto start = out.size();
    try {
        write_commands(out, what_.before);
        write_parse_if_unnamed(out, *prepared_, what_.sql.text);
        protocol::write_bind_portal(
            out, portal_, prepared_->name, what_.arguments, prepared_->parameter_types, prepared_->result_formats);
        if (parses)
            protocol::write_describe_portal(out, portal_);
        protocol::write_execute_portal(out, portal_, static_cast<std::int32_t>(next_rows()));
        ask_id_behind(*on_, what_.sql.text, exchange->machine());
        protocol::write_sync(out);
    }
    catch (...) {
        out.resize(start);
        throw;
    }
    on_->queue(exchange);
    asked_ = exchange;
    over_ = false;
}

void link_cursor::ask()
{
    const auto rows = static_cast<std::int32_t>(next_rows());
    const auto exchange = slice_.empty() ? make_exchange<fsm::portal_slice>(columns_)
                                         : make_exchange<fsm::portal_slice>(std::move(slice_));
    exchange->deadline = deadline_of(what_.options);
    protocol::write_execute_portal(on_->outgoing(), portal_, rows);
    ask_id_behind(*on_, what_.sql.text, exchange->machine());
    protocol::write_sync(on_->outgoing());
    on_->queue(exchange);
    asked_ = exchange;
}

asio::awaitable<void> link_cursor::end_transaction(std::shared_ptr<link_cursor> self)
{
    auto& link = *self->on_;
    const auto exchange = make_exchange<fsm::script>();
    exchange->deadline = deadline_of(self->what_.options);
    std::exception_ptr failure;
    try {
        co_await link.settled(exchange->deadline);
    }
    catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        self->abandon();
        std::rethrow_exception(failure);
    }
    protocol::write_query(link.outgoing(), "COMMIT");
    link.queue(exchange);
    self->commit_ = exchange;
    self->turn_.release();
}

asio::awaitable<void> link_cursor::take_chunk(std::shared_ptr<link_cursor> self)
{
    const auto asked = self->asked_;
    std::exception_ptr failure;
    try {
        co_await self->on_->wait(asked);
    }
    catch (...) {
        failure = std::current_exception();
    }
    self->asked_ = nullptr;
    auto& machine = asked->machine();
    if (!failure) {
        if (auto& error = machine.error()) {
            self->out_of_date_ = forget_if_out_of_date(*self->on_, *error, self->what_.sql.text, *self->prepared_);
            failure = error_of(*asked, std::move(*error), self->label());
        }
        else if (machine.dropped_copy()) {
            failure = std::make_exception_ptr(argument_error("a cursor cannot read COPY; copy_out is for that"));
        }
    }
    if (machine.has_other_columns()) {
        self->columns_ = machine.columns();
        self->on_->statements.erase(self->what_.sql.text);
    }
    if (failure) {
        self->abandon();
        std::rethrow_exception(failure);
    }
    self->all_rows_ += machine.answer().size() - std::exchange(self->rows_before_, 0);
    self->all_bytes_ += machine.bytes();
    self->slice_bytes_ += machine.bytes();
    if (!machine.suspended()) {
        self->complete_ = true;
        if (self->own_)
            co_await end_transaction(self);
    }
    self->slice_ = std::move(machine.answer());
    self->rows_before_ = self->slice_.size();
}

bool link_cursor::is_full() const noexcept
{
    return complete_ || slice_.size() >= how_.rows || slice_bytes_ >= how_.bytes;
}

asio::awaitable<void> link_cursor::finish(std::shared_ptr<link_cursor> self)
{
    const bool was_over = std::exchange(self->over_, true);
    const auto commit = std::exchange(self->commit_, nullptr);
    if (!commit) {
        if (!was_over && self->complete_ && self->on_->is_free() && self->on_->is_open())
            write_close( // nobody needs to wait for its end
                *self->on_, self->portal_, exchange::no_deadline, self->on_->cancel_timeout);
        co_return;
    }
    std::exception_ptr failure;
    try {
        co_await self->on_->wait(commit);
    }
    catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        if (commit->in_flight())
            limit_commit(self->on_, commit); // cancelled before the wait had begun
        std::rethrow_exception(failure);
    }
    if (auto& error = commit->machine().error())
        std::rethrow_exception(error_of(*commit, std::move(*error), self->label()));
}

asio::awaitable<result> link_cursor::describe_changed(std::shared_ptr<link_cursor> self, result slice)
{
    self->on_->statements.erase(self->what_.sql.text);
    const auto deadline = deadline_of(self->what_.options);
    std::exception_ptr failure;
    try {
        slice = co_await describe_anew(self->on_, std::move(slice), deadline, static_cast<bool>(self->turn_));
    }
    catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        self->abandon();
        std::rethrow_exception(failure);
    }
    self->columns_ = std::make_shared<const row_description>(slice.columns());
    co_return slice;
}

asio::awaitable<result> link_cursor::next_slice(std::shared_ptr<link_cursor> self)
{
    result slice;
    slice.describe(self->columns_);
    if (self->over_)
        co_return slice;
    while (!self->is_full()) {
        if (!self->asked_) {
            if (self->own_)
                co_await self->on_->settled(deadline_of(self->what_.options));
            else if (!self->on_->is_free())
                co_await self->on_->enter(deadline_of(self->what_.options));
            self->on_->require_open();
            self->ask();
        }
        co_await take_chunk(self);
    }
    if (self->slice_.empty()) {
        co_await finish(self);
        co_return slice;
    }
    slice = std::exchange(self->slice_, result());
    self->rows_before_ = 0;
    self->slice_bytes_ = 0;
    if (self->prepared_->tells_types && contradicts(slice))
        slice = co_await describe_changed(self, std::move(slice));
    const bool may_write = self->own_ ? !self->on_->is_settling() : self->on_->is_free();
    if (!self->complete_ && self->how_.read_ahead && may_write && self->on_->is_open())
        self->ask();
    co_return slice;
}

asio::awaitable<result> link_cursor::next()
{
    return next_slice(shared_from_this());
}

asio::awaitable<void> link_cursor::close_now(std::shared_ptr<link_cursor> self)
{
    if (self->over_)
        co_return;
    if (self->asked_)
        co_await take_chunk(self);
    if (!self->complete_ && self->own_)
        co_await end_transaction(self);
    else if (!self->complete_)
        co_await close_portal(self->on_, self->portal_, deadline_of(self->what_.options));
    co_await finish(self);
}

asio::awaitable<void> link_cursor::close()
{
    return close_now(shared_from_this());
}

asio::awaitable<void>
link_cursor::close_portal(std::shared_ptr<link> on, std::string portal, link::clock::time_point deadline)
{
    if (!on->is_free())
        co_await on->enter(deadline);
    on->require_open();
    co_await on->wait(write_close(*on, portal, deadline));
}

asio::awaitable<void> link_cursor::close_unwatched(std::shared_ptr<link> on, std::string portal)
{
    if (!on->is_free())
        co_await on->enter(exchange::no_deadline);
    if (on->is_open())
        write_close(*on, portal, exchange::no_deadline, on->cancel_timeout);
}

asio::awaitable<void> link_cursor::roll_back(std::shared_ptr<link> on, turn held, exchange_ptr running)
{
    if (running && running->in_flight()) {
        running->machine().drop();
        on->cancel(*running, std::make_exception_ptr(argument_error("nobody reads the cursor any more")));
        try {
            co_await on->wait(running);
        }
        catch (const std::exception&) {
            // What ended it does not matter any more.
        }
    }
    for (int attempt = 0; on->is_open(); ++attempt) {
        std::exception_ptr failure;
        try {
            co_await on->settled(exchange::no_deadline); // it has a limit of its own
            co_await run_simple(on, "ROLLBACK", link::clock::now() + on->cancel_timeout);
            if (on->status == transaction_status::idle)
                break;
        }
        catch (...) {
            failure = std::current_exception();
        }
        if (attempt >= rollback_attempts)
            on->close(
                failure ? failure
                        : std::make_exception_ptr(
                              connection_error(client_errc::connection_closed, "a cursor could not be rolled back")));
    }
}

void link_cursor::limit_commit(std::shared_ptr<link> on, exchange_ptr commit)
{
    // Others wait behind it, and nobody who could lose patience waits for it.
    const auto timer = std::make_shared<asio::steady_timer>(on->executor(), on->cancel_timeout);
    timer->async_wait([timer, on, commit](const boost::system::error_code& error) {
        if (!error && commit->in_flight())
            on->cancel(
                *commit, std::make_exception_ptr(timeout_error("the end of a cursor that was given up took too long")));
    });
}

void link_cursor::abandon() noexcept
{
    if (std::exchange(over_, true) || !on_->is_open())
        return;
    try {
        if (commit_ && commit_->in_flight())
            limit_commit(on_, std::exchange(commit_, nullptr));
        auto running = std::exchange(asked_, nullptr);
        if (own_ && turn_) {
            asio::co_spawn(on_->executor(), roll_back(on_, std::move(turn_), std::move(running)), asio::detached);
        }
        else if (!own_ && !complete_) {
            if (running)
                running->machine().drop();
            asio::co_spawn(on_->executor(), close_unwatched(on_, portal_), asio::detached);
        }
    }
    catch (const std::exception&) {
        on_->close(std::current_exception()); // no memory to clean up with
    }
}

asio::awaitable<std::shared_ptr<cursor_core>> open_cursor(std::shared_ptr<link> on, statement what, cursor_options how)
{
    return link_cursor::open(std::move(on), std::move(what), how);
}

} // namespace tradecore::pg::engine
