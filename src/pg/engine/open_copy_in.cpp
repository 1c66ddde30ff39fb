// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/ask_id.hpp"
#include "pg/engine/bulk.hpp"
#include "pg/fsm/copy_in.hpp"
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/error.hpp>

#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using pg::detail::copy_in_core;
using pg::detail::copy_request;

namespace {

constexpr std::string_view default_label = "COPY";

std::exception_ptr given_up()
{
    return std::make_exception_ptr(
        connection_error(client_errc::connection_closed, "the COPY was given up before its end"));
}

/// Sends on a link that it holds from the statement to the end of the data.
class link_copy_in final : public copy_in_core, public std::enable_shared_from_this<link_copy_in> {
public:
    link_copy_in(std::shared_ptr<link> on, copy_options options) : on_(std::move(on)), options_(std::move(options)) {}
    link_copy_in(const link_copy_in&) = delete;
    link_copy_in& operator=(const link_copy_in&) = delete;
    link_copy_in(link_copy_in&&) = delete;
    link_copy_in& operator=(link_copy_in&&) = delete;
    ~link_copy_in() override { abandon(); }

    static asio::awaitable<std::shared_ptr<copy_in_core>> open(std::shared_ptr<link> on, copy_request what);

    [[nodiscard]] const std::shared_ptr<const row_description>& columns() const noexcept override { return columns_; }
    [[nodiscard]] std::string& buffer() noexcept override { return buffer_; }
    [[nodiscard]] asio::awaitable<void> send(std::uint64_t rows) override
    {
        return send_buffer(shared_from_this(), rows);
    }
    [[nodiscard]] asio::awaitable<command_tag> finish(std::uint64_t rows) override
    {
        return finish_now(shared_from_this(), rows);
    }
    void abandon() noexcept override;

private:
    using exchange_type = exchange_of<holding<fsm::copy_in>>;

    // Coroutines take it by value: their frames keep it.
    static asio::awaitable<void> begin(std::shared_ptr<link_copy_in> self, sql_text copy);
    static asio::awaitable<void> send_buffer(std::shared_ptr<link_copy_in> self, std::uint64_t rows);
    static asio::awaitable<command_tag> finish_now(std::shared_ptr<link_copy_in> self, std::uint64_t rows);
    static asio::awaitable<void> throw_refusal(std::shared_ptr<link_copy_in> self);

    [[nodiscard]] std::string_view label() const noexcept { return label_of(options_.call, default_label); }
    [[nodiscard]] bool is_refused() const noexcept
    {
        return exchange_->finished() || exchange_->machine().refuses_data() || exchange_->cancelled_because();
    }
    void require_unfinished() const;
    void report(std::uint64_t rows);

    std::shared_ptr<link> on_;
    copy_options options_;
    std::shared_ptr<const row_description> columns_;
    boost::intrusive_ptr<exchange_type> exchange_;
    std::string buffer_;
    std::uint64_t bytes_ = 0;
    bool ending_ = false; // the end of the data was sent
    bool over_ = false;
};

asio::awaitable<std::shared_ptr<copy_in_core>> link_copy_in::open(std::shared_ptr<link> on, copy_request what)
{
    const auto self = std::make_shared<link_copy_in>(std::move(on), std::move(what.options));
    self->on_->require_open();
    const auto deadline = deadline_of(self->options_.call);
    turn held;
    if (!what.columns.text.empty()) {
        // Not what is remembered: the server takes a value of another type of the same size without a word.
        auto now = co_await describe_and_hold(self->on_, what.columns, self->label(), deadline);
        self->columns_ = std::move(now.columns);
        held = std::move(now.held);
    }
    else {
        held = co_await self->on_->hold(deadline);
    }
    self->on_->require_open();
    self->exchange_ = make_exchange<holding<fsm::copy_in>>(std::move(held));
    self->exchange_->deadline = deadline;
    co_await begin(self, std::move(what.copy));
    co_return self;
}

asio::awaitable<void> link_copy_in::begin(std::shared_ptr<link_copy_in> self, sql_text copy)
{
    auto& out = self->on_->outgoing();
    // Not a simple query: that could hold more than one statement.
    protocol::write_parse(out, {}, copy.text);
    protocol::write_bind(out, {}, parameters{}, {}, {});
    protocol::write_execute(out);
    protocol::write_flush(out);
    (void)is_id_wanted_behind(*self->on_, copy.text); // it is asked for at the end
    self->on_->queue(self->exchange_);
    co_await self->on_->progress(self->exchange_);
    if (self->is_refused())
        co_await throw_refusal(self);
}

void link_copy_in::require_unfinished() const
{
    if (over_ || ending_)
        throw argument_error("the COPY has ended already");
}

asio::awaitable<void> link_copy_in::throw_refusal(std::shared_ptr<link_copy_in> self)
{
    co_await self->on_->wait(self->exchange_);
    self->over_ = true;
    self->exchange_->machine().release();
    auto& machine = self->exchange_->machine();
    if (self->exchange_->cancelled_because())
        std::rethrow_exception(self->exchange_->cancelled_because());
    if (auto& error = machine.error())
        throw_server_error(std::move(*error), self->label());
    if (!machine.was_copy())
        throw argument_error("the statement was run, but it is no COPY … FROM STDIN: there is nothing to write to");
    throw protocol_error("the server ended COPY before its data");
}

void link_copy_in::report(std::uint64_t rows)
{
    if (!options_.progress)
        return;
    try {
        options_.progress({.rows = rows, .bytes = bytes_});
    }
    catch (...) {
        abandon();
        exchange_ = nullptr; // with its turn, which ends when the link lets go of it
        throw;
    }
}

asio::awaitable<void> link_copy_in::send_buffer(std::shared_ptr<link_copy_in> self, std::uint64_t rows)
{
    self->require_unfinished();
    constexpr std::size_t largest_piece = std::size_t{1024} * 1024;
    for (std::string_view left = self->buffer_; !left.empty();) {
        if (self->is_refused())
            co_await throw_refusal(self);
        const auto piece = left.substr(0, largest_piece);
        protocol::write_copy_data(self->on_->outgoing(), piece);
        self->on_->send();
        self->bytes_ += piece.size();
        left.remove_prefix(piece.size());
        co_await self->on_->room(self->exchange_, most_unsent);
    }
    self->buffer_.clear();
    if (self->buffer_.capacity() > 4 * largest_piece)
        self->buffer_.shrink_to_fit();
    if (self->is_refused())
        co_await throw_refusal(self);
    self->report(rows);
}

asio::awaitable<command_tag> link_copy_in::finish_now(std::shared_ptr<link_copy_in> self, std::uint64_t rows)
{
    self->require_unfinished();
    if (!self->buffer_.empty())
        co_await send_buffer(self, rows);
    else
        self->report(rows);
    if (self->is_refused())
        co_await throw_refusal(self);
    auto& machine = self->exchange_->machine();
    protocol::write_copy_done(self->on_->outgoing());
    ask_id_behind(*self->on_, {}, machine);
    protocol::write_sync(self->on_->outgoing());
    machine.end_sent();
    self->on_->send();
    machine.release();
    self->ending_ = true;
    co_await self->on_->wait(self->exchange_);
    self->over_ = true;
    if (auto& error = machine.error())
        std::rethrow_exception(error_of(*self->exchange_, std::move(*error), self->label()));
    co_return machine.tag();
}

void link_copy_in::abandon() noexcept
{
    if (std::exchange(over_, true) || !exchange_)
        return;
    // The machine keeps the turn until the server has answered.
    if (exchange_->in_flight())
        on_->cancel(*exchange_, given_up());
}

} // namespace

asio::awaitable<std::shared_ptr<copy_in_core>> open_copy_in(std::shared_ptr<link> on, copy_request what)
{
    return link_copy_in::open(std::move(on), std::move(what));
}

} // namespace tradecore::pg::engine
