// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/exchange.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>

namespace tradecore::pg::engine {

/// Who may write to a link: everybody, or the one who holds it; first come, first served.
///
/// While the gate is free everybody passes without asking. When somebody holds it, or it is barred, newcomers queue:
/// those who only want to pass and those who want to hold it, in one line. Nobody overtakes: one who passed the
/// queue but has not run yet keeps the gate from being free. Who holds the gate goes before all of them when it waits
/// for a bar to end.
///
/// Thread safety: none.
class gate {
public:
    using clock = exchange::clock;

    /// `stay`: of the one who holds the gate already.
    enum class wish : std::uint8_t { pass, hold, stay };

    /// A place in the line; counted, for a cancellation slot may outlive the frame that waits.
    class place : public boost::intrusive_ref_counter<place, boost::thread_unsafe_counter> {
    public:
        place(wish wanted, clock::time_point deadline) noexcept : wanted_(wanted), deadline_(deadline) {}

        template <class Handler>
        void suspend(Handler handler)
        {
            waiter_.suspend(std::move(handler));
        }

        /// @returns whether it was sent away when it had been let in already and only had not run yet.
        [[nodiscard]] bool was_dismissed_late() const noexcept { return dismissed_late_; }

    private:
        friend class gate;
        wish wanted_;
        bool dismissed_late_ = false;
        std::uint64_t number_ = 0; // 0: has not been in the line yet
        clock::time_point deadline_;
        waiter waiter_;
    };
    using place_ptr = boost::intrusive_ptr<place>;

    [[nodiscard]] bool is_free() const noexcept { return !held_ && !barred_ && admitted_ == 0 && line_.empty(); }
    /// Holds the gate when it is free.
    [[nodiscard]] bool try_hold() noexcept;
    /// Ends the holding, and lets in who is next.
    void release() noexcept;

    /// Joins the line: at its end, or where it was before when it was let in just before the gate was barred.
    void join(place_ptr who);
    /// Says that one who was let in has run; whether it may go on. If not, it must join again.
    [[nodiscard]] bool arrived(wish wanted) noexcept;

    /// Lets nobody in until `unbar`; who holds the gate keeps it.
    void bar() noexcept { barred_ = true; }
    void unbar() noexcept;
    [[nodiscard]] bool is_barred() const noexcept { return barred_; }

    /// Sends somebody away with an error; one who is not in the line any more is only told.
    void dismiss(place& who, const std::exception_ptr& why);
    /// Sends everybody away.
    void dismiss_all(const std::exception_ptr& why);
    /// Sends away whose time has passed.
    /// @returns the next deadline.
    [[nodiscard]] clock::time_point dismiss_late(clock::time_point now, const std::exception_ptr& why);
    /// Destroys who waits, without resuming it.
    void abandon() noexcept;

private:
    void let_in();

    std::deque<place_ptr> line_;
    std::uint64_t numbered_ = 0;
    std::size_t admitted_ = 0; // were let in to pass and have not run yet
    bool held_ = false;
    bool barred_ = false;
};

} // namespace tradecore::pg::engine
