// SPDX-License-Identifier: Apache-2.0
#include "db/pool_core.hpp"

#include <tradecore/db/pool.hpp>

namespace tradecore {
namespace asio = boost::asio;

lease& lease::operator=(lease&& other) noexcept
{
    if (this != &other) {
        reset();
        core_ = std::move(other.core_);
        connection_ = std::exchange(other.connection_, nullptr);
        where_ = other.where_;
        share_ = other.share_;
    }
    return *this;
}

void lease::reset() noexcept
{
    if (connection_ != nullptr)
        give_back(detail::pool_core::clock::now());
}

void lease::give_back(std::chrono::steady_clock::time_point now) noexcept
{
    connection_ = nullptr;
    std::exchange(core_, nullptr)->give_back(where_, share_, now);
}

void lease::discard() noexcept
{
    if (std::exchange(connection_, nullptr) != nullptr)
        std::exchange(core_, nullptr)->discard(where_, share_);
}

pool::pool(asio::any_io_executor executor, std::string name, pool_options options, connector connect)
    : core_(std::make_shared<detail::pool_core>(std::move(executor), std::move(name), options, std::move(connect)))
{}

pool::~pool()
{
    if (core_)
        core_->begin_closing();
}

asio::awaitable<void> pool::open()
{
    return detail::pool_core::open(core_);
}

asio::awaitable<void> pool::close(std::chrono::milliseconds limit)
{
    return detail::pool_core::close(core_, limit);
}

asio::awaitable<lease> pool::acquire(usage user, std::optional<clock::time_point> until)
{
    return detail::pool_core::acquire(core_, std::move(user), until);
}

lease pool::try_acquire(usage user)
{
    return core_->try_acquire(std::move(user));
}

void pool::suspend()
{
    core_->suspend();
}

void pool::resume()
{
    core_->resume();
}

bool pool::is_suspended() const noexcept
{
    return core_->is_suspended();
}

std::size_t pool::evict()
{
    return core_->evict([](const physical_connection&) { return true; });
}

std::size_t pool::evict(const predicate& unwanted)
{
    return core_->evict(unwanted);
}

std::size_t pool::evict_host(std::string_view host, std::optional<std::uint16_t> port)
{
    // By value: it is asked again about connections that are being made.
    return core_->evict([name = std::string(host), port](const physical_connection& each) {
        const auto& at = each.host();
        return (at.host == name || at.hostaddr == name) && (!port || at.port == *port);
    });
}

void pool::end_pause()
{
    core_->end_pause();
}

const pool_statistics& pool::statistics() const noexcept
{
    return core_->statistics();
}

pool_stats pool::stats() const noexcept
{
    return core_->stats();
}

bool pool::is_open() const noexcept
{
    return core_->is_open();
}

const std::string& pool::name() const noexcept
{
    return core_->name();
}

} // namespace tradecore
