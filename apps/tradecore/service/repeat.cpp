// SPDX-License-Identifier: Apache-2.0
#include "service/repeat.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/observe/log.hpp>
#include <tradecore/pg/error.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace tradecore::app::service {

namespace {

using clock = std::chrono::steady_clock;

std::string text_of(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    }
    catch (const std::exception& known) {
        return known.what();
    }
    catch (...) {
        return "an exception that is not a std::exception";
    }
}

/// What: how long the database asks to be left alone. It may be better long before: that is how long a probe may take.
std::chrono::nanoseconds asked_to_wait(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    }
    catch (const circuit_open& refused) {
        return refused.come_again_in();
    }
    catch (...) {
        return {};
    }
}

} // namespace

void repetitions::add(const repetitions& other)
{
    calls += other.calls;
    attempts += other.attempts;
    longest = std::max(longest, other.longest);
}

bool may_be_answered_later(const std::exception_ptr& error) noexcept
{
    using pg::disposition;
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::error& failed) {
        // `canceled`: nobody here asks for that, so it was a limit, or a request that came too late for another.
        for (const auto passing :
             {disposition::transient, disposition::cannot_connect, disposition::overloaded,
              disposition::connection_lost, disposition::in_doubt, disposition::read_only, disposition::stale_statement,
              disposition::canceled, disposition::timeout, disposition::server_fault})
            if (failed.code() == passing)
                return true;
        return failed.code() == pg::client_errc::connection_closed;
    }
    catch (...) {
        return false;
    }
}

repeater::repeater(std::string whose, patience how)
    : state_(std::make_shared<state>(state{
          .whose = std::move(whose),
          .how = how,
          .made = {},
          .waiting = 0,
          .random = std::minstd_rand(std::random_device{}())}))
{}

repeater::call::call(repeater& of) : of_(of.state_), began_(clock::now()) {}

std::chrono::nanoseconds repeater::call::failed(const std::exception_ptr& error)
{
    if (!may_be_answered_later(error))
        std::rethrow_exception(error);
    const auto draw = std::uniform_real_distribution<>(0.0, 1.0)(of_->random);
    const auto pause = std::max<std::chrono::nanoseconds>(
        resilience::pause(of_->how.pauses, failures_, draw),
        std::min<std::chrono::nanoseconds>(asked_to_wait(error), of_->how.pauses.cap));
    const auto tried = clock::now() - began_;
    // A pause that ends too late is cut short, so that the last attempt is made at the limit.
    const auto left = of_->how.limit - tried;
    if (++failures_ == 1 && ++of_->waiting == 1)
        observe::log(
            observe::level::warn, "[CALLS WAITING] what is not answered is tried again",
            {{"whose", of_->whose}, {"error", text_of(error)}});
    if (left.count() <= 0)
        throw out_of_patience(fmt::format(
            "{} were not answered for {:.1f} s, tried {} times; the last error: {}", of_->whose,
            std::chrono::duration<double>(tried).count(), failures_, text_of(error)));
    if (failures_ == 1)
        ++of_->made.calls;
    ++of_->made.attempts;
    return std::min<std::chrono::nanoseconds>(pause, left);
}

void repeater::call::answered()
{
    of_->made.longest = std::max<std::chrono::nanoseconds>(of_->made.longest, clock::now() - began_);
}

repeater::call::~call()
{
    if (failures_ > 0 && --of_->waiting == 0)
        observe::log(observe::level::info, "[CALLS WAITING] no call waits any longer", {{"whose", of_->whose}});
}

asio::awaitable<void> detail::rest(std::chrono::nanoseconds how_long)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::duration_cast<clock::duration>(how_long));
    co_await timer.async_wait(asio::use_awaitable);
}

} // namespace tradecore::app::service
