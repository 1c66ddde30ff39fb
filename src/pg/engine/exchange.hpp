// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/waiter.hpp"
#include "pg/fsm/operation.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>

namespace tradecore::pg::engine {

class link;

/// One operation on its way: the machine, its time limit, and the coroutine that waits for it.
///
/// It begins with `link::queue` and is off the link when its machine says `done`. The coroutine can wait for the
/// end (`link::wait`), for the machine's `progress` (`link::progress`) or for room to send more (`link::room`); one
/// coroutine at a time.
///
/// Its caller can be answered before it has ended: a cancelled exchange that others go before is `finished` for its
/// caller at once, and goes on for the link alone, its machine told to `drop` what still comes.
///
/// Thread safety: none. Lifetimes: counted; the link holds it until its end, so either side may go first.
class exchange : public boost::intrusive_ref_counter<exchange, boost::thread_unsafe_counter> {
public:
    using clock = std::chrono::steady_clock;
    static constexpr clock::time_point no_deadline = clock::time_point::max();

    exchange(const exchange&) = delete;
    exchange& operator=(const exchange&) = delete;
    exchange(exchange&&) = delete;
    exchange& operator=(exchange&&) = delete;
    virtual ~exchange() = default;

    /// When the server is asked to stop it; set before `link::queue`.
    clock::time_point deadline = no_deadline;
    /// How long the server may work on it, whatever goes before; for what nobody waits for. 0 is no limit. Set before
    /// `link::queue`.
    std::chrono::milliseconds patience{0};
    /// Whether it does not matter when, or whether at all, the server runs it: `link::send_away` may part it from its
    /// caller. Set before `link::queue`.
    bool changes_nothing = false;

    [[nodiscard]] fsm::operation& machine() noexcept { return *machine_; }
    /// @returns whether nothing more will come for who waits.
    [[nodiscard]] bool finished() const noexcept { return finished_; }
    /// @returns whether the link still expects messages of it.
    [[nodiscard]] bool in_flight() const noexcept { return on_ != nullptr; }
    /// @returns why it did not come to its end; null when it did, or has not yet.
    [[nodiscard]] const std::exception_ptr& failure() const noexcept { return failure_; }
    /// @returns why the server was asked to stop it (a `timeout_error`, `operation_aborted`); null when it was not.
    ///          The server may have finished nevertheless: only an answer of 57014 proves that it stopped.
    [[nodiscard]] const std::exception_ptr& cancelled_because() const noexcept { return cancelled_because_; }
    /// @returns whether no transaction was open when the server came to it.
    [[nodiscard]] bool began_idle() const noexcept { return began_idle_; }
    /// @returns whether a request to cancel another exchange may have hit this one.
    [[nodiscard]] bool in_the_line_of_fire() const noexcept { return in_the_line_of_fire_; }

protected:
    explicit exchange(fsm::operation& machine) noexcept : machine_(&machine) {}

    /// Makes an ended exchange new again.
    void renew() noexcept
    {
        deadline = no_deadline;
        patience = {};
        changes_nothing = false;
        failure_ = cancelled_because_ = nullptr;
        finished_ = progressed_ = began_idle_ = in_the_line_of_fire_ = false;
    }

private:
    friend class link;

    enum class awaits : std::uint8_t { end, progress, room };

    fsm::operation* machine_;
    link* on_ = nullptr;
    boost::intrusive_ptr<exchange> next_; // in the link's queue
    waiter waiter_;
    std::size_t room_below_ = 0;
    std::exception_ptr failure_;
    std::exception_ptr cancelled_because_;
    awaits awaits_ = awaits::end;
    bool finished_ = false;
    bool progressed_ = false;
    bool began_idle_ = false;
    bool in_the_line_of_fire_ = false;
};

using exchange_ptr = boost::intrusive_ptr<exchange>;

/// An exchange around a machine of type `Machine`.
template <class Machine>
class exchange_of final : public exchange {
public:
    template <class... Args>
    explicit exchange_of(Args&&... args) : exchange(machine_), machine_(std::forward<Args>(args)...)
    {}

    [[nodiscard]] Machine& machine() noexcept { return machine_; }

    /// Makes an ended exchange new again, for another use.
    /// @param args what the machine's `restart` takes.
    template <class... Args>
    void restart(Args&&... args)
    {
        renew();
        machine_.restart(std::forward<Args>(args)...);
    }

private:
    Machine machine_;
};

/// @param args what the machine's constructor takes.
template <class Machine, class... Args>
[[nodiscard]] boost::intrusive_ptr<exchange_of<Machine>> make_exchange(Args&&... args)
{
    return boost::intrusive_ptr<exchange_of<Machine>>(new exchange_of<Machine>(std::forward<Args>(args)...));
}

} // namespace tradecore::pg::engine
