// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/ask_id.hpp"
#include "pg/engine/bulk.hpp"
#include "pg/fsm/copy_out.hpp"
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/error.hpp>

#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using pg::detail::copy_out_core;
using pg::detail::copy_request;

namespace {

/// Takes the data of a COPY from a link, which stops reading when too much waits.
class link_copy_out final : public copy_out_core, public std::enable_shared_from_this<link_copy_out> {
public:
    link_copy_out(std::shared_ptr<link> on, copy_options options) : on_(std::move(on)), options_(std::move(options)) {}
    link_copy_out(const link_copy_out&) = delete;
    link_copy_out& operator=(const link_copy_out&) = delete;
    link_copy_out(link_copy_out&&) = delete;
    link_copy_out& operator=(link_copy_out&&) = delete;
    ~link_copy_out() override { abandon(); }

    static asio::awaitable<std::shared_ptr<copy_out_core>> open(std::shared_ptr<link> on, copy_request what);

    [[nodiscard]] const std::shared_ptr<const row_description>& columns() const noexcept override { return columns_; }
    [[nodiscard]] asio::awaitable<std::string> read(std::uint64_t rows) override
    {
        return read_some(shared_from_this(), rows);
    }
    void abandon() noexcept override;
    [[nodiscard]] std::uint64_t rows() const noexcept
    {
        return over_ && exchange_ ? exchange_->machine().tag().rows_affected() : 0;
    }

private:
    // Coroutines take it by value: their frames keep it.
    static asio::awaitable<std::string> read_some(std::shared_ptr<link_copy_out> self, std::uint64_t rows);
    void require_success();
    void report(std::uint64_t rows);

    [[nodiscard]] std::string_view label() const noexcept { return label_of(options_.call, "COPY"); }

    std::shared_ptr<link> on_;
    copy_options options_;
    std::shared_ptr<const row_description> columns_;
    boost::intrusive_ptr<exchange_of<fsm::copy_out>> exchange_;
    std::uint64_t bytes_ = 0;
    bool over_ = false;
};

/// @returns the columns as COPY sends them, whatever a query would ask for: all in binary.
std::shared_ptr<const row_description> all_binary(const std::shared_ptr<const row_description>& described)
{
    if (!described)
        throw argument_error("the query returns no rows that could be copied");
    auto columns = *described;
    for (auto& each : columns)
        each.format = wire_format::binary;
    return std::make_shared<const row_description>(std::move(columns));
}

asio::awaitable<std::shared_ptr<copy_out_core>> link_copy_out::open(std::shared_ptr<link> on, copy_request what)
{
    const auto self = std::make_shared<link_copy_out>(std::move(on), std::move(what.options));
    auto& link = *self->on_;
    link.require_open();
    const auto deadline = deadline_of(self->options_.call);
    turn held;
    if (!what.columns.text.empty()) {
        // Not what is remembered: COPY does not say of which types its values are.
        auto now = co_await describe_and_hold(self->on_, what.columns, self->label(), deadline);
        self->columns_ = all_binary(now.columns);
        held = std::move(now.held);
    }
    else if (!link.is_free()) {
        co_await link.enter(deadline);
    }
    link.require_open();
    self->exchange_ = make_exchange<fsm::copy_out>();
    self->exchange_->deadline = deadline;
    auto& out = link.outgoing();
    protocol::write_parse(out, {}, what.copy.text);
    protocol::write_bind(out, {}, parameters{}, {}, {});
    protocol::write_execute(out);
    ask_id_behind(link, what.copy.text, self->exchange_->machine());
    protocol::write_sync(out);
    link.queue(self->exchange_);
    held.release();
    if (!self->columns_) {
        // Nobody has seen yet whether this is a COPY at all. (That it has begun is not sent before the first data.)
        co_await link.progress(self->exchange_);
        if (self->exchange_->finished())
            self->require_success();
    }
    co_return self;
}

void link_copy_out::require_success()
{
    auto& machine = exchange_->machine();
    if (auto& error = machine.error()) {
        over_ = true;
        std::rethrow_exception(error_of(*exchange_, std::move(*error), label()));
    }
    if (machine.has_lost_data() && exchange_->cancelled_because()) {
        over_ = true;
        std::rethrow_exception(exchange_->cancelled_because()); // the server came to its end, the data did not
    }
    if (!machine.was_copy()) {
        over_ = true;
        throw argument_error("the statement was run, but it is no COPY … TO STDOUT: there is nothing to read");
    }
}

asio::awaitable<std::string> link_copy_out::read_some(std::shared_ptr<link_copy_out> self, std::uint64_t rows)
{
    if (self->over_)
        co_return std::string();
    auto& machine = self->exchange_->machine();
    while (machine.undelivered() == 0 && !self->exchange_->finished())
        co_await self->on_->progress(self->exchange_);
    auto data = machine.take_data();
    if (data.empty()) {
        co_await self->on_->wait(self->exchange_); // has ended: throws when the connection was lost
        self->over_ = true;
        self->require_success();
    }
    else {
        self->on_->resume();
        self->bytes_ += data.size();
    }
    self->report(rows);
    co_return data;
}

void link_copy_out::report(std::uint64_t rows)
{
    if (!options_.progress)
        return;
    try {
        options_.progress({.rows = rows, .bytes = bytes_});
    }
    catch (...) {
        if (over_)
            return; // all has come, and is to be believed
        abandon();
        throw;
    }
}

void link_copy_out::abandon() noexcept
{
    if (std::exchange(over_, true) || !exchange_)
        return;
    if (!exchange_->in_flight())
        return;
    exchange_->machine().drop();
    on_->cancel(
        *exchange_, std::make_exception_ptr(
                        connection_error(client_errc::connection_closed, "the COPY was given up before its end")));
    on_->resume();
}

} // namespace

asio::awaitable<std::shared_ptr<copy_out_core>> open_copy_out(std::shared_ptr<link> on, copy_request what)
{
    return link_copy_out::open(std::move(on), std::move(what));
}

std::uint64_t rows_copied(const copy_out_core& ended) noexcept
{
    return static_cast<const link_copy_out&>(ended).rows();
}

} // namespace tradecore::pg::engine
