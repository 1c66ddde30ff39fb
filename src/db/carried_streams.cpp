// SPDX-License-Identifier: Apache-2.0
#include "db/home.hpp"

#include <tradecore/pg/listener.hpp>

#include <optional>
#include <string>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;

namespace {

template <class T>
void give_up(T& core) noexcept
{
    core.abandon();
}
void give_up(pg::listener& listener) noexcept
{
    const auto ended = std::move(listener);
}

/// Something of the home that somebody elsewhere holds.
template <class T>
class held_elsewhere {
public:
    held_elsewhere(std::shared_ptr<database_core> core, std::shared_ptr<T> inner)
        : core_(std::move(core)), inner_(std::move(inner))
    {}
    held_elsewhere(const held_elsewhere&) = delete;
    held_elsewhere& operator=(const held_elsewhere&) = delete;
    held_elsewhere(held_elsewhere&&) = delete;
    held_elsewhere& operator=(held_elsewhere&&) = delete;
    ~held_elsewhere()
    {
        at_end([inner = std::move(inner_)]() mutable { inner.reset(); });
    }

    [[nodiscard]] const std::shared_ptr<database_core>& core() const noexcept { return core_; }
    /// To be used at home only.
    [[nodiscard]] T* operator->() const noexcept { return inner_.get(); }

    void abandon() const noexcept
    {
        at_end([inner = inner_] { give_up(*inner); });
    }

private:
    template <class Step>
    void at_end(Step step) const noexcept
    {
        home_of(*core_)->leave(std::move(step));
    }

    std::shared_ptr<database_core> core_;
    std::shared_ptr<T> inner_;
};

class carried_cursor final : public pg::detail::cursor_core, public std::enable_shared_from_this<carried_cursor> {
public:
    carried_cursor(std::shared_ptr<database_core> core, std::shared_ptr<cursor_core> inner)
        : inner_(std::move(core), std::move(inner))
    {}
    asio::awaitable<pg::result> next() override { return at_home(inner_.core(), next_of(shared_from_this())); }
    asio::awaitable<void> close() override { return at_home(inner_.core(), close_of(shared_from_this())); }
    void abandon() noexcept override { inner_.abandon(); }

private:
    static asio::awaitable<pg::result> next_of(std::shared_ptr<carried_cursor> self)
    {
        co_return co_await self->inner_->next();
    }
    static asio::awaitable<void> close_of(std::shared_ptr<carried_cursor> self) { co_await self->inner_->close(); }

    held_elsewhere<cursor_core> inner_;
};

class carried_copy_in final : public pg::detail::copy_in_core, public std::enable_shared_from_this<carried_copy_in> {
public:
    carried_copy_in(std::shared_ptr<database_core> core, std::shared_ptr<copy_in_core> inner)
        : columns_(inner->columns()), inner_(std::move(core), std::move(inner))
    {}
    const std::shared_ptr<const pg::row_description>& columns() const noexcept override { return columns_; }
    // Its own: what the caller writes must not be where the connection reads.
    std::string& buffer() noexcept override { return buffer_; }
    asio::awaitable<void> send(std::uint64_t rows) override
    {
        return at_home(inner_.core(), send_of(shared_from_this(), rows));
    }
    asio::awaitable<pg::command_tag> finish(std::uint64_t rows) override
    {
        return at_home(inner_.core(), finish_of(shared_from_this(), rows));
    }
    void abandon() noexcept override { inner_.abandon(); }

private:
    // The caller waits, so the buffer is nobody else's.
    void hand_over()
    {
        auto& into = inner_->buffer();
        if (into.empty())
            into.swap(buffer_);
        else
            into.append(buffer_);
        buffer_.clear();
    }
    static asio::awaitable<void> send_of(std::shared_ptr<carried_copy_in> self, std::uint64_t rows)
    {
        self->hand_over();
        co_await self->inner_->send(rows);
    }
    static asio::awaitable<pg::command_tag> finish_of(std::shared_ptr<carried_copy_in> self, std::uint64_t rows)
    {
        self->hand_over();
        co_return co_await self->inner_->finish(rows);
    }

    std::shared_ptr<const pg::row_description> columns_;
    std::string buffer_;
    held_elsewhere<copy_in_core> inner_;
};

class carried_copy_out final : public pg::detail::copy_out_core, public std::enable_shared_from_this<carried_copy_out> {
public:
    carried_copy_out(std::shared_ptr<database_core> core, std::shared_ptr<copy_out_core> inner)
        : columns_(inner->columns()), inner_(std::move(core), std::move(inner))
    {}
    const std::shared_ptr<const pg::row_description>& columns() const noexcept override { return columns_; }
    asio::awaitable<std::string> read(std::uint64_t rows) override
    {
        return at_home(inner_.core(), read_of(shared_from_this(), rows));
    }
    void abandon() noexcept override { inner_.abandon(); }

private:
    static asio::awaitable<std::string> read_of(std::shared_ptr<carried_copy_out> self, std::uint64_t rows)
    {
        co_return co_await self->inner_->read(rows);
    }

    std::shared_ptr<const pg::row_description> columns_;
    held_elsewhere<copy_out_core> inner_;
};

class carried_listener final : public pg::detail::listener_core, public std::enable_shared_from_this<carried_listener> {
public:
    carried_listener(std::shared_ptr<database_core> core, std::shared_ptr<pg::listener> inner)
        : channel_(inner->channel()), inner_(std::move(core), std::move(inner))
    {}
    asio::awaitable<pg::notification> next() override { return at_home(inner_.core(), next_of(shared_from_this())); }
    // Answered on the spot: the home is held up for as long as that takes.
    std::optional<pg::notification> try_next() override
    {
        return read_at(*inner_.core(), [this] { return inner_->try_next(); });
    }
    const std::string& channel() const noexcept override { return channel_; }
    std::uint64_t missed() const noexcept override
    {
        return read_at(*inner_.core(), [this] { return inner_->missed(); });
    }
    void abandon() noexcept override { inner_.abandon(); }

private:
    static asio::awaitable<pg::notification> next_of(std::shared_ptr<carried_listener> self)
    {
        co_return co_await self->inner_->next();
    }

    std::string channel_;
    held_elsewhere<pg::listener> inner_;
};

template <class Core, class Carried>
asio::awaitable<std::shared_ptr<Core>>
open_at_home(std::shared_ptr<database_core> core, asio::awaitable<std::shared_ptr<Core>> opening)
{
    auto opened = co_await std::move(opening);
    co_return std::make_shared<Carried>(std::move(core), std::move(opened));
}

asio::awaitable<pg::listener> listen_at_home(std::shared_ptr<database_core> core, asio::awaitable<pg::listener> opening)
{
    auto opened = std::make_shared<pg::listener>(co_await std::move(opening));
    co_return pg::listener(std::make_shared<carried_listener>(std::move(core), std::move(opened)));
}

} // namespace

asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
carry(std::shared_ptr<database_core> core, asio::awaitable<std::shared_ptr<pg::detail::cursor_core>> opening)
{
    return at_home(core, open_at_home<pg::detail::cursor_core, carried_cursor>(core, std::move(opening)));
}

asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>>
carry(std::shared_ptr<database_core> core, asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>> opening)
{
    return at_home(core, open_at_home<pg::detail::copy_in_core, carried_copy_in>(core, std::move(opening)));
}

asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>>
carry(std::shared_ptr<database_core> core, asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>> opening)
{
    return at_home(core, open_at_home<pg::detail::copy_out_core, carried_copy_out>(core, std::move(opening)));
}

asio::awaitable<pg::listener> carry(std::shared_ptr<database_core> core, asio::awaitable<pg::listener> opening)
{
    return at_home(core, listen_at_home(core, std::move(opening)));
}

} // namespace tradecore::detail
